// Inside of crypto only: the cipher families behind packet_cipher.h, one file each. Sizes of key and iv were checked by
// packet_cipher.cpp before these are called.
#pragma once

#include "crypto/evp.h"
#include "crypto/packet_cipher.h"

namespace sekisho::crypto {

/// AES-GCM as OpenSSH uses it: RFC 5647, negotiated as a cipher that brings its own integrity (OpenSSH PROTOCOL §1.6).
std::unique_ptr<PacketSealer> make_aes_gcm_sealer(const EVP_CIPHER* cipher, const Secret& key, const Secret& iv);
std::unique_ptr<PacketOpener> make_aes_gcm_opener(const EVP_CIPHER* cipher, const Secret& key, const Secret& iv);

/// chacha20-poly1305@openssh.com (OpenSSH PROTOCOL.chacha20poly1305).
std::unique_ptr<PacketSealer> make_chacha20_poly1305_sealer(const Secret& key);
std::unique_ptr<PacketOpener> make_chacha20_poly1305_opener(const Secret& key);

struct MacChoice {
    HashKind hash;
    bool encrypt_then_mac;
};

/// AES-CTR (RFC 4344) with HMAC (RFC 6668), as encrypt-and-MAC or encrypt-then-MAC.
std::unique_ptr<PacketSealer> make_aes_ctr_sealer(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key,
                                                  const Secret& iv, const Secret& mac_key);
std::unique_ptr<PacketOpener> make_aes_ctr_opener(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key,
                                                  const Secret& iv, const Secret& mac_key);

/// AES and triple DES in CBC mode (RFC 4253 §6.3) with HMAC, for targets that have nothing better.
std::unique_ptr<PacketSealer> make_cbc_sealer(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key, const Secret& iv,
                                              const Secret& mac_key);
std::unique_ptr<PacketOpener> make_cbc_opener(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key, const Secret& iv,
                                              const Secret& mac_key);

inline std::uint32_t load_be32(const std::byte* p) {
    return std::to_integer<std::uint32_t>(p[0]) << 24 | std::to_integer<std::uint32_t>(p[1]) << 16 |
           std::to_integer<std::uint32_t>(p[2]) << 8 | std::to_integer<std::uint32_t>(p[3]);
}

inline void store_be32(std::byte* p, std::uint32_t value) {
    p[0] = static_cast<std::byte>(value >> 24);
    p[1] = static_cast<std::byte>(value >> 16);
    p[2] = static_cast<std::byte>(value >> 8);
    p[3] = static_cast<std::byte>(value);
}

}  // namespace sekisho::crypto
