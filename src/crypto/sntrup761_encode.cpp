#include "crypto/sntrup761_encode.h"

#include "base/assert.h"
#include "crypto/wiped.h"

namespace sekisho::crypto::sntrup761 {
namespace {

using Numbers = std::array<std::uint16_t, kP>;

constexpr std::uint32_t kLimit = 1U << 14;  // joined ranges below this send no bytes
constexpr std::uint32_t kRoundedRange = (kQ + 2) / 3;
constexpr std::size_t kMostLevels = 10;

/// What becomes of two neighbours with ranges a and b: so many low bytes go out, and a number of this range remains.
struct Joined {
    std::uint32_t bytes;
    std::uint32_t range;
};

constexpr Joined join(std::uint32_t a, std::uint32_t b) {
    Joined joined{0, a * b};
    for (; joined.range >= kLimit; ++joined.bytes) joined.range = (joined.range + 255) >> 8;
    return joined;
}

/// All numbers of a level have one range, except for the last.
struct Level {
    std::size_t count;
    std::uint32_t range;
    std::uint32_t last_range;
    std::size_t offset;  // of the bytes that this level sends

    constexpr std::uint32_t range_of(std::size_t i) const { return i + 1 == count ? last_range : range; }
};

struct Plan {
    std::array<Level, kMostLevels + 1> levels{};
    std::size_t depth = 0;  // levels[depth] has one number
    std::size_t bytes = 0;
};

constexpr Plan make_plan(std::uint32_t range) {
    Plan plan;
    Level level{kP, range, range, 0};
    while (level.count > 1) {
        plan.levels[plan.depth++] = level;
        const std::size_t pairs = level.count / 2;
        const Joined inner = join(level.range, level.range);
        const Joined last_pair = join(level.range, level.last_range);
        const bool odd = level.count % 2 != 0;
        const std::size_t sent = odd ? pairs * inner.bytes : (pairs - 1) * inner.bytes + last_pair.bytes;
        level = {(level.count + 1) / 2, inner.range, odd ? level.last_range : last_pair.range, level.offset + sent};
    }
    plan.levels[plan.depth] = level;
    plan.bytes = level.offset;
    for (std::uint32_t rest = level.last_range; rest > 1; rest = (rest + 255) >> 8) ++plan.bytes;
    return plan;
}

constexpr Plan kLargePlan = make_plan(kQ);
constexpr Plan kRoundedPlan = make_plan(kRoundedRange);
static_assert(kLargePlan.bytes == kLargeBytes);
static_assert(kRoundedPlan.bytes == kRoundedBytes);

std::byte low_byte(std::uint32_t x) { return static_cast<std::byte>(x & 0xffU); }

void encode_numbers(MutableBytes out, Numbers& numbers, const Plan& plan) {
    for (std::size_t depth = 0; depth < plan.depth; ++depth) {
        const Level& level = plan.levels[depth];
        std::size_t at = level.offset;
        for (std::size_t i = 0; i + 1 < level.count; i += 2) {
            const std::uint32_t first_range = level.range_of(i);
            std::uint32_t joined = numbers[i] + first_range * numbers[i + 1];
            for (std::uint32_t sent = join(first_range, level.range_of(i + 1)).bytes; sent > 0; --sent) {
                out[at++] = low_byte(joined);
                joined >>= 8;
            }
            numbers[i / 2] = static_cast<std::uint16_t>(joined);
        }
        if (level.count % 2 != 0) numbers[level.count / 2] = numbers[level.count - 1];
    }
    std::uint32_t rest = numbers[0];
    for (std::size_t at = plan.levels[plan.depth].offset; at < out.size(); ++at, rest >>= 8) out[at] = low_byte(rest);
}

struct Divided {
    std::uint32_t quotient;
    std::uint32_t remainder;
};

/// Division by a range below 2^14 as a multiplication. For x below the product of two ranges and a few bytes more, as decoding
/// has it, the quotient is exact: x (2^44 mod range) < 2^44.
struct Divisor {
    explicit Divisor(std::uint32_t range) : m_range(range), m_reciprocal(((std::uint64_t{1} << 44) + range - 1) / range) {}
    Divided divide(std::uint32_t x) const {
        const auto quotient = static_cast<std::uint32_t>(x * m_reciprocal >> 44);
        return {quotient, x - quotient * m_range};
    }

private:
    std::uint32_t m_range;
    std::uint64_t m_reciprocal;
};

void decode_numbers(Numbers& numbers, BytesView bytes, const Plan& plan) {
    const Level& top = plan.levels[plan.depth];
    std::uint32_t rest = 0;
    for (std::size_t at = bytes.size(); at > top.offset; --at)
        rest = rest << 8 | std::to_integer<std::uint32_t>(bytes[at - 1]);
    numbers[0] = static_cast<std::uint16_t>(rest % top.last_range);
    for (std::size_t depth = plan.depth; depth-- > 0;) {
        const Level& level = plan.levels[depth];
        const std::size_t pairs = level.count / 2;
        std::size_t at = plan.levels[depth + 1].offset;
        if (level.count % 2 != 0) numbers[level.count - 1] = numbers[pairs];
        const Divisor common(level.range);
        // From the end, since the pair i goes where the numbers 2 i and 2 i + 1 belong.
        for (std::size_t i = pairs; i-- > 0;) {
            const std::uint32_t second_range = level.range_of(2 * i + 1);
            std::uint32_t joined = numbers[i];
            for (std::uint32_t sent = join(level.range, second_range).bytes; sent > 0; --sent) {
                joined = joined << 8 | std::to_integer<std::uint32_t>(bytes[--at]);
            }
            const Divided divided = common.divide(joined);
            const Divided second = (second_range == level.range ? common : Divisor(second_range)).divide(divided.quotient);
            numbers[2 * i] = static_cast<std::uint16_t>(divided.remainder);
            numbers[2 * i + 1] = static_cast<std::uint16_t>(second.remainder);
        }
    }
}

}  // namespace

void encode(std::span<std::byte, kSmallBytes> out, const Small& f) {
    for (std::size_t i = 0; i < kSmallBytes; ++i) {
        std::uint32_t byte = 0;
        for (std::size_t j = 0; j < 4 && 4 * i + j < kP; ++j)
            byte |= static_cast<std::uint32_t>(f[4 * i + j] + 1) << (2 * j);
        out[i] = low_byte(byte);
    }
}

void decode(Small& f, std::span<const std::byte, kSmallBytes> bytes) {
    for (std::size_t i = 0; i < kP; ++i) {
        const auto two_bits = std::to_integer<int>(bytes[i / 4]) >> (2 * (i % 4)) & 3;
        f[i] = static_cast<std::int8_t>(two_bits - 1);
    }
}

void encode(std::span<std::byte, kLargeBytes> out, const Large& f) {
    Wiped<Numbers> numbers;
    for (std::size_t i = 0; i < kP; ++i) (*numbers)[i] = static_cast<std::uint16_t>(f[i] + kHalfQ);
    encode_numbers(out, *numbers, kLargePlan);
}

void decode(Large& f, std::span<const std::byte, kLargeBytes> bytes) {
    Numbers numbers;
    decode_numbers(numbers, bytes, kLargePlan);
    for (std::size_t i = 0; i < kP; ++i) f[i] = static_cast<std::int16_t>(numbers[i] - kHalfQ);
}

void encode_rounded(std::span<std::byte, kRoundedBytes> out, const Large& f) {
    Wiped<Numbers> numbers;
    // A third of a multiple of 3 up to 4590, as a product.
    for (std::size_t i = 0; i < kP; ++i) (*numbers)[i] = static_cast<std::uint16_t>((f[i] + kHalfQ) * 10923 >> 15);
    encode_numbers(out, *numbers, kRoundedPlan);
}

void decode_rounded(Large& f, std::span<const std::byte, kRoundedBytes> bytes) {
    Numbers numbers;
    decode_numbers(numbers, bytes, kRoundedPlan);
    for (std::size_t i = 0; i < kP; ++i) f[i] = static_cast<std::int16_t>(numbers[i] * 3 - kHalfQ);
}

}  // namespace sekisho::crypto::sntrup761
