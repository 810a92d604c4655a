// Packets under a cipher and a MAC, with the keys and bytes that packet_vectors.py has, too.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "crypto/aes_gcm.h"
#include "crypto/packet_cipher.h"

namespace sekisho::crypto {

inline Secret material(unsigned base, std::size_t size) {
    Secret out(size);
    for (std::size_t i = 0; i < size; ++i) out.bytes()[i] = static_cast<std::byte>((i + base) & 255U);
    return out;
}

/// A packet whose encrypted part is `encrypted` bytes; the same bytes as packet_vectors.py makes.
inline Bytes make_packet(std::size_t encrypted, std::size_t outside) {
    Bytes out(encrypted + outside);
    const std::size_t length = out.size() - 4;
    for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<std::byte>(length >> (24 - 8 * i));
    out[4] = std::byte{4};
    for (std::size_t i = 0; i + 5 < out.size(); ++i) out[i + 5] = static_cast<std::byte>((i * 7 + 3) & 255U);
    return out;
}

struct Combination {
    const char* cipher;
    const char* mac;
    const char* sealed_sha256;  // made by packet_vectors.py beside this file
    aes_gcm::Backend gcm = aes_gcm::Backend::OpenSsl;
};

struct Pair {
    std::unique_ptr<PacketSealer> sealer;
    std::unique_ptr<PacketOpener> opener;
};

inline Pair make_pair(const Combination& c) {
    const CipherSizes sizes = cipher_sizes(c.cipher, c.mac);
    const Secret key = material(0, sizes.key);
    Secret iv = material(224, sizes.iv);
    // The GCM counter starts two before its end, so that its wrap is part of the test.
    if (sizes.iv == 12) {
        for (std::size_t i = 4; i < 12; ++i) iv.bytes()[i] = i == 11 ? std::byte{0xfe} : std::byte{0xff};
    }
    const Secret mac_key = material(100, sizes.mac_key);
    return {make_sealer(c.cipher, c.mac, key, iv, mac_key), make_opener(c.cipher, c.mac, key, iv, mac_key)};
}

inline Bytes seal(PacketSealer& sealer, std::uint32_t sequence, BytesView packet) {
    Bytes out(packet.size() + sealer.shape().tag);
    sealer.seal(sequence, packet, out);
    return out;
}

/// length() and open() as the packet layer calls them; the decrypted packet, or nothing.
inline std::optional<Bytes> open(PacketOpener& opener, std::uint32_t sequence, Bytes sealed) {
    const Bytes before = sealed;
    const std::uint32_t length = opener.length(sequence, BytesView(sealed).first(opener.prefix()));
    EXPECT_EQ(sealed, before) << "length() must not change the prefix";
    const bool good = opener.open(sequence, sealed);
    if (!good) return std::nullopt;
    EXPECT_EQ(length + 4 + opener.shape().tag, sealed.size());
    sealed.resize(sealed.size() - opener.shape().tag);
    return sealed;
}

}  // namespace sekisho::crypto
