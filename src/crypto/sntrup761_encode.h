// Inside of crypto only: elements of the rings of sntrup761 as bytes (NTRU Prime round 3, section 3.4). Coefficients of R/q
// travel in mixed radix: neighbours are joined to one number, whose low bytes go out while it is big, until one is left.
// Encoding is constant time. Decoding takes any bytes: numbers out of range are taken modulo the range.
#pragma once

#include "base/bytes.h"
#include "crypto/sntrup761_ring.h"

namespace sekisho::crypto::sntrup761 {

inline constexpr std::size_t kSmallBytes = 191;
inline constexpr std::size_t kLargeBytes = 1158;
inline constexpr std::size_t kRoundedBytes = 1007;

/// Four coefficients to a byte.
void encode(std::span<std::byte, kSmallBytes> out, const Small& f);
void decode(Small& f, std::span<const std::byte, kSmallBytes> bytes);

void encode(std::span<std::byte, kLargeBytes> out, const Large& f);
void decode(Large& f, std::span<const std::byte, kLargeBytes> bytes);

/// For coefficients that are multiples of 3.
void encode_rounded(std::span<std::byte, kRoundedBytes> out, const Large& f);
void decode_rounded(Large& f, std::span<const std::byte, kRoundedBytes> bytes);

}  // namespace sekisho::crypto::sntrup761
