#include "crypto/ml_kem_768.h"

#include <gtest/gtest.h>

#include "crypto/ml_kem_encode.h"
#include "crypto/ml_kem_ntt.h"
#include "tests/unit/crypto/both_forms.h"
#include "tests/unit/crypto/vectors.h"

namespace sekisho::crypto::ml_kem {
namespace {

using sekisho::test::hex_field;

Secret secret_field(const nlohmann::json& object, const char* name) { return Secret(BytesView(hex_field(object, name))); }

/// `seed` is d ‖ z, as Wycheproof writes it.
KeyPair from_seed(BytesView seed) { return generate_from(Secret(seed.first(32)), Secret(seed.subspan(32))); }

TEST(MlKem, CompressIsTheRoundingOfTheStandard) {
    for (std::uint32_t x = 0; x < kQ; ++x) {
        // round(2^d x / q) mod 2^d, halves upwards; q is odd, so that halves do not occur.
        EXPECT_EQ(compress<1>(x), (2 * x * 2 + kQ) / (2 * kQ) % 2) << x;
        EXPECT_EQ(compress<4>(x), (2 * x * 16 + kQ) / (2 * kQ) % 16) << x;
        EXPECT_EQ(compress<10>(x), (2 * x * 1024 + kQ) / (2 * kQ) % 1024) << x;
    }
    for (std::uint32_t y = 0; y < 1024; ++y) EXPECT_EQ(compress<10>(static_cast<std::uint32_t>(decompress<10>(y)) % kQ), y);
}

TEST(MlKem, ProductsInTheTransformedDomainAreProductsOfTheRing) {
    TestRandom random(1);
    Vector a;
    Vector b;
    std::array<std::int64_t, kDegree> expected{};
    for (std::size_t k = 0; k < kRank; ++k) {
        std::array<std::uint16_t, 2 * kDegree> numbers;
        random.fill(std::as_writable_bytes(std::span(numbers)));
        for (std::size_t i = 0; i < kDegree; ++i) {
            // The extremes of what is allowed among the rest.
            a[k].at[i] = static_cast<std::int16_t>(i % 7 == 0 ? kQ : numbers[i] % (2 * kQ + 1) - kQ);
            b[k].at[i] = static_cast<std::int16_t>(i % 5 == 0 ? -kQ + 1 : numbers[kDegree + i] % (2 * kQ + 1) - kQ);
        }
        for (std::size_t i = 0; i < kDegree; ++i) {
            for (std::size_t j = 0; j < kDegree; ++j) {
                const std::int64_t product = std::int64_t{a[k].at[i]} * b[k].at[j];
                expected[(i + j) % kDegree] += i + j < kDegree ? product : -product;
            }
        }
    }
    ntt(a);
    ntt(b);
    Poly result;
    inner_product(result, a, b);
    inverse_ntt(result);
    to_canonical(result);
    for (std::size_t i = 0; i < kDegree; ++i) EXPECT_EQ(result.at[i], (expected[i] % kQ + kQ) % kQ) << i;
}

TEST(MlKem, RoundTripAndImplicitRejection) {
    test::in_both_forms([] {
        TestRandom random(3);
        const KeyPair pair = generate(random);
        EXPECT_TRUE(check_public_key(pair.public_key));
        EXPECT_TRUE(check_secret_key(pair.secret_key.bytes()));
        auto made = encapsulate(pair.public_key, random);
        ASSERT_TRUE(made);
        const auto shared = decapsulate(pair.secret_key, made->ciphertext);
        ASSERT_TRUE(shared);
        EXPECT_TRUE(*shared == made->shared);
        made->ciphertext[500] ^= std::byte{4};
        const auto rejected = decapsulate(pair.secret_key, made->ciphertext);
        ASSERT_TRUE(rejected);
        EXPECT_FALSE(*rejected == made->shared);
        EXPECT_TRUE(*rejected == *decapsulate(pair.secret_key, made->ciphertext));
    });
}

TEST(MlKem, WrongLengthsAreRefused) {
    TestRandom random(4);
    const KeyPair pair = generate(random);
    for (const std::size_t size : {0U, 1U, 1087U, 1089U, 1183U, 1185U, 2400U}) {
        EXPECT_FALSE(encapsulate(Bytes(size), random)) << size;
        EXPECT_FALSE(decapsulate(pair.secret_key, Bytes(size))) << size;
    }
}

// --- Wycheproof --------------------------------------------------------------------------------------------------

TEST(Wycheproof, MlKem768KeysFromSeeds) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "wycheproof/mlkem_768_keygen_seed_test.json");
    test::in_both_forms([&] {
        std::size_t checked = 0;
        for (const auto& group : vectors->at("testGroups")) {
            for (const auto& test : group.at("tests")) {
                const KeyPair pair = from_seed(hex_field(test, "seed"));
                EXPECT_EQ(base::hex(pair.public_key), test.at("ek").get<std::string>()) << "tcId " << test.at("tcId");
                EXPECT_EQ(base::hex(pair.secret_key.bytes()), test.at("dk").get<std::string>())
                    << "tcId " << test.at("tcId");
                ++checked;
            }
        }
        EXPECT_EQ(checked, 100U);
    });
}

