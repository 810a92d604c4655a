// Reciprocals in R/q by division steps (Bernstein and Yang, "Fast constant-time gcd computation and modular inversion", 2019):
// 2 p - 1 steps, each the same work, on the two polynomials f = x^p - x - 1 and g = a, both with their coefficients reversed.
//
// A step makes g0 f - f0 g divisible by x and divides; v and r follow, so that f = v a and g = r a up to powers of x. It costs
// two products of a polynomial with a number, done after Montgomery in 16 bits: |result| stays below 5000 whatever the input
// below that, so the polynomials are never reduced. The factor 1/R that each step leaves in g and r alike cancels in the end,
// where the result is divided by the constant that f has become.
#include <algorithm>

#include "base/assert.h"
#include "crypto/constant_time.h"
#include "crypto/cpu.h"
#include "crypto/sntrup761_ring.h"
#include "crypto/wiped.h"

namespace sekisho::crypto::sntrup761 {
namespace {

constexpr std::size_t kSteps = 2 * kP - 1;
constexpr std::size_t kVector = 16;  // lengths are rounded up to this, so that loops have no remainder
constexpr std::size_t kPadded = (kP + 1 + kVector - 1) / kVector * kVector;

constexpr std::int16_t kInverseOfQ = 15631;  // 1 / q mod 2^16

constexpr std::int16_t low(std::int32_t x) { return static_cast<std::int16_t>(static_cast<std::uint32_t>(x) & 0xffffU); }
constexpr std::int16_t high(std::int32_t x) { return static_cast<std::int16_t>(x >> 16); }

static_assert(low(kInverseOfQ * kQ) == 1);

struct Factor {
    explicit Factor(std::int16_t x) : value(x), by_inverse_of_q(low(x * kInverseOfQ)) {}
    std::int16_t value;
    std::int16_t by_inverse_of_q;
};

/// x factor / 2^16 mod q.
SEKISHO_INLINE std::int16_t mont(std::int16_t x, Factor factor) {
    const std::int16_t m = low(x * factor.by_inverse_of_q);
    return static_cast<std::int16_t>(high(x * factor.value) - high(m * kQ));
}

/// second = first0 second - second0 first; then first = the old second where the mask says so.
SEKISHO_INLINE void combine(std::int16_t* __restrict first, std::int16_t* __restrict second, std::size_t count,
    Factor first0, Factor second0, std::int16_t swap) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::int16_t a = first[i];
        const std::int16_t b = second[i];
        second[i] = static_cast<std::int16_t>(mont(b, first0) - mont(a, second0));
        first[i] = static_cast<std::int16_t>(a ^ ((a ^ b) & swap));
    }
}

/// g loses its constant coefficient at every step and v gains one: their first coefficient moves through the buffer instead
/// of all coefficients moving.
struct State {
    alignas(64) std::array<std::int16_t, kPadded> f{};
    alignas(64) std::array<std::int16_t, kSteps + kPadded> g{};
    alignas(64) std::array<std::int16_t, kSteps + kPadded> v{};
    alignas(64) std::array<std::int16_t, kPadded> r{};
};

constexpr std::size_t rounded(std::size_t count) { return std::min((count + kVector - 1) / kVector * kVector, kPadded); }

SEKISHO_INLINE void run_steps(State& state) {
    std::int32_t delta = 1;
    for (std::size_t step = 0; step < kSteps; ++step) {
        std::int16_t* const f = state.f.data();
        std::int16_t* const g = state.g.data() + step;
        std::int16_t* const v = state.v.data() + kSteps - 1 - step;
        const Factor f0(centered_mod_q(f[0]));
        const Factor g0(centered_mod_q(g[0]));
        const std::uint32_t swap =
            mask_if_negative(-delta) & mask_if_nonzero(static_cast<std::uint32_t>(static_cast<std::int32_t>(g0.value)));
        const auto unsigned_delta = static_cast<std::uint32_t>(delta);
        delta = static_cast<std::int32_t>(unsigned_delta ^ (swap & (unsigned_delta ^ (0U - unsigned_delta)))) + 1;
        // The steps that remain look at no more coefficients of f and g than there are steps; v and r grow by one at each.
        const auto swap16 = static_cast<std::int16_t>(swap & 0xffffU);
        combine(f, g, rounded(std::min(kP + 1, kSteps - step + 1)), f0, g0, swap16);
        combine(v, state.r.data(), rounded(std::min(kP + 1, step + 2)), f0, g0, swap16);
    }
}

SEKISHO_AVX2 void run_steps_avx2(State& state) { run_steps(state); }
void run_steps_baseline(State& state) { run_steps(state); }

/// x^(q - 2), by Fermat 1 / x. The exponent is public.
std::int16_t reciprocal_of_number(std::int16_t x) {
    std::int16_t result = 1;
    for (int bit = 12; bit >= 0; --bit) {
        result = centered_mod_q(result * result);
        if (((kQ - 2) >> bit & 1) != 0) result = centered_mod_q(result * x);
    }
    return result;
}

}  // namespace

void reciprocal_of_triple(Large& out, const Small& a) {
    Wiped<State> state;
    state->f[0] = 1;
    state->f[kP - 1] = -1;
    state->f[kP] = -1;
    for (std::size_t i = 0; i < kP; ++i) state->g[i] = a[kP - 1 - i];
    state->r[0] = 1;
    cpu::has_avx2() ? run_steps_avx2(*state) : run_steps_baseline(*state);

    const std::int16_t scale = reciprocal_of_number(centered_mod_q(3 * centered_mod_q(state->f[0])));
    for (std::size_t i = 0; i < kP; ++i) out[i] = centered_mod_q(scale * centered_mod_q(state->v[kP - 1 - i]));
}

}  // namespace sekisho::crypto::sntrup761
