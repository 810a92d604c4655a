#include "crypto/ml_kem_sample.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/keccak.h"
#include "crypto/wiped.h"

namespace sekisho::crypto::ml_kem {
namespace {

constexpr std::size_t kSide = 4;  // hashes at a time

/// Algorithm 7 on the next block: keeps the 12-bit numbers below q. `count`: coefficients there are already.
void take_uniform(Poly& out, std::size_t& count, BytesView block) {
    for (std::size_t i = 0; i + 3 <= block.size() && count < kDegree; i += 3) {
        const int b0 = std::to_integer<int>(block[i]);
        const int b1 = std::to_integer<int>(block[i + 1]);
        const int b2 = std::to_integer<int>(block[i + 2]);
        const int first = b0 | (b1 & 15) << 8;
        const int second = b1 >> 4 | b2 << 4;
        out.at[count] = static_cast<std::int16_t>(first);
        count += first < kQ ? 1 : 0;
        if (count == kDegree) return;
        out.at[count] = static_cast<std::int16_t>(second);
        count += second < kQ ? 1 : 0;
    }
}

using XofInput = std::array<std::byte, 34>;

void sample_one(Poly& out, const XofInput& input) {
    Shake128 xof;
    xof.absorb(input);
    std::array<std::byte, kShake128Rate> block;
    for (std::size_t count = 0; count < kDegree;) {
        xof.squeeze(block);
        take_uniform(out, count, block);
    }
}

void sample_four(const std::array<Poly*, kSide>& out, const std::array<XofInput, kSide>& inputs) {
    Shake4 xof(kShake128Rate, {inputs[0], inputs[1], inputs[2], inputs[3]});
    std::array<std::array<std::byte, kShake128Rate>, kSide> blocks;
    std::array<std::size_t, kSide> counts{};
    while (*std::min_element(counts.begin(), counts.end()) < kDegree) {
        xof.squeeze_block({blocks[0], blocks[1], blocks[2], blocks[3]});
        for (std::size_t k = 0; k < kSide; ++k) take_uniform(*out[k], counts[k], blocks[k]);
    }
}

/// Algorithm 8 with eta = 2: the difference of two sums of two bits.
void centered_binomial(Poly& out, std::span<const std::byte, 128> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto bits = std::to_integer<unsigned>(bytes[i]);
        const unsigned sums = (bits & 0x55U) + (bits >> 1 & 0x55U);
        out.at[2 * i] = static_cast<std::int16_t>(static_cast<int>(sums & 3U) - static_cast<int>(sums >> 2 & 3U));
        out.at[2 * i + 1] = static_cast<std::int16_t>(static_cast<int>(sums >> 4 & 3U) - static_cast<int>(sums >> 6 & 3U));
    }
}

}  // namespace

void sample_matrix(Matrix& out, std::span<const std::byte, 32> rho, Order order) {
    std::array<XofInput, kRank * kRank> inputs;
    std::array<Poly*, kRank * kRank> polys;
    for (std::size_t row = 0; row < kRank; ++row) {
        for (std::size_t column = 0; column < kRank; ++column) {
            XofInput& input = inputs[row * kRank + column];
            std::copy(rho.begin(), rho.end(), input.begin());
            const bool plain = order == Order::Plain;
            input[32] = static_cast<std::byte>(plain ? column : row);
            input[33] = static_cast<std::byte>(plain ? row : column);
            polys[row * kRank + column] = &out[row][column];
        }
    }
    sample_four({polys[0], polys[1], polys[2], polys[3]}, {inputs[0], inputs[1], inputs[2], inputs[3]});
    sample_four({polys[4], polys[5], polys[6], polys[7]}, {inputs[4], inputs[5], inputs[6], inputs[7]});
    sample_one(*polys[8], inputs[8]);
}

void sample_noise(std::span<Poly* const> out, std::span<const std::byte, 32> seed, std::uint8_t first) {
    SEKISHO_ASSERT(out.size() <= kSide);
    Wiped<std::array<std::array<std::byte, 33>, kSide>> inputs;
    for (std::size_t k = 0; k < kSide; ++k) {
        std::copy(seed.begin(), seed.end(), (*inputs)[k].begin());
        (*inputs)[k][32] = static_cast<std::byte>(first + k);
    }
    Wiped<std::array<std::array<std::byte, 128>, kSide>> bytes;
    Shake4 prf(kShake256Rate, {(*inputs)[0], (*inputs)[1], (*inputs)[2], (*inputs)[3]});
    prf.squeeze_block({(*bytes)[0], (*bytes)[1], (*bytes)[2], (*bytes)[3]});
    for (std::size_t k = 0; k < out.size(); ++k) centered_binomial(*out[k], (*bytes)[k]);
}

}  // namespace sekisho::crypto::ml_kem
