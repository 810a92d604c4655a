// Inside of crypto only: the ring of ML-KEM, Z_q[X]/(X^256 + 1) with q = 3329, and its number-theoretic transform
// (FIPS 203 §4.3). Coefficients are 16-bit signed and kept loosely reduced; each function says what it takes and gives.
// Products are reduced after Montgomery with R = 2^16: mont(a, b) = a b / R mod q. Nothing here branches on a coefficient.
#pragma once

#include <array>
#include <cstdint>

namespace sekisho::crypto::ml_kem {

inline constexpr std::int16_t kQ = 3329;
inline constexpr std::size_t kDegree = 256;
inline constexpr std::size_t kRank = 3;

struct Poly {
    alignas(32) std::array<std::int16_t, kDegree> at{};
};
using Vector = std::array<Poly, kRank>;
using Matrix = std::array<Vector, kRank>;

/// In place; takes |x| <= q, gives 0 <= x <= q.
void ntt(Poly& f);
void ntt(Vector& f);

/// In place; takes |x| <= q and a result of inner_product(), whose 1/R it takes out again; gives |x| <= q.
void inverse_ntt(Poly& f);

/// Sum of a[i] b[i] / R in the transformed domain; takes |x| <= q, gives |x| <= q.
void inner_product(Poly& out, const Vector& a, const Vector& b);

/// x R mod q for every coefficient: takes the 1/R of inner_product() out where no inverse_ntt() follows.
void times_r(Poly& f);

/// Every coefficient to its representative in 0 … q - 1.
void to_canonical(Poly& f);

void add(Poly& f, const Poly& g);
/// f = g - f.
void subtract_from(Poly& f, const Poly& g);

}  // namespace sekisho::crypto::ml_kem
