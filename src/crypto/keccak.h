// Keccak (FIPS 202): SHAKE128 and SHAKE256 with output in any portions, SHA3-256, SHA3-512, and four SHAKEs side by side.
// Here because OpenSSL before 3.3 gives the output of SHAKE only once. Used by ML-KEM. No branch or index depends on the
// contents; states are wiped when they go out of scope.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/bytes.h"

namespace sekisho::crypto {

inline constexpr std::size_t kShake128Rate = 168;
inline constexpr std::size_t kShake256Rate = 136;

/// FIPS 202 §4: absorb any number of times, then squeeze any number of times.
class Sponge {
public:
    /// `rate`: bytes per block, a multiple of 8 below 200. `domain`: the suffix of FIPS 202 §6 with the first bit of padding.
    Sponge(std::size_t rate, std::uint8_t domain) : m_rate(rate), m_domain(domain) {}
    Sponge(const Sponge&) = delete;
    Sponge& operator=(const Sponge&) = delete;
    ~Sponge();

    void absorb(BytesView bytes);
    /// The next bytes of output; the first call ends the input.
    void squeeze(MutableBytes out);

private:
    std::array<std::uint64_t, 25> m_state{};
    std::size_t m_rate;
    std::size_t m_position = 0;
    std::uint8_t m_domain;
    bool m_squeezing = false;
};

class Shake128 final : public Sponge {
public:
    Shake128() : Sponge(kShake128Rate, 0x1f) {}
};

class Shake256 final : public Sponge {
public:
    Shake256() : Sponge(kShake256Rate, 0x1f) {}
};

/// Digest of the concatenation of `parts`, into `out`. Whoever hashes a secret wipes `out`.
void sha3_256(std::initializer_list<BytesView> parts, std::span<std::byte, 32> out);
void sha3_512(std::initializer_list<BytesView> parts, std::span<std::byte, 64> out);

/// Four SHAKEs with inputs of less than a block, at little more than the cost of one where the processor has AVX2.
class Shake4 {
public:
    Shake4(std::size_t rate, const std::array<BytesView, 4>& inputs);
    Shake4(const Shake4&) = delete;
    Shake4& operator=(const Shake4&) = delete;
    ~Shake4();

    /// The beginning of each output's next block: four spans of one size, a multiple of 8 and at most the rate.
    void squeeze_block(const std::array<MutableBytes, 4>& out);

private:
    alignas(32) std::array<std::uint64_t, 100> m_state{};  // lane i of input k at 4 i + k
    std::size_t m_rate;
};

}  // namespace sekisho::crypto
