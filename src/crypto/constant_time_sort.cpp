#include "crypto/constant_time_sort.h"

#include <algorithm>

#include "crypto/cpu.h"

namespace sekisho::crypto {
namespace {

/// For each i: the smaller of low[i] and high[i] to low, the bigger to high. Bit operations only: a comparison could become a
/// branch. The sign of b - a says which is smaller, unless the difference overflowed, which the signs of a and b tell.
SEKISHO_INLINE void exchange(std::int32_t* low, std::int32_t* high, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto a = static_cast<std::uint32_t>(low[i]);
        const auto b = static_cast<std::uint32_t>(high[i]);
        const std::uint32_t differing = a ^ b;
        std::uint32_t order = b - a;
        order ^= differing & (order ^ b);
        const auto swap = static_cast<std::uint32_t>(static_cast<std::int32_t>(order) >> 31) & differing;
        low[i] = static_cast<std::int32_t>(a ^ swap);
        high[i] = static_cast<std::int32_t>(b ^ swap);
    }
}

/// Batcher's merge exchange (Knuth, The Art of Computer Programming, volume 3, section 5.2.2, algorithm M). The elements that
/// algorithm M compares one by one, those with (i & p) == r, are runs of p neighbours; a run is exchanged at once.
SEKISHO_INLINE void sort_body(std::int32_t* values, std::size_t count) {
    std::size_t top = 1;
    while (2 * top < count) top *= 2;
    for (std::size_t p = top; p > 0; p /= 2) {
        std::size_t distance = p;
        std::size_t r = 0;
        for (std::size_t q = top;; q /= 2) {
            for (std::size_t start = r; start + distance < count; start += 2 * p) {
                exchange(values + start, values + start + distance, std::min(p, count - distance - start));
            }
            if (q == p) break;
            distance = q - p;
            r = p;
        }
    }
}

SEKISHO_AVX2 void sort_avx2(std::int32_t* values, std::size_t count) { sort_body(values, count); }
void sort_baseline(std::int32_t* values, std::size_t count) { sort_body(values, count); }

}  // namespace

void sort_constant_time(std::span<std::int32_t> values) {
    if (values.size() < 2) return;
    cpu::has_avx2() ? sort_avx2(values.data(), values.size()) : sort_baseline(values.data(), values.size());
}

}  // namespace sekisho::crypto
