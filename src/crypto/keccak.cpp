// 1: the permutation, once for all lane types. 2: one sponge. 3: four sponges.
#include "crypto/keccak.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/secret.h"
#include "crypto/cpu.h"

namespace sekisho::crypto {
namespace {

// --- 1: the permutation ------------------------------------------------------------------------------------------

// FIPS 202 §3.2.5: the round constants are the output of a shift register.
constexpr std::array<std::uint64_t, 24> round_constants() {
    std::array<std::uint64_t, 24> constants{};
    unsigned state = 1;
    for (std::uint64_t& constant : constants) {
        for (unsigned j = 0; j <= 6; ++j) {
            if ((state & 1U) != 0) constant |= std::uint64_t{1} << ((1U << j) - 1);
            state <<= 1;
            if ((state & 0x100U) != 0) state ^= 0x171U;
        }
    }
    return constants;
}

// FIPS 202 §3.2.2: how far lane (x, y), here at x + 5 y, is rotated.
constexpr std::array<unsigned, 25> rotations() {
    std::array<unsigned, 25> offsets{};
    std::size_t x = 1;
    std::size_t y = 0;
    for (unsigned t = 0; t < 24; ++t) {
        offsets[x + 5 * y] = (t + 1) * (t + 2) / 2 % 64;
        const std::size_t next = (2 * x + 3 * y) % 5;
        x = y;
        y = next;
    }
    return offsets;
}

constexpr std::array kRoundConstants = round_constants();
constexpr std::array kRotations = rotations();

template <class Body, std::size_t... I>
SEKISHO_INLINE void unrolled(std::index_sequence<I...>, const Body& body) {
    (body(std::integral_constant<std::size_t, I>{}), ...);
}

template <std::size_t Count, class Body>
SEKISHO_INLINE void unrolled(const Body& body) {
    unrolled(std::make_index_sequence<Count>{}, body);
}

// Results by reference: a vector wider than the baseline's registers must not be a return value.
template <unsigned Bits, class Lane>
SEKISHO_INLINE void rotate(Lane& out, const Lane& in) {
    if constexpr (Bits == 0) {
        out = in;
    } else {
        out = in << Bits | in >> (64 - Bits);
    }
}

/// Keccak-f[1600] (FIPS 202 §3.3). Lane: an unsigned 64-bit integer, or a vector of them.
template <class Lane>
SEKISHO_INLINE void permute(Lane (&a)[25]) {
    for (const std::uint64_t constant : kRoundConstants) {
        Lane b[25];
        Lane column[5];
        unrolled<5>(
            [&](auto x) __attribute__((always_inline)) { column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]; });
        unrolled<5>([&](auto x) __attribute__((always_inline)) {
            Lane mixed;
            rotate<1>(mixed, column[(x + 1) % 5]);
            mixed ^= column[(x + 4) % 5];
            unrolled<5>([&](auto y) __attribute__((always_inline)) { a[x + 5 * y] ^= mixed; });
        });
        unrolled<25>([&](auto i) __attribute__((always_inline)) {
            constexpr std::size_t x = i % 5;
            constexpr std::size_t y = i / 5;
            rotate<kRotations[i]>(b[y + 5 * ((2 * x + 3 * y) % 5)], a[i]);
        });
        unrolled<25>([&](auto i) __attribute__((always_inline)) {
            constexpr std::size_t row = i / 5 * 5;
            a[i] = b[i] ^ (~b[row + (i + 1) % 5] & b[row + (i + 2) % 5]);
        });
        a[0] ^= constant;
    }
}

void permute_one(std::array<std::uint64_t, 25>& state) {
    std::uint64_t lanes[25];
    std::copy(state.begin(), state.end(), lanes);
    permute(lanes);
    std::copy(std::begin(lanes), std::end(lanes), state.begin());
}

using FourLanes = std::uint64_t __attribute__((vector_size(32)));

SEKISHO_INLINE void permute_four(std::array<std::uint64_t, 100>& state) {
    FourLanes lanes[25];
    std::memcpy(lanes, state.data(), sizeof lanes);
    permute(lanes);
    std::memcpy(state.data(), lanes, sizeof lanes);
}

SEKISHO_AVX2 void permute_four_avx2(std::array<std::uint64_t, 100>& state) { permute_four(state); }
void permute_four_baseline(std::array<std::uint64_t, 100>& state) { permute_four(state); }

// --- 2: one sponge -----------------------------------------------------------------------------------------------

std::uint64_t load_le64(const std::byte* p) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

void store_le64(std::byte* p, std::uint64_t word) {
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    std::memcpy(p, &word, sizeof word);
}

constexpr std::uint64_t at_byte(std::uint64_t value, std::size_t position) { return value << (8 * (position % 8)); }

}  // namespace

