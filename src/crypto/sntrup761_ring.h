// Inside of crypto only: arithmetic of Streamlined NTRU Prime with p = 761, q = 4591 (NTRU Prime round 3, section 3): the rings
// R/q = (Z/q)[x]/(x^p - x - 1), a field, and R/3. Coefficients are centred: -2295 … 2295 and -1 … 1. Constant time.
#pragma once

#include <array>
#include <cstdint>

namespace sekisho::crypto::sntrup761 {

inline constexpr std::size_t kP = 761;
inline constexpr std::int16_t kQ = 4591;
inline constexpr std::int16_t kHalfQ = (kQ - 1) / 2;
inline constexpr std::size_t kWeight = 286;

/// Coefficients of -1, 0, 1: an element of R/3, or a small one of R.
using Small = std::array<std::int8_t, kP>;
/// Coefficients of -2295 … 2295.
using Large = std::array<std::int16_t, kP>;

/// x mod q, centred. Exact for |x| < 2^26: the error of the quotient stays below 1 / (2 q).
constexpr std::int16_t centered_mod_q(std::int32_t x) {
    constexpr std::int64_t kReciprocal = ((std::int64_t{1} << 40) + kQ / 2) / kQ;
    const std::int64_t quotient = (x * kReciprocal + (std::int64_t{1} << 39)) >> 40;
    return static_cast<std::int16_t>(x - static_cast<std::int32_t>(quotient) * kQ);
}

/// x mod 3, centred. Exact for |x| < 10000.
constexpr std::int8_t centered_mod_3(std::int32_t x) {
    const std::int32_t quotient = (x * 10923 + (1 << 14)) >> 15;
    return static_cast<std::int8_t>(x - 3 * quotient);
}

/// a b in R/q, and in R/3.
void multiply(Large& out, const Large& a, const Small& b);
void multiply(Small& out, const Small& a, const Small& b);

/// 1 / (3 a) in R/q; `a` must not be zero.
void reciprocal_of_triple(Large& out, const Small& a);
/// 1 / a in R/3. All ones when there is one; otherwise zero, and `out` means nothing.
std::uint32_t reciprocal(Small& out, const Small& a);

}  // namespace sekisho::crypto::sntrup761
