#include "crypto/sntrup761.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "crypto/constant_time_sort.h"
#include "crypto/hash.h"
#include "crypto/sntrup761_encode.h"
#include "tests/unit/crypto/both_forms.h"
#include "tests/unit/crypto/vectors.h"

namespace sekisho::crypto::sntrup761 {
namespace {

using sekisho::test::hex_field;

Large random_large(Random& random) {
    Large out;
    random.fill(std::as_writable_bytes(std::span(out)));
    for (std::int16_t& x : out) x = centered_mod_q(x);
    out[0] = kHalfQ;
    out[kP - 1] = -kHalfQ;
    return out;
}

/// The product modulo x^p - x - 1 from its definition.
template <class A>
std::array<std::int64_t, kP> slow_product(const A& a, const Small& b) {
    std::array<std::int64_t, 2 * kP> product{};
    for (std::size_t i = 0; i < kP; ++i) {
        for (std::size_t j = 0; j < kP; ++j) product[i + j] += std::int64_t{a[i]} * b[j];
    }
    for (std::size_t i = 2 * kP - 1; i >= kP; --i) {
        product[i - kP] += product[i];
        product[i - kP + 1] += product[i];
    }
    std::array<std::int64_t, kP> out;
    std::copy_n(product.begin(), kP, out.begin());
    return out;
}

std::int64_t residue(std::int64_t x, std::int64_t modulus) { return (x % modulus + modulus) % modulus; }

TEST(ConstantTimeSort, SortsAnyLength) {
    test::in_both_forms([] {
        TestRandom random(1);
        for (std::size_t size = 0; size < 800; size += size < 70 ? 1 : 69) {
            std::vector<std::int32_t> values(size);
            random.fill(std::as_writable_bytes(std::span(values)));
            if (size > 4) {
                values[1] = INT32_MAX;
                values[2] = INT32_MIN;
                values[3] = values[4];
            }
            std::vector<std::int32_t> expected = values;
            std::sort(expected.begin(), expected.end());
            sort_constant_time(values);
            EXPECT_EQ(values, expected) << size;
        }
    });
}

TEST(Sntrup761, ReductionsAreExact) {
    for (std::int32_t x = -6'000'000; x < 6'000'000; ++x) {
        const std::int32_t reduced = centered_mod_q(x);
        if (reduced < -kHalfQ || reduced > kHalfQ || (x - reduced) % kQ != 0) FAIL() << x;
    }
    for (std::int32_t x = -9999; x < 10000; ++x) {
        const std::int32_t reduced = centered_mod_3(x);
        if (reduced < -1 || reduced > 1 || (x - reduced) % 3 != 0) FAIL() << x;
    }
}

TEST(Sntrup761, ProductsAreThoseOfTheRing) {
    test::in_both_forms([] {
        TestRandom random(2);
        const Large a = random_large(random);
        Small b;
        Small c;
        random_small(b, random);
        c.fill(1);
        Large large;
        multiply(large, a, b);
        const auto expected = slow_product(a, b);
        for (std::size_t i = 0; i < kP; ++i) EXPECT_EQ(residue(large[i], kQ), residue(expected[i], kQ)) << i;
        Small small;
        multiply(small, b, c);
        const auto expected_small = slow_product(b, c);
        for (std::size_t i = 0; i < kP; ++i) EXPECT_EQ(residue(small[i], 3), residue(expected_small[i], 3)) << i;
    });
}

TEST(Sntrup761, ReciprocalsTimesTheirElementsAreOne) {
    test::in_both_forms([] {
        TestRandom random(3);
        std::size_t invertible = 0;
        for (int round = 0; round < 40; ++round) {
            Small a;
            random_small(a, random);
            Large third;
            reciprocal_of_triple(third, a);
            const auto one = slow_product(third, a);
            for (std::size_t i = 0; i < kP; ++i) ASSERT_EQ(residue(3 * one[i], kQ), i == 0 ? 1 : 0) << i;

            Small inverse;
            const std::uint32_t mask = reciprocal(inverse, a);
            ASSERT_TRUE(mask == 0 || mask == UINT32_MAX);
            if (mask == 0) continue;
            ++invertible;
            const auto unit = slow_product(inverse, a);
            for (std::size_t i = 0; i < kP; ++i) ASSERT_EQ(residue(unit[i], 3), i == 0 ? 1 : 0) << i;
        }
        EXPECT_GT(invertible, 20U);
    });
}

// Modulo 3, x^p - x - 1 is a product of several polynomials, and what has a factor in common with it has no reciprocal.
TEST(Sntrup761, WhatHasNoReciprocalIsNotGivenOne) {
    test::in_both_forms([] {
        Small inverse;
        EXPECT_EQ(reciprocal(inverse, Small{}), 0U);
        TestRandom random(5);
        int without = 0;
        for (int round = 0; round < 400; ++round) {
            Small a;
            random_small(a, random);
            if (reciprocal(inverse, a) != 0) continue;
            ++without;
            const auto product = slow_product(inverse, a);
            const bool zeros = std::all_of(product.begin() + 1, product.end(), [](auto x) { return residue(x, 3) == 0; });
            EXPECT_FALSE(zeros && residue(product[0], 3) == 1);
            // A multiple of a polynomial without reciprocal has none either.
            Small multiple;
            Small factor;
            random_small(factor, random);
            multiply(multiple, a, factor);
            EXPECT_EQ(reciprocal(inverse, multiple), 0U);
        }
        RecordProperty("without_reciprocal", without);
    });
}

TEST(Sntrup761, EncodingsComeBack) {
    TestRandom random(4);
    for (int round = 0; round < 20; ++round) {
        const Large a = random_large(random);
        std::array<std::byte, kLargeBytes> bytes;
        encode(bytes, a);
        Large back;
        decode(back, bytes);
        EXPECT_EQ(back, a);

        Large rounded = a;
        for (std::int16_t& x : rounded) x = static_cast<std::int16_t>(x - centered_mod_3(x));
        std::array<std::byte, kRoundedBytes> short_bytes;
        encode_rounded(short_bytes, rounded);
        decode_rounded(back, short_bytes);
        EXPECT_EQ(back, rounded);

        // Bytes that no encoder makes still give coefficients in range.
        random.fill(bytes);
        if (round == 0) bytes.fill(std::byte{0xff});
        decode(back, bytes);
        for (const std::int16_t x : back) ASSERT_TRUE(x >= -kHalfQ && x <= kHalfQ);
        random.fill(short_bytes);
        if (round == 0) short_bytes.fill(std::byte{0xff});
        decode_rounded(back, short_bytes);
        for (const std::int16_t x : back) ASSERT_TRUE(x >= -kHalfQ && x <= kHalfQ && x % 3 == 0);
    }
}

TEST(Sntrup761, RoundTripAndImplicitRejection) {
    test::in_both_forms([] {
        TestRandom random(6);
        const KeyPair pair = generate(random);
        auto made = encapsulate(pair.public_key, random);
        ASSERT_TRUE(made);
        const auto shared = decapsulate(pair.secret_key, made->ciphertext);
        ASSERT_TRUE(shared);
        EXPECT_TRUE(*shared == made->shared);

        // A rejected ciphertext gives Hash0(Hash3(rho) ‖ ciphertext), here put together from the specification.
        for (const std::size_t changed : {0U, 500U, 1006U, 1007U, 1038U}) {
            auto ciphertext = made->ciphertext;
            ciphertext[changed] ^= std::byte{1};
            const auto rejected = decapsulate(pair.secret_key, ciphertext);
            ASSERT_TRUE(rejected);
            const std::byte three{3};
            const std::byte zero{0};
            const BytesView rho = pair.secret_key.bytes().subspan(191 + 191 + 1158, 191);
            const Bytes inner = digest(HashKind::Sha512, {BytesView(&three, 1), rho});
            const Bytes outer = digest(HashKind::Sha512, {BytesView(&zero, 1), BytesView(inner).first(32), ciphertext});
            EXPECT_EQ(base::hex(rejected->bytes()), base::hex(BytesView(outer).first(32))) << changed;
        }
    });
}

TEST(Sntrup761, WrongLengthsAreRefused) {
    TestRandom random(7);
    const KeyPair pair = generate(random);
    for (const std::size_t size : {0U, 1U, 1038U, 1040U, 1157U, 1159U, 1763U}) {
        EXPECT_FALSE(encapsulate(Bytes(size), random)) << size;
        EXPECT_FALSE(decapsulate(pair.secret_key, Bytes(size))) << size;
    }
}

TEST(Sntrup761, DecapsulatesWhatOthersEncapsulated) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "sntrup761/decapsulation.json");
    test::in_both_forms([&] {
        const Secret key(BytesView(hex_field(*vectors, "secret_key")));
        const auto shared = decapsulate(key, hex_field(*vectors, "ciphertext"));
        ASSERT_TRUE(shared);
        EXPECT_EQ(base::hex(shared->bytes()), vectors->at("shared_secret").get<std::string>());
    });
}

// The public key that belongs to the vector's secret key is h = g / (3 f), of which the secret key has f and 1/g.
TEST(Sntrup761, TheKeyOfTheVectorIsTheOneThatWeWouldMake) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "sntrup761/decapsulation.json");
    const Bytes key = hex_field(*vectors, "secret_key");
    Small f;
    Small inverse_of_g;
    Small g;
    decode(f, std::span<const std::byte, kSmallBytes>(key.data(), kSmallBytes));
    decode(inverse_of_g, std::span<const std::byte, kSmallBytes>(key.data() + kSmallBytes, kSmallBytes));
    ASSERT_NE(reciprocal(g, inverse_of_g), 0U);
    Large h;
    reciprocal_of_triple(h, f);
    multiply(h, h, g);
    std::array<std::byte, kLargeBytes> bytes;
    encode(bytes, h);
    EXPECT_EQ(base::hex(bytes), base::hex(BytesView(key).subspan(2 * kSmallBytes, kLargeBytes)));
}

}  // namespace
}  // namespace sekisho::crypto::sntrup761