TEST(Wycheproof, MlKem768Encapsulation) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "wycheproof/mlkem_768_encaps_test.json");
    test::in_both_forms([&] {
        std::size_t good = 0;
        std::size_t refused = 0;
        for (const auto& group : vectors->at("testGroups")) {
            for (const auto& test : group.at("tests")) {
                const Bytes key = hex_field(test, "ek");
                const auto made = encapsulate_to(key, secret_field(test, "m"));
                EXPECT_EQ(check_public_key(key).has_value(), made.has_value());
                if (test.at("result") == "valid") {
                    ASSERT_TRUE(made) << "tcId " << test.at("tcId");
                    EXPECT_EQ(base::hex(made->ciphertext), test.at("c").get<std::string>()) << "tcId " << test.at("tcId");
                    EXPECT_EQ(base::hex(made->shared.bytes()), test.at("K").get<std::string>())
                        << "tcId " << test.at("tcId");
                    ++good;
                } else {
                    EXPECT_FALSE(made) << "tcId " << test.at("tcId");
                    ++refused;
                }
            }
        }
        EXPECT_GT(good, 100U);
        EXPECT_GT(refused, 100U);
    });
}

TEST(Wycheproof, MlKem768Decapsulation) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "wycheproof/mlkem_768_test.json");
    test::in_both_forms([&] {
        std::size_t good = 0;
        std::size_t refused = 0;
        for (const auto& group : vectors->at("testGroups")) {
            for (const auto& test : group.at("tests")) {
                const Bytes seed = hex_field(test, "seed");
                if (seed.size() != 64) {
                    // generate_from() cannot be called with these: d and z have their length by an assertion.
                    EXPECT_EQ(test.at("result"), "invalid") << "tcId " << test.at("tcId");
                    continue;
                }
                const KeyPair pair = from_seed(seed);
                const auto shared = decapsulate(pair.secret_key, hex_field(test, "c"));
                if (test.at("result") == "valid") {
                    EXPECT_EQ(base::hex(pair.public_key), test.at("ek").get<std::string>()) << "tcId " << test.at("tcId");
                    ASSERT_TRUE(shared) << "tcId " << test.at("tcId");
                    EXPECT_EQ(base::hex(shared->bytes()), test.at("K").get<std::string>()) << "tcId " << test.at("tcId");
                    ++good;
                } else {
                    EXPECT_FALSE(shared) << "tcId " << test.at("tcId");
                    ++refused;
                }
            }
        }
        EXPECT_GT(good, 100U);
        EXPECT_GT(refused, 10U);
    });
}

TEST(Wycheproof, MlKem768DecapsulationWithGivenKeys) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "wycheproof/mlkem_768_semi_expanded_decaps_test.json");
    std::size_t good = 0;
    std::size_t refused = 0;
    for (const auto& group : vectors->at("testGroups")) {
        for (const auto& test : group.at("tests")) {
            const Secret key = secret_field(test, "dk");
            const Bytes ciphertext = hex_field(test, "c");
            const bool sound = check_secret_key(key.bytes()).has_value();
            if (test.at("result") == "valid") {
                ASSERT_TRUE(sound) << "tcId " << test.at("tcId");
                EXPECT_EQ(base::hex(decapsulate(key, ciphertext).value().bytes()), test.at("K").get<std::string>())
                    << "tcId " << test.at("tcId");
                ++good;
            } else {
                EXPECT_TRUE(!sound || !decapsulate(key, ciphertext)) << "tcId " << test.at("tcId");
                ++refused;
            }
        }
    }
    EXPECT_EQ(good, 3U);
    EXPECT_EQ(refused, 6U);
}

