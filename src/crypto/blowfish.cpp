#include "crypto/blowfish.h"

#include <vector>

#include "base/assert.h"
#include "base/secret.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kStateWords = 18 + 4 * 256;

/// Fixed-point number in [0, 2^32): the integer part first, then the fraction, 32 bits each.
using Fixed = std::vector<std::uint32_t>;

/// number /= divisor, whose words before `first` are zero; returns the new first word that is not.
std::size_t divide(Fixed& number, std::uint32_t divisor, std::size_t first) {
    std::uint64_t remainder = 0;
    for (std::size_t i = first; i < number.size(); ++i) {
        const std::uint64_t part = remainder << 32U | number[i];
        number[i] = static_cast<std::uint32_t>(part / divisor);
        remainder = part % divisor;
    }
    while (first < number.size() && number[first] == 0) ++first;
    return first;
}

void add(Fixed& sum, const Fixed& number, bool negative) {
    std::uint64_t carry = negative ? 1 : 0;
    for (std::size_t i = sum.size(); i-- > 0;) {
        carry += std::uint64_t{sum[i]} + (negative ? ~number[i] : number[i]);
        sum[i] = static_cast<std::uint32_t>(carry);
        carry >>= 32U;
    }
}

/// sum ± factor · arctan(1 / x), by its series.
void add_arctan(Fixed& sum, std::uint32_t factor, std::uint32_t x, bool negative) {
    Fixed power(sum.size());
    power[0] = factor;
    std::size_t first = divide(power, x, 0);
    for (std::uint32_t k = 1; first < power.size(); k += 2) {
        Fixed term = power;
        divide(term, k, first);
        add(sum, term, negative);
        negative = !negative;
        first = divide(power, x * x, first);
    }
}

/// Blowfish's tables are the first bits of pi's fraction. They are computed (Machin: pi = 16 arctan 1/5 - 4 arctan 1/239)
/// rather than carried along; a few words more than needed take up the rounding.
BlowfishState compute_start() {
    Fixed pi(1 + kStateWords + 2);
    add_arctan(pi, 16, 5, false);
    add_arctan(pi, 4, 239, true);
    SEKISHO_ASSERT(pi[0] == 3);
    BlowfishState out;
    std::size_t at = 1;
    for (std::uint32_t& word : out.p) word = pi[at++];
    for (auto& box : out.s) {
        for (std::uint32_t& word : box) word = pi[at++];
    }
    return out;
}

std::uint32_t mix(const BlowfishState& state, std::uint32_t x) {
    return ((state.s[0][x >> 24U] + state.s[1][x >> 16U & 255U]) ^ state.s[2][x >> 8U & 255U]) + state.s[3][x & 255U];
}

void encrypt(const BlowfishState& state, std::uint32_t& left, std::uint32_t& right) {
    std::uint32_t l = left;
    std::uint32_t r = right;
    for (std::size_t i = 0; i < 16; i += 2) {
        l ^= state.p[i];
        r ^= mix(state, l);
        r ^= state.p[i + 1];
        l ^= mix(state, r);
    }
    left = r ^ state.p[17];
    right = l ^ state.p[16];
}

/// Words out of bytes, big endian, from the front again after the end; zeros when there are no bytes.
class Round {
public:
    explicit Round(BytesView bytes) : m_bytes(bytes) {}
    std::uint32_t next() {
        std::uint32_t word = 0;
        for (int i = 0; i < 4 && !m_bytes.empty(); ++i) {
            word = word << 8U | std::to_integer<std::uint32_t>(m_bytes[m_at]);
            m_at = m_at + 1 == m_bytes.size() ? 0 : m_at + 1;
        }
        return word;
    }

private:
    BytesView m_bytes;
    std::size_t m_at = 0;
};

}  // namespace

BlowfishState::~BlowfishState() {
    base::wipe(std::as_writable_bytes(std::span(p)));
    base::wipe(std::as_writable_bytes(std::span(s)));
}

const BlowfishState& blowfish_start() {
    static const BlowfishState start = compute_start();
    return start;
}

void blowfish_expand(BlowfishState& state, BytesView salt, BytesView key) {
    SEKISHO_ASSERT(!key.empty());
    Round key_words(key);
    for (std::uint32_t& word : state.p) word ^= key_words.next();
    Round salt_words(salt);
    std::uint32_t left = 0;
    std::uint32_t right = 0;
    const auto replace = [&](std::span<std::uint32_t> words) {
        for (std::size_t i = 0; i < words.size(); i += 2) {
            left ^= salt_words.next();
            right ^= salt_words.next();
            encrypt(state, left, right);
            words[i] = left;
            words[i + 1] = right;
        }
    };
    replace(state.p);
    for (auto& box : state.s) replace(box);
}

void blowfish_encrypt(const BlowfishState& state, std::span<std::uint32_t> words) {
    SEKISHO_ASSERT(words.size() % 2 == 0);
    for (std::size_t i = 0; i < words.size(); i += 2) encrypt(state, words[i], words[i + 1]);
}

}  // namespace sekisho::crypto
