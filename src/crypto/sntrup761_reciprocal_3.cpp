// Reciprocals in R/3 by the same division steps as in sntrup761_reciprocal_q.cpp, 64 coefficients to a word: a coefficient is
// a bit in each of two planes, "is 1" and "is -1".
#include "crypto/constant_time.h"
#include "crypto/cpu.h"
#include "crypto/sntrup761_ring.h"
#include "crypto/wiped.h"

namespace sekisho::crypto::sntrup761 {
namespace {

constexpr std::size_t kSteps = 2 * kP - 1;
constexpr std::size_t kWords = (kP + 1 + 63) / 64;

/// A word more on each side, always zero, from which the shifts take their bits.
using Plane = std::array<std::uint64_t, kWords + 2>;

struct Trits {
    Plane plus{};
    Plane minus{};
};

void set(Trits& trits, std::size_t i, std::int8_t value) {
    const auto bits = static_cast<std::uint8_t>(value);
    trits.plus[1 + i / 64] |= std::uint64_t{bits & 1U & ~(bits >> 7)} << (i % 64);
    trits.minus[1 + i / 64] |= static_cast<std::uint64_t>(bits >> 7) << (i % 64);
}

std::int8_t value_at(const Trits& trits, std::size_t i) {
    const auto plus = static_cast<int>(trits.plus[1 + i / 64] >> (i % 64) & 1U);
    const auto minus = static_cast<int>(trits.minus[1 + i / 64] >> (i % 64) & 1U);
    return static_cast<std::int8_t>(plus - minus);
}

/// All bits equal to the lowest one.
SEKISHO_INLINE std::uint64_t spread(std::uint64_t word) { return 0U - (word & 1U); }

/// 64 coefficients.
struct Planes {
    std::uint64_t plus;
    std::uint64_t minus;
};

/// Sum modulo 3.
SEKISHO_INLINE constexpr Planes add(Planes a, Planes b) {
    const std::uint64_t mixed = (a.plus | b.minus) ^ (a.minus | b.plus);
    return {(a.minus | b.minus) ^ mixed, (a.plus | b.plus) ^ mixed};
}

constexpr bool adds_every_pair() {
    for (int a = -1; a <= 1; ++a) {
        for (int b = -1; b <= 1; ++b) {
            const Planes sum = add({a == 1, a == -1}, {b == 1, b == -1});
            const int value = (a + b + 4) % 3 - 1;
            if (sum.plus != (value == 1 ? 1U : 0U) || sum.minus != (value == -1 ? 1U : 0U)) return false;
        }
    }
    return true;
}
static_assert(adds_every_pair());

struct State {
    Trits f;
    Trits g;
    Trits v;
    Trits r;
};

/// What a step does to a pair of polynomials: second += first (times 1 where `plus`, -1 where `minus`), and first = the old
/// second where `swap`.
struct Step {
    std::uint64_t plus;
    std::uint64_t minus;
    std::uint64_t swap;
};

SEKISHO_INLINE void combine(Trits& first, Trits& second, Step step) {
    for (std::size_t i = 1; i <= kWords; ++i) {
        const std::uint64_t first_plus = first.plus[i];
        const std::uint64_t first_minus = first.minus[i];
        const std::uint64_t second_plus = second.plus[i];
        const std::uint64_t second_minus = second.minus[i];
        first.plus[i] = first_plus ^ ((first_plus ^ second_plus) & step.swap);
        first.minus[i] = first_minus ^ ((first_minus ^ second_minus) & step.swap);
        const std::uint64_t plus = (first_plus & step.plus) | (first_minus & step.minus);
        const std::uint64_t minus = (first_minus & step.plus) | (first_plus & step.minus);
        const Planes sum = add({plus, minus}, {second_plus, second_minus});
        second.plus[i] = sum.plus;
        second.minus[i] = sum.minus;
    }
}

SEKISHO_INLINE void divide_by_x(Plane& plane) {
    for (std::size_t i = 1; i <= kWords; ++i) plane[i] = plane[i] >> 1 | plane[i + 1] << 63;
}

SEKISHO_INLINE void multiply_by_x(Plane& plane) {
    for (std::size_t i = kWords; i >= 1; --i) plane[i] = plane[i] << 1 | plane[i - 1] >> 63;
}

/// Gives delta, which is zero at the end when there is a reciprocal.
SEKISHO_INLINE std::int32_t run_steps(State& state) {
    std::int32_t delta = 1;
    for (std::size_t step = 0; step < kSteps; ++step) {
        multiply_by_x(state.v.plus);
        multiply_by_x(state.v.minus);
        const std::uint64_t f_plus = state.f.plus[1];
        const std::uint64_t f_minus = state.f.minus[1];
        const std::uint64_t g_plus = state.g.plus[1];
        const std::uint64_t g_minus = state.g.minus[1];
        const std::uint32_t nonzero = static_cast<std::uint32_t>((g_plus | g_minus) & 1U);
        const std::uint32_t swap = mask_if_negative(-delta) & mask_if_nonzero(nonzero);
        const auto unsigned_delta = static_cast<std::uint32_t>(delta);
        delta = static_cast<std::int32_t>(unsigned_delta ^ (swap & (unsigned_delta ^ (0U - unsigned_delta)))) + 1;
        // f0 is 1 or -1, so g - (g0 / f0) f is g - g0 f0 f: added is f where the signs differ, taken away where they agree.
        const Step both{
            .plus = spread((f_plus & g_minus) | (f_minus & g_plus)),
            .minus = spread((f_plus & g_plus) | (f_minus & g_minus)),
            .swap = std::uint64_t{swap} << 32 | swap,
        };
        combine(state.f, state.g, both);
        combine(state.v, state.r, both);
        divide_by_x(state.g.plus);
        divide_by_x(state.g.minus);
    }
    return delta;
}

SEKISHO_AVX2 std::int32_t run_steps_avx2(State& state) { return run_steps(state); }
std::int32_t run_steps_baseline(State& state) { return run_steps(state); }

}  // namespace

std::uint32_t reciprocal(Small& out, const Small& a) {
    Wiped<State> state;
    set(state->f, 0, 1);
    set(state->f, kP - 1, -1);
    set(state->f, kP, -1);
    for (std::size_t i = 0; i < kP; ++i) set(state->g, i, a[kP - 1 - i]);
    set(state->r, 0, 1);
    const std::int32_t delta = cpu::has_avx2() ? run_steps_avx2(*state) : run_steps_baseline(*state);

    const std::int32_t sign = value_at(state->f, 0);
    for (std::size_t i = 0; i < kP; ++i) out[i] = static_cast<std::int8_t>(sign * value_at(state->v, kP - 1 - i));
    return ~mask_if_nonzero(static_cast<std::uint32_t>(delta));
}

}  // namespace sekisho::crypto::sntrup761