// --- ACVP: one file asks, another answers, in the same order -----------------------------------------------------

/// Calls check(function, question, answer) for every question about ML-KEM-768.
template <class Check>
std::size_t for_each_acvp_case(const nlohmann::json& prompt, const nlohmann::json& results, const Check& check) {
    std::size_t count = 0;
    for (std::size_t g = 0; g < prompt.at("testGroups").size(); ++g) {
        const auto& group = prompt.at("testGroups")[g];
        if (group.at("parameterSet") != "ML-KEM-768") continue;
        const auto& answers = results.at("testGroups")[g];
        EXPECT_EQ(group.at("tgId"), answers.at("tgId"));
        for (std::size_t i = 0; i < group.at("tests").size(); ++i) {
            EXPECT_EQ(group.at("tests")[i].at("tcId"), answers.at("tests")[i].at("tcId"));
            check(group.value("function", "keyGen"), group.at("tests")[i], answers.at("tests")[i]);
            ++count;
        }
    }
    return count;
}

TEST(Acvp, MlKem768Keys) {
    SEKISHO_VECTORS_OR_SKIP(prompt, "acvp/mlkem-keygen-prompt.json");
    SEKISHO_VECTORS_OR_SKIP(results, "acvp/mlkem-keygen-expectedResults.json");
    const std::size_t count =
        for_each_acvp_case(*prompt, *results, [](const std::string&, const auto& asked, const auto& answer) {
            const KeyPair pair = generate_from(secret_field(asked, "d"), secret_field(asked, "z"));
            EXPECT_EQ(base::to_bytes(pair.public_key), hex_field(answer, "ek")) << "tcId " << asked.at("tcId");
            EXPECT_EQ(base::to_bytes(pair.secret_key.bytes()), hex_field(answer, "dk")) << "tcId " << asked.at("tcId");
        });
    EXPECT_EQ(count, 25U);
}

TEST(Acvp, MlKem768EncapsulationAndDecapsulation) {
    SEKISHO_VECTORS_OR_SKIP(prompt, "acvp/mlkem-encap-decap-prompt.json");
    SEKISHO_VECTORS_OR_SKIP(results, "acvp/mlkem-encap-decap-expectedResults.json");
    const auto check = [](const std::string& function, const auto& asked, const auto& answer) {
        SCOPED_TRACE(function + ", tcId " + asked.at("tcId").dump());
        if (function == "encapsulation") {
            const auto made = encapsulate_to(hex_field(asked, "ek"), secret_field(asked, "m"));
            ASSERT_TRUE(made);
            EXPECT_EQ(base::to_bytes(made->ciphertext), hex_field(answer, "c"));
            EXPECT_EQ(base::to_bytes(made->shared.bytes()), hex_field(answer, "k"));
        } else if (function == "decapsulation") {
            const auto shared = decapsulate(secret_field(asked, "dk"), hex_field(asked, "c"));
            ASSERT_TRUE(shared);
            EXPECT_EQ(base::to_bytes(shared->bytes()), hex_field(answer, "k"));
        } else if (function == "decapsulationKeyCheck") {
            EXPECT_EQ(check_secret_key(hex_field(asked, "dk")).has_value(), answer.at("testPassed").template get<bool>());
        } else {
            ASSERT_EQ(function, "encapsulationKeyCheck");
            EXPECT_EQ(check_public_key(hex_field(asked, "ek")).has_value(), answer.at("testPassed").template get<bool>());
        }
    };
    EXPECT_EQ(for_each_acvp_case(*prompt, *results, check), 55U);
}

}  // namespace
}  // namespace sekisho::crypto::ml_kem
