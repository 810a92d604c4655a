// Inside of crypto only: decisions about secrets as masks (all ones or all zeros) instead of branches. A mask passes a
// barrier, so that the compiler, which could see that it has only two values, cannot make a branch of it again.
// The taint test (tests/unit/crypto/taint) checks what came out of the compiler.
#pragma once

#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"

namespace sekisho::crypto {

inline std::uint32_t value_barrier(std::uint32_t value) noexcept {
    __asm__("" : "+r"(value));
    return value;
}

/// All ones when `value` is not zero.
inline std::uint32_t mask_if_nonzero(std::uint32_t value) noexcept {
    return value_barrier(0U - ((value | (0U - value)) >> 31));
}

/// All ones when `value` is below zero.
inline std::uint32_t mask_if_negative(std::int32_t value) noexcept {
    return value_barrier(0U - (static_cast<std::uint32_t>(value) >> 31));
}

/// All ones when the contents differ. The lengths are public and must agree.
inline std::uint32_t mask_if_different(BytesView a, BytesView b) noexcept {
    SEKISHO_ASSERT(a.size() == b.size());
    std::byte difference{};
    for (std::size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
    return mask_if_nonzero(std::to_integer<std::uint32_t>(difference));
}

/// Replaces `into` by `other` where the mask is all ones.
inline void replace_if(std::uint32_t mask, MutableBytes into, BytesView other) noexcept {
    SEKISHO_ASSERT(into.size() == other.size());
    const auto byte_mask = static_cast<std::byte>(mask & 0xffU);
    for (std::size_t i = 0; i < into.size(); ++i) into[i] ^= byte_mask & (into[i] ^ other[i]);
}

}  // namespace sekisho::crypto