Sponge::~Sponge() { base::wipe(std::as_writable_bytes(std::span(m_state))); }

void Sponge::absorb(BytesView bytes) {
    SEKISHO_ASSERT(!m_squeezing);
    while (!bytes.empty()) {
        std::size_t taken = 1;
        if (m_position % 8 == 0 && bytes.size() >= 8) {
            m_state[m_position / 8] ^= load_le64(bytes.data());
            taken = 8;
        } else {
            m_state[m_position / 8] ^= at_byte(std::to_integer<std::uint64_t>(bytes[0]), m_position);
        }
        bytes = bytes.subspan(taken);
        m_position += taken;
        if (m_position == m_rate) {
            permute_one(m_state);
            m_position = 0;
        }
    }
}

void Sponge::squeeze(MutableBytes out) {
    if (!m_squeezing) {
        m_state[m_position / 8] ^= at_byte(m_domain, m_position);
        m_state[(m_rate - 1) / 8] ^= at_byte(0x80, m_rate - 1);
        m_position = m_rate;
        m_squeezing = true;
    }
    while (!out.empty()) {
        if (m_position == m_rate) {
            permute_one(m_state);
            m_position = 0;
        }
        std::size_t given = 1;
        const std::uint64_t lane = m_state[m_position / 8];
        if (m_position % 8 == 0 && out.size() >= 8) {
            store_le64(out.data(), lane);
            given = 8;
        } else {
            out[0] = static_cast<std::byte>(lane >> (8 * (m_position % 8)) & 0xffU);
        }
        out = out.subspan(given);
        m_position += given;
    }
}

void sha3_256(std::initializer_list<BytesView> parts, std::span<std::byte, 32> out) {
    Sponge sponge(136, 0x06);
    for (const BytesView part : parts) sponge.absorb(part);
    sponge.squeeze(out);
}

void sha3_512(std::initializer_list<BytesView> parts, std::span<std::byte, 64> out) {
    Sponge sponge(72, 0x06);
    for (const BytesView part : parts) sponge.absorb(part);
    sponge.squeeze(out);
}

// --- 3: four sponges ---------------------------------------------------------------------------------------------

Shake4::Shake4(std::size_t rate, const std::array<BytesView, 4>& inputs) : m_rate(rate) {
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        const BytesView input = inputs[k];
        SEKISHO_ASSERT(input.size() < rate);
        for (std::size_t i = 0; i < input.size(); ++i) {
            m_state[4 * (i / 8) + k] ^= at_byte(std::to_integer<std::uint64_t>(input[i]), i);
        }
        m_state[4 * (input.size() / 8) + k] ^= at_byte(0x1f, input.size());
        m_state[4 * ((rate - 1) / 8) + k] ^= at_byte(0x80, rate - 1);
    }
}

Shake4::~Shake4() { base::wipe(std::as_writable_bytes(std::span(m_state))); }

void Shake4::squeeze_block(const std::array<MutableBytes, 4>& out) {
    cpu::has_avx2() ? permute_four_avx2(m_state) : permute_four_baseline(m_state);
    for (std::size_t k = 0; k < out.size(); ++k) {
        SEKISHO_ASSERT(out[k].size() <= m_rate && out[k].size() % 8 == 0);
        for (std::size_t i = 0; i < out[k].size(); i += 8) store_le64(out[k].data() + i, m_state[i / 2 + k]);
    }
}

}  // namespace sekisho::crypto
