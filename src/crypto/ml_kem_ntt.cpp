#include "crypto/ml_kem_ntt.h"

namespace sekisho::crypto::ml_kem {
namespace {

constexpr std::int16_t kInverseOfQ = -3327;  // 1 / q mod 2^16

static_assert(static_cast<std::int16_t>(kInverseOfQ * kQ) == 1);

constexpr std::int16_t low(std::int32_t x) { return static_cast<std::int16_t>(static_cast<std::uint32_t>(x) & 0xffffU); }
constexpr std::int16_t high(std::int32_t x) { return static_cast<std::int16_t>(x >> 16); }

/// x / R mod q for |x| < 2^15 q; the result is within (-q, q).
constexpr std::int16_t reduce(std::int32_t x) {
    const std::int16_t m = low(low(x) * kInverseOfQ);
    return static_cast<std::int16_t>((x - m * kQ) >> 16);
}

/// A factor that is used often, with its product by 1/q: mont() is then three 16-bit multiplications, which vectorise.
struct Factor {
    std::int16_t value;
    std::int16_t by_inverse_of_q;
};

constexpr std::int16_t mont(std::int16_t x, Factor factor) {
    const std::int16_t m = low(x * factor.by_inverse_of_q);
    return static_cast<std::int16_t>(high(x * factor.value) - high(m * kQ));
}

/// Any x to 0 … q (q itself for some multiples of q).
constexpr std::int16_t barrett(std::int16_t x) {
    const auto quotient = static_cast<std::int16_t>(high(x * 20159) >> 10);  // 20159 = round(2^26 / q)
    return static_cast<std::int16_t>(x - quotient * kQ);
}

constexpr std::int32_t modulo(std::int64_t x) { return static_cast<std::int32_t>((x % kQ + kQ) % kQ); }

/// x R mod q as a factor, so that mont(y, factor(x)) = x y.
constexpr Factor factor(std::int64_t x) {
    std::int32_t scaled = modulo(modulo(x) * 65536LL);
    if (scaled > kQ / 2) scaled -= kQ;
    return {low(scaled), low(scaled * kInverseOfQ)};
}

// FIPS 203 Appendix A: zeta = 17, its powers in bit-reversed order.
constexpr std::array<Factor, 128> zetas() {
    std::array<Factor, 128> out{};
    for (unsigned i = 0; i < out.size(); ++i) {
        unsigned exponent = 0;
        for (unsigned bit = 0; bit < 7; ++bit) exponent |= (i >> bit & 1U) << (6 - bit);
        std::int64_t power = 1;
        for (unsigned j = 0; j < exponent; ++j) power = modulo(power * 17);
        out[i] = factor(power);
    }
    return out;
}

constexpr std::array kZetas = zetas();
constexpr Factor kTimesR = factor(65536);
// 1/128 of FIPS 203 algorithm 10, and the R that inner_product() left out.
constexpr Factor kInverseScale = factor(3303LL * 65536);

static_assert(modulo(3303LL * 128) == 1);

/// One layer of algorithm 9. Length: distance of the two coefficients of a butterfly.
template <std::size_t Length>
void forward_layer(Poly& f) {
    std::size_t zeta = kDegree / 2 / Length;
    for (std::size_t start = 0; start < kDegree; start += 2 * Length) {
        const Factor factor = kZetas[zeta++];
        std::int16_t* const a = f.at.data() + start;
        std::int16_t* const b = a + Length;
        for (std::size_t j = 0; j < Length; ++j) {
            const std::int16_t t = mont(b[j], factor);
            b[j] = static_cast<std::int16_t>(a[j] - t);
            a[j] = static_cast<std::int16_t>(a[j] + t);
        }
    }
}

/// One layer of algorithm 10.
template <std::size_t Length>
void inverse_layer(Poly& f) {
    std::size_t zeta = kDegree / Length;
    for (std::size_t start = 0; start < kDegree; start += 2 * Length) {
        const Factor factor = kZetas[--zeta];
        std::int16_t* const a = f.at.data() + start;
        std::int16_t* const b = a + Length;
        for (std::size_t j = 0; j < Length; ++j) {
            const std::int16_t t = a[j];
            a[j] = barrett(static_cast<std::int16_t>(t + b[j]));
            b[j] = mont(static_cast<std::int16_t>(b[j] - t), factor);
        }
    }
}

}  // namespace

// Each layer adds less than q to the bound: after seven, |x| < 8 q, which still is a 16-bit number.
void ntt(Poly& f) {
    forward_layer<128>(f);
    forward_layer<64>(f);
    forward_layer<32>(f);
    forward_layer<16>(f);
    forward_layer<8>(f);
    forward_layer<4>(f);
    forward_layer<2>(f);
    for (std::int16_t& x : f.at) x = barrett(x);
}

void ntt(Vector& f) {
    for (Poly& poly : f) ntt(poly);
}

void inverse_ntt(Poly& f) {
    inverse_layer<2>(f);
    inverse_layer<4>(f);
    inverse_layer<8>(f);
    inverse_layer<16>(f);
    inverse_layer<32>(f);
    inverse_layer<64>(f);
    inverse_layer<128>(f);
    for (std::int16_t& x : f.at) x = mont(x, kInverseScale);
}

// FIPS 203 algorithms 11 and 12: pairs of coefficients are residues modulo X^2 - zeta and X^2 + zeta. The three products are
// summed before they are reduced: 3 q^2 + q^2 is well below 2^15 q.
void inner_product(Poly& out, const Vector& a, const Vector& b) {
    for (std::size_t i = 0; i < kDegree; i += 2) {
        std::int32_t constant = 0;
        std::int32_t linear = 0;
        std::int32_t square = 0;
        for (std::size_t k = 0; k < kRank; ++k) {
            const std::int32_t a0 = a[k].at[i];
            const std::int32_t a1 = a[k].at[i + 1];
            const std::int32_t b0 = b[k].at[i];
            const std::int32_t b1 = b[k].at[i + 1];
            constant += a0 * b0;
            linear += a0 * b1 + a1 * b0;
            square += a1 * b1;
        }
        const std::int32_t zeta = kZetas[64 + i / 4].value;
        const std::int32_t folded = reduce(square) * (i % 4 == 0 ? zeta : -zeta);
        out.at[i] = reduce(constant + folded);
        out.at[i + 1] = reduce(linear);
    }
}

void times_r(Poly& f) {
    for (std::int16_t& x : f.at) x = mont(x, kTimesR);
}

void to_canonical(Poly& f) {
    for (std::int16_t& x : f.at) {
        const auto below_q = static_cast<std::int16_t>(barrett(x) - kQ);
        x = static_cast<std::int16_t>(below_q + ((below_q >> 15) & kQ));
    }
}

void add(Poly& f, const Poly& g) {
    for (std::size_t i = 0; i < kDegree; ++i) f.at[i] = static_cast<std::int16_t>(f.at[i] + g.at[i]);
}

void subtract_from(Poly& f, const Poly& g) {
    for (std::size_t i = 0; i < kDegree; ++i) f.at[i] = static_cast<std::int16_t>(g.at[i] - f.at[i]);
}

}  // namespace sekisho::crypto::ml_kem
