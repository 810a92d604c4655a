#include "crypto/montgomery_u.h"

#include <cstddef>

namespace sekisho::crypto {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kMask = (std::uint64_t{1} << 51) - 1;

/// A number modulo p = 2^255 - 19: the sum of limb[i] * 2^(51 i). Limbs are below 2^52 but for those of sum() and difference(),
/// which stay below 2^54: their products fit (five of them, times 19, are below 2^115).
struct Field {
    std::uint64_t limb[5];
};

std::uint64_t word(const Coordinate& bytes, std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | bytes[at + i];
    return value;
}

Field decode(const Coordinate& bytes) {
    const std::uint64_t a = word(bytes, 0), b = word(bytes, 8), c = word(bytes, 16), d = word(bytes, 24);
    return {{a & kMask, (a >> 51 | b << 13) & kMask, (b >> 38 | c << 26) & kMask, (c >> 25 | d << 39) & kMask, d >> 12 & kMask}};
}

Field sum(const Field& a, const Field& b) {
    Field result;
    for (std::size_t i = 0; i < 5; ++i) result.limb[i] = a.limb[i] + b.limb[i];
    return result;
}

Field difference(const Field& a, const Field& b) {
    // 2 p in front, so that no limb falls below zero.
    Field result{{a.limb[0] + 2 * (kMask - 18) - b.limb[0]}};
    for (std::size_t i = 1; i < 5; ++i) result.limb[i] = a.limb[i] + 2 * kMask - b.limb[i];
    return result;
}

/// From sums of products to limbs: what is above 2^255 comes back at the bottom, times 19.
Field carried(Wide r0, Wide r1, Wide r2, Wide r3, Wide r4) {
    const auto low = [](Wide value) { return static_cast<std::uint64_t>(value) & kMask; };
    r1 += r0 >> 51;
    r2 += r1 >> 51;
    r3 += r2 >> 51;
    r4 += r3 >> 51;
    const Wide bottom = low(r0) + (r4 >> 51) * 19;
    return {{low(bottom), low(r1) + static_cast<std::uint64_t>(bottom >> 51), low(r2), low(r3), low(r4)}};
}

Field product(const Field& x, const Field& y) {
    const std::uint64_t *a = x.limb, *b = y.limb;
    const std::uint64_t b1 = 19 * b[1], b2 = 19 * b[2], b3 = 19 * b[3], b4 = 19 * b[4];
    const auto times = [](std::uint64_t left, std::uint64_t right) { return Wide{left} * right; };
    return carried(times(a[0], b[0]) + times(a[1], b4) + times(a[2], b3) + times(a[3], b2) + times(a[4], b1),
        times(a[0], b[1]) + times(a[1], b[0]) + times(a[2], b4) + times(a[3], b3) + times(a[4], b2),
        times(a[0], b[2]) + times(a[1], b[1]) + times(a[2], b[0]) + times(a[3], b4) + times(a[4], b3),
        times(a[0], b[3]) + times(a[1], b[2]) + times(a[2], b[1]) + times(a[3], b[0]) + times(a[4], b4),
        times(a[0], b[4]) + times(a[1], b[3]) + times(a[2], b[2]) + times(a[3], b[1]) + times(a[4], b[0]));
}

Field squared(Field x, unsigned times) {
    for (; times > 0; --times) x = product(x, x);
    return x;
}

/// x^(p-2), the inverse (Fermat); 0 for 0. p - 2 = 2^255 - 21: 250 ones, then 01011. p<n> is x to the power of n ones.
Field inverse(const Field& x) {
    const Field p2 = product(squared(x, 1), x);
    const Field p4 = product(squared(p2, 2), p2);
    const Field p5 = product(squared(p4, 1), x);
    const Field p10 = product(squared(p5, 5), p5);
    const Field p20 = product(squared(p10, 10), p10);
    const Field p40 = product(squared(p20, 20), p20);
    const Field p50 = product(squared(p40, 10), p10);
    const Field p100 = product(squared(p50, 50), p50);
    const Field p200 = product(squared(p100, 100), p100);
    const Field p250 = product(squared(p200, 50), p50);
    return product(squared(product(squared(p250, 2), x), 3), p2);
}

/// The one number below p that equals `x`.
Coordinate encode(const Field& x) {
    Field r = x;
    const auto carry = [&r]() -> std::uint64_t {  // what is above 2^255
        for (std::size_t i = 0; i < 4; ++i) {
            r.limb[i + 1] += r.limb[i] >> 51;
            r.limb[i] &= kMask;
        }
        const std::uint64_t above = r.limb[4] >> 51;
        r.limb[4] &= kMask;
        return above;
    };
    r.limb[0] += 19 * carry();
    r.limb[0] += 19 * carry();
    // Below 2^255 now (the first limb may lack a carry). It is p or more exactly where adding 19 carries out of the top.
    std::uint64_t over = 19;
    for (const std::uint64_t limb : r.limb) over = (limb + over) >> 51;
    r.limb[0] += 19 * over;
    (void)carry();  // takes away 2^255, of which 19 are back already
    const std::uint64_t words[4] = {r.limb[0] | r.limb[1] << 51, r.limb[1] >> 13 | r.limb[2] << 38,
        r.limb[2] >> 26 | r.limb[3] << 25, r.limb[3] >> 39 | r.limb[4] << 12};
    Coordinate bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(words[i / 8] >> 8 * (i % 8));
    return bytes;
}

}  // namespace

Coordinate montgomery_u(const Coordinate& point) {
    const Field y = decode(point);  // without the sign bit
    const Field one{{1}};
    return encode(product(sum(one, y), inverse(difference(one, y))));
}

}  // namespace sekisho::crypto
