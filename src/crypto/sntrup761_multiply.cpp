// Products in R/q and R/3. Schoolbook, as inner products of 16-bit numbers with 32-bit sums: what every vector unit has an
// instruction for.
#include "crypto/cpu.h"
#include "crypto/sntrup761_ring.h"
#include "crypto/wiped.h"

namespace sekisho::crypto::sntrup761 {
namespace {

constexpr std::size_t kChunk = 32;
constexpr std::size_t kPadded = (kP + kChunk - 1) / kChunk * kChunk;
// Outputs are made four at a time; the last four may run over the 2 p - 1 that there are.
constexpr std::size_t kOutputs = 2 * kP - 1;
constexpr std::size_t kPaddedOutputs = (kOutputs + 3) / 4 * 4;
// b backwards with zeros around it: coefficient j of b at kOrigin - j. Read from kOrigin - (kOutputs + 2) on, one padded a long.
constexpr std::size_t kOrigin = kPaddedOutputs;

struct Operands {
    alignas(64) std::array<std::int16_t, kPadded> a{};
    alignas(64) std::array<std::int16_t, kOrigin + kPadded> b_backwards{};
    std::array<std::int32_t, kPaddedOutputs> product{};
};

/// product[k] = sum over i of a[i] b[k - i]. Of a, only the chunks that can meet b are visited.
SEKISHO_INLINE void convolve(Operands& operands) {
    const std::int16_t* const a = operands.a.data();
    for (std::size_t k = 0; k < kPaddedOutputs; k += 4) {
        const std::size_t first = k < kP ? 0 : (k - kP + 1) / kChunk * kChunk;
        const std::size_t last = k + 4 < kPadded ? k + 4 : kPadded;
        const std::int16_t* const b0 = operands.b_backwards.data() + kOrigin - k;
        const std::int16_t* const b1 = b0 - 1;
        const std::int16_t* const b2 = b0 - 2;
        const std::int16_t* const b3 = b0 - 3;
        std::int32_t sum0 = 0;
        std::int32_t sum1 = 0;
        std::int32_t sum2 = 0;
        std::int32_t sum3 = 0;
        for (std::size_t start = first; start < last; start += kChunk) {
            for (std::size_t i = start; i < start + kChunk; ++i) sum0 += a[i] * b0[i];
            for (std::size_t i = start; i < start + kChunk; ++i) sum1 += a[i] * b1[i];
            for (std::size_t i = start; i < start + kChunk; ++i) sum2 += a[i] * b2[i];
            for (std::size_t i = start; i < start + kChunk; ++i) sum3 += a[i] * b3[i];
        }
        operands.product[k] = sum0;
        operands.product[k + 1] = sum1;
        operands.product[k + 2] = sum2;
        operands.product[k + 3] = sum3;
    }
}

SEKISHO_AVX2 void convolve_avx2(Operands& operands) { convolve(operands); }
void convolve_baseline(Operands& operands) { convolve(operands); }

/// Coefficient k of the product modulo x^p - x - 1: x^(p + i) = x^(i + 1) + x^i.
template <class Coefficient>
void multiply_in_ring(const Coefficient& take, const auto& a, const Small& b) {
    Wiped<Operands> operands;
    for (std::size_t i = 0; i < kP; ++i) {
        operands->a[i] = a[i];
        operands->b_backwards[kOrigin - i] = b[i];
    }
    cpu::has_avx2() ? convolve_avx2(*operands) : convolve_baseline(*operands);
    const auto& product = operands->product;
    take(0, product[0] + product[kP]);
    for (std::size_t k = 1; k < kP - 1; ++k) take(k, product[k] + product[k + kP] + product[k + kP - 1]);
    take(kP - 1, product[kP - 1] + product[2 * kP - 2]);
}

}  // namespace

void multiply(Large& out, const Large& a, const Small& b) {
    multiply_in_ring([&](std::size_t k, std::int32_t sum) { out[k] = centered_mod_q(sum); }, a, b);
}

void multiply(Small& out, const Small& a, const Small& b) {
    multiply_in_ring([&](std::size_t k, std::int32_t sum) { out[k] = centered_mod_3(sum); }, a, b);
}

}  // namespace sekisho::crypto::sntrup761
