#include "crypto/key_agreement.h"

#include <gtest/gtest.h>

#include "crypto/x25519.h"
#include "tests/unit/crypto/vectors.h"

namespace sekisho::crypto {
namespace {

const char* const kNames[] = {"curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256",
                              "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"};

/// Hands out given bytes: a vector's private key.
class GivenRandom final : public Random {
public:
    explicit GivenRandom(Bytes bytes) : m_bytes(std::move(bytes)) {}
    void fill(MutableBytes out) override {
        ASSERT_EQ(out.size(), m_bytes.size());
        std::copy(m_bytes.begin(), m_bytes.end(), out.begin());
    }

private:
    Bytes m_bytes;
};

TEST(KeyAgreement, BothSidesGetTheSameSecret) {
    for (const char* name : kNames) {
        const KeyAgreement* method = key_agreement(name);
        ASSERT_NE(method, nullptr) << name;
        const auto client = method->start(system_random());
        const auto reply = method->respond(client->init(), system_random());
        ASSERT_TRUE(reply) << name << ": " << reply.error().full();
        const auto shared = client->finish(reply->reply);
        ASSERT_TRUE(shared) << name;
        EXPECT_TRUE(*shared == reply->shared) << name;
        EXPECT_FALSE(method->secret_is_string());
    }
    EXPECT_EQ(key_agreement("curve448-sha512"), nullptr);
    EXPECT_EQ(key_agreement(""), nullptr);
}

TEST(KeyAgreement, HashesAreThoseOfTheStandards) {
    EXPECT_EQ(key_agreement("curve25519-sha256")->hash(), HashKind::Sha256);
    EXPECT_EQ(key_agreement("ecdh-sha2-nistp256")->hash(), HashKind::Sha256);
    EXPECT_EQ(key_agreement("ecdh-sha2-nistp384")->hash(), HashKind::Sha384);
    EXPECT_EQ(key_agreement("ecdh-sha2-nistp521")->hash(), HashKind::Sha512);
}

TEST(KeyAgreement, TheSameRandomGivesTheSameValues) {
    for (const char* name : kNames) {
        const KeyAgreement* method = key_agreement(name);
        TestRandom first(7), second(7), third(8);
        const auto a = method->start(first);
        const auto b = method->start(second);
        const auto c = method->start(third);
        EXPECT_EQ(base::hex(a->init()), base::hex(b->init())) << name;
        EXPECT_NE(base::hex(a->init()), base::hex(c->init())) << name;
    }
}

TEST(KeyAgreement, WrongValuesAreRefused) {
    for (const char* name : kNames) {
        const KeyAgreement* method = key_agreement(name);
        const auto client = method->start(system_random());
        const Bytes good = base::to_bytes(client->init());
        Bytes longer = good;
        longer.push_back(std::byte{0});
        const Bytes zeros(good.size());
        for (const Bytes& bad : {Bytes{}, Bytes{std::byte{0}}, Bytes(good.begin(), good.end() - 1), longer, zeros}) {
            EXPECT_FALSE(method->respond(bad, system_random())) << name;
            EXPECT_FALSE(client->finish(bad)) << name;
        }
        if (good.size() == 32) continue;
        Bytes off_curve = good;
        off_curve.back() ^= std::byte{1};
        EXPECT_FALSE(method->respond(off_curve, system_random())) << name;
        Bytes hybrid_form = good;
        hybrid_form[0] = std::byte{6};
        EXPECT_FALSE(method->respond(hybrid_form, system_random())) << name;
    }
}

TEST(Wycheproof, X25519) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "wycheproof/x25519_test.json");
    std::size_t checked = 0;
    for (const auto& group : vectors->at("testGroups")) {
        for (const auto& test : group.at("tests")) {
            GivenRandom random(sekisho::test::hex_field(test, "private"));
            const auto client = key_agreement("curve25519-sha256")->start(random);
            const auto shared = client->finish(sekisho::test::hex_field(test, "public"));
            const Bytes expected = sekisho::test::hex_field(test, "shared");
            // RFC 8731 §3 forbids the all-zero result that the vectors call acceptable.
            if (expected == Bytes(32)) {
                EXPECT_FALSE(shared) << "tcId " << test.at("tcId");
            } else {
                ASSERT_TRUE(shared) << "tcId " << test.at("tcId");
                EXPECT_EQ(base::hex(shared->bytes()), base::hex(expected)) << "tcId " << test.at("tcId");
            }
            ++checked;
        }
    }
    EXPECT_GT(checked, 500U);
}

void check_ecdh(const char* file, const char* name, std::size_t size) {
    SEKISHO_VECTORS_OR_SKIP(vectors, file);
    std::size_t good = 0;
    std::size_t refused = 0;
    for (const auto& group : vectors->at("testGroups")) {
        for (const auto& test : group.at("tests")) {
            Bytes scalar = sekisho::test::hex_field(test, "private");
            while (scalar.size() > size) scalar.erase(scalar.begin());
            while (scalar.size() < size) scalar.insert(scalar.begin(), std::byte{0});
            GivenRandom random(scalar);
            const auto client = key_agreement(name)->start(random);
            const Bytes point = sekisho::test::hex_field(test, "public");
            const auto shared = client->finish(point);
            const bool uncompressed = !point.empty() && point[0] == std::byte{4};
            if (test.at("result") == "valid" && uncompressed) {
                ASSERT_TRUE(shared) << "tcId " << test.at("tcId");
                EXPECT_EQ(base::hex(shared->bytes()), test.at("shared").get<std::string>()) << "tcId " << test.at("tcId");
                ++good;
            } else {
                // Invalid, or "acceptable": compressed points, which RFC 5656 §3.1 does not let us take unasked.
                EXPECT_FALSE(shared) << "tcId " << test.at("tcId");
                ++refused;
            }
        }
    }
    EXPECT_GT(good, 200U);
    EXPECT_GT(refused, 10U);
}

TEST(Wycheproof, EcdhP256) { check_ecdh("wycheproof/ecdh_secp256r1_ecpoint_test.json", "ecdh-sha2-nistp256", 32); }
TEST(Wycheproof, EcdhP384) { check_ecdh("wycheproof/ecdh_secp384r1_ecpoint_test.json", "ecdh-sha2-nistp384", 48); }
TEST(Wycheproof, EcdhP521) { check_ecdh("wycheproof/ecdh_secp521r1_ecpoint_test.json", "ecdh-sha2-nistp521", 66); }

}  // namespace
}  // namespace sekisho::crypto
