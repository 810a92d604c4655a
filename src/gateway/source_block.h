// SourceBlock: the network that stands for a client's address where connections are counted: an IPv4 address alone, the /64 of an
// IPv6 one, unless the configuration says otherwise (PerSourceNetBlockSize of sshd_config(5)). Whoever has a /64 has all of it.
#pragma once

#include <compare>
#include <string>

#include "base/network.h"

namespace sekisho::gateway {

/// Bits of an address that count.
struct BlockSizes {
    unsigned v4 = 32;
    unsigned v6 = 64;
    friend bool operator==(const BlockSizes&, const BlockSizes&) = default;
};

struct SourceBlock {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};
    unsigned bits = 0;
    friend auto operator<=>(const SourceBlock&, const SourceBlock&) = default;

    /// "192.0.2.7/32", "2001:db8:1:2::/64".
    std::string text() const { return base::Address{v6, bytes}.text() + "/" + std::to_string(bits); }
};

inline SourceBlock block_of(const base::Address& address, const BlockSizes& sizes) {
    const base::Address source = address.unmapped();
    SourceBlock block{source.v6, source.bytes, source.v6 ? sizes.v6 : sizes.v4};
    for (unsigned bit = block.bits; bit < 128; ++bit) {
        block.bytes[bit / 8] = static_cast<std::uint8_t>(block.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    }
    return block;
}

}  // namespace sekisho::gateway
