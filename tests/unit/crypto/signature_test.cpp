#include "crypto/signature.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/vectors.h"

namespace sekisho::crypto {
namespace {

TEST(Wycheproof, Ed25519) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "wycheproof/ed25519_test.json");
    std::size_t good = 0;
    std::size_t bad = 0;
    for (const auto& group : vectors->at("testGroups")) {
        const auto key = VerifyKey::ed25519(sekisho::test::hex_field(group.at("publicKey"), "pk"));
        ASSERT_TRUE(key);
        for (const auto& test : group.at("tests")) {
            const bool valid = test.at("result") == "valid";
            EXPECT_EQ(
                key->verify_ed25519(sekisho::test::hex_field(test, "msg"), sekisho::test::hex_field(test, "sig")), valid)
                << "tcId " << test.at("tcId");
            ++(valid ? good : bad);
        }
    }
    EXPECT_GT(good, 50U);
    EXPECT_GT(bad, 40U);
}

TEST(Signature, Ed25519SignsAsRfc8032Says) {
    // RFC 8032 §7.1, TEST 2.
    const Secret seed(*base::from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
    const auto key = SigningKey::ed25519(seed);
    ASSERT_TRUE(key);
    EXPECT_EQ(base::hex(key->ed25519_public()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    EXPECT_EQ(base::hex(key->sign_ed25519(Bytes{std::byte{0x72}})),
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
              "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    EXPECT_TRUE(key->ed25519_seed() == seed);
    EXPECT_FALSE(SigningKey::ed25519(Secret(31)));
    EXPECT_FALSE(VerifyKey::ed25519(Bytes(33)));
}

TEST(Signature, AnEd25519KeyOfSmallOrderVerifiesNothing) {
    // For the neutral element as key and R, and s = 0, the equation of RFC 8032 §5.1.7 holds for every message.
    Bytes neutral(32);
    neutral[0] = std::byte{1};
    Bytes signature = neutral;
    signature.resize(64);
    const auto key = VerifyKey::ed25519(neutral);
    ASSERT_TRUE(key);
    EXPECT_FALSE(key->verify_ed25519(base::to_bytes("m"), signature));
}

TEST(Signature, Ed25519SignaturesHaveOneForm) {
    const SigningKey key = SigningKey::generate_ed25519();
    const auto verifier = VerifyKey::ed25519(key.ed25519_public());
    ASSERT_TRUE(verifier);
    const Bytes message = base::to_bytes("m");
    const Bytes good = key.sign_ed25519(message);
    EXPECT_TRUE(verifier->verify_ed25519(message, good));
    EXPECT_FALSE(verifier->verify_ed25519({}, good));
    EXPECT_FALSE(verifier->verify_ed25519(message, BytesView(good).first(63)));
    for (std::size_t bit = 0; bit < 64 * 8; ++bit) {
        Bytes changed = good;
        changed[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        EXPECT_FALSE(verifier->verify_ed25519(message, changed)) << "bit " << bit;
    }
    // RFC 8032 §5.1.7: s + order is the same number modulo the order, and must be refused.
    const Bytes order = *base::from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    Bytes added = good;
    unsigned carry = 0;
    for (std::size_t i = 0; i < 32; ++i) {
        carry += std::to_integer<unsigned>(added[32 + i]) + std::to_integer<unsigned>(order[i]);
        added[32 + i] = static_cast<std::byte>(carry & 255U);
        carry >>= 8;
    }
    EXPECT_FALSE(verifier->verify_ed25519(message, added));
    EXPECT_TRUE(verifier->verify_ed25519({}, key.sign_ed25519({})));
}

TEST(Signature, EcdsaNumbersOutOfRangeAreRefused) {
    for (Curve curve : {Curve::P256, Curve::P384, Curve::P521}) {
        const SigningKey key = SigningKey::generate_ecdsa(curve);
        const auto verifier = VerifyKey::ecdsa(curve, key.ecdsa_point());
        ASSERT_TRUE(verifier);
        const Bytes message = base::to_bytes("m");
        const EcdsaSignature good = key.sign_ecdsa(message);
        EXPECT_TRUE(verifier->verify_ecdsa(message, good));
        EXPECT_FALSE(verifier->verify_ecdsa(message, {good.s, good.r}));
        EXPECT_FALSE(verifier->verify_ecdsa(message, {{}, good.s}));
        EXPECT_FALSE(verifier->verify_ecdsa(message, {good.r, {}}));
        EXPECT_FALSE(verifier->verify_ecdsa(message, {Bytes(1), Bytes(1)}));
        EXPECT_FALSE(verifier->verify_ecdsa(message, {Bytes(200, std::byte{1}), good.s}));
        EXPECT_FALSE(verifier->verify_ecdsa(message, {good.r, Bytes(66, std::byte{0xff})}));
        Bytes padded = good.r;
        padded.insert(padded.begin(), std::byte{0});
        EXPECT_TRUE(verifier->verify_ecdsa(message, {padded, good.s})) << "a leading zero changes no number";
    }
}

TEST(Signature, EcdsaPartsMustBelongTogether) {
    const SigningKey key = SigningKey::generate_ecdsa(Curve::P256);
    const SigningKey other = SigningKey::generate_ecdsa(Curve::P256);
    EXPECT_TRUE(SigningKey::ecdsa(Curve::P256, key.ecdsa_point(), key.ecdsa_scalar()));
    EXPECT_FALSE(SigningKey::ecdsa(Curve::P256, other.ecdsa_point(), key.ecdsa_scalar()));
    EXPECT_FALSE(SigningKey::ecdsa(Curve::P256, key.ecdsa_point(), Secret(32))) << "zero";
    EXPECT_FALSE(SigningKey::ecdsa(Curve::P256, key.ecdsa_point(), Secret(BytesView(Bytes(32, std::byte{0xff})))));
    EXPECT_FALSE(SigningKey::ecdsa(Curve::P256, key.ecdsa_point(), Secret(33)));
    EXPECT_FALSE(SigningKey::ecdsa(Curve::P256, {}, key.ecdsa_scalar()));
}

RsaSecretNumbers copy(const RsaSecretNumbers& from) {
    return {from.d.clone(), from.iqmp.clone(), from.p.clone(), from.q.clone()};
}

TEST(Signature, RsaPartsMustBelongTogether) {
    const SigningKey key = SigningKey::generate_rsa(2048);
    const RsaNumbers open = key.rsa_public();
    const RsaSecretNumbers hidden = key.rsa_secret();
    const auto again = SigningKey::rsa(open, hidden);
    ASSERT_TRUE(again);
    const auto verifier = VerifyKey::rsa(open);
    ASSERT_TRUE(verifier);
    EXPECT_EQ(verifier->rsa_bits(), 2048U);
    const Bytes message = base::to_bytes("m");
    for (HashKind hash : {HashKind::Sha256, HashKind::Sha512}) {
        EXPECT_TRUE(verifier->verify_rsa(hash, message, again->sign_rsa(hash, message)));
    }
    EXPECT_FALSE(verifier->verify_rsa(HashKind::Sha512, message, again->sign_rsa(HashKind::Sha256, message)));
    EXPECT_FALSE(verifier->verify_rsa(HashKind::Sha256, message, {}));

    for (Secret RsaSecretNumbers::*part :
         {&RsaSecretNumbers::d, &RsaSecretNumbers::iqmp, &RsaSecretNumbers::p, &RsaSecretNumbers::q}) {
        RsaSecretNumbers changed = copy(hidden);
        (changed.*part).bytes().back() ^= std::byte{2};
        EXPECT_FALSE(SigningKey::rsa(open, changed));
        (changed.*part) = Secret();
        EXPECT_FALSE(SigningKey::rsa(open, changed));
    }
}

}  // namespace
}  // namespace sekisho::crypto
