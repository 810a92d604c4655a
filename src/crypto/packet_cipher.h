// Encryption and integrity of SSH packets, one direction each, for all cipher families behind two interfaces:
// the plain start, AES-GCM (RFC 5647 in its @openssh.com form), chacha20-poly1305@openssh.com, AES-CTR with
// HMAC (encrypt-and-MAC) and AES-CTR with HMAC-EtM. Owned by ssh/packet. A `packet` here is always
//   u32 packet_length ‖ u8 padding_length ‖ payload ‖ padding                       (RFC 4253 §6)
// Contexts are made once per key and reused for every packet: nothing is fetched or allocated per packet.
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace sekisho::crypto {

/// What the packet layer must know to pad and to cut. `aligned_from` is where block alignment starts counting: 4 where the
/// length field is outside the encryption (AEAD, EtM), 0 where it is inside.
struct PacketShape {
    std::size_t block = 8;
    std::size_t aligned_from = 0;
    std::size_t tag = 0;
    /// A length that cannot be must not be seen to be noticed before the tag is: whoever changed it would learn 14 bits of text
    /// (Albrecht, Paterson, Watson 2009: CBC with encrypt-and-MAC).
    bool conceal_length = false;
};

class PacketSealer {
public:
    virtual ~PacketSealer() = default;
    virtual PacketShape shape() const = 0;
    /// Encrypts `packet` into `out` (packet.size() + shape().tag bytes). `out` may be the same memory as `packet`, or must not
    /// overlap it at all.
    virtual void seal(std::uint32_t sequence, BytesView packet, MutableBytes out) = 0;
};

class PacketOpener {
public:
    virtual ~PacketOpener() = default;
    virtual PacketShape shape() const = 0;
    /// Bytes from the packet's start that `length` needs.
    virtual std::size_t prefix() const = 0;
    /// packet_length of the packet whose first prefix() bytes are given. Called once per packet; may keep state (CTR decrypts
    /// the first block here, without changing `prefix_bytes`). The number is the peer's claim: unchecked and unauthenticated.
    virtual std::uint32_t length(std::uint32_t sequence, BytesView prefix_bytes) = 0;
    /// Checks the tag, then decrypts in place: `packet` is 4 + packet_length bytes, followed by shape().tag bytes in the same
    /// span. False: the tag is wrong, and the contents are unusable. The first 4 bytes hold the plain length afterwards.
    [[nodiscard]] virtual bool open(std::uint32_t sequence, MutableBytes packet_and_tag) = 0;
};

/// Key material sizes of a negotiated cipher and MAC (names of the SSH registry; `mac` is ignored for AEAD ciphers).
struct CipherSizes {
    std::size_t key = 0;
    std::size_t iv = 0;
    std::size_t mac_key = 0;
    bool aead = false;
    /// Bytes after which the cipher wants new keys (RFC 4344 §3.2); the general limit still applies.
    std::uint64_t rekey_bytes = 0;
};

/// False for a name that this build does not have.
bool cipher_known(std::string_view cipher);
bool mac_known(std::string_view mac);
/// Needs no MAC of its own.
bool cipher_is_aead(std::string_view cipher);
CipherSizes cipher_sizes(std::string_view cipher, std::string_view mac);

/// Sizes of key, iv and mac_key must be those of cipher_sizes (an assertion, not an error).
std::unique_ptr<PacketSealer> make_sealer(std::string_view cipher, std::string_view mac, const Secret& key, const Secret& iv,
                                          const Secret& mac_key);
std::unique_ptr<PacketOpener> make_opener(std::string_view cipher, std::string_view mac, const Secret& key, const Secret& iv,
                                          const Secret& mac_key);

/// The library that new AES-GCM ciphers come from: "openssl", "ipsec-mb", or "auto", the faster one that is there. Before any cipher is
/// made. Fails where this build or processor does not have it.
Result<void> choose_aes_gcm(std::string_view library);

/// No encryption, no MAC: the start of every connection.
std::unique_ptr<PacketSealer> make_plain_sealer();
std::unique_ptr<PacketOpener> make_plain_opener();

}  // namespace sekisho::crypto
