// Certificates for the target hop: their bounds, and what ssh-keygen's own reading (keys) says of them.
#include "identity/certificate_authority.h"

#include <gtest/gtest.h>

#include "identity/key_index.h"

namespace sekisho::identity {
namespace {

const auto kNow = std::chrono::system_clock::from_time_t(1'800'000'000);

TEST(CertificateAuthority, IssuesWithinBounds) {
    const CertificateAuthority authority(keys::PrivateKey::generate(keys::KeyKind::Ed25519));
    const auto key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    const auto blob = authority.issue(key.public_key(), {.principal = "ubuntu", .key_id = "user=alice"}, kNow);
    ASSERT_TRUE(blob.has_value()) << blob.error().full();
    const auto certificate = keys::Certificate::from_blob(*blob);
    ASSERT_TRUE(certificate.has_value()) << certificate.error().full();
    EXPECT_EQ(certificate->key(), key.public_key());
    EXPECT_EQ(certificate->authority(), authority.public_key());
    EXPECT_EQ(certificate->fields().valid_after, 1'799'999'995u);
    EXPECT_EQ(certificate->fields().valid_before, 1'800'000'060u);
    EXPECT_EQ(certificate->fields().key_id, "user=alice");
    EXPECT_TRUE(certificate->check(keys::CertificateUse::User, "ubuntu", 1'800'000'000).has_value());
    EXPECT_FALSE(certificate->check(keys::CertificateUse::User, "root", 1'800'000'000).has_value());
    EXPECT_FALSE(certificate->check(keys::CertificateUse::User, "ubuntu", 1'800'000'060).has_value());
}

TEST(CertificateAuthority, RefusesWhatIsOutsideItsBounds) {
    const CertificateAuthority authority(keys::PrivateKey::generate(keys::KeyKind::Ed25519));
    const auto key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    EXPECT_FALSE(authority.issue(key.public_key(), {.principal = ""}, kNow).has_value());
    EXPECT_FALSE(authority.issue(key.public_key(), {.principal = "u", .life = std::chrono::seconds(61)}, kNow).has_value());
    EXPECT_FALSE(authority.issue(key.public_key(), {.principal = "u", .life = std::chrono::seconds(0)}, kNow).has_value());
}

TEST(KeyIndex, FindsEveryOwnerAndNamesBadLines) {
    const auto key = keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key();
    model::Access access;
    access.users.push_back({.name = "alice", .keys = {key.line("a"), "nonsense"}});
    access.users.push_back({.name = "bob", .keys = {"no-pty " + key.line("b")}});
    const KeyIndex index(access);
    ASSERT_EQ(index.owners(key.blob()).size(), 2u);
    EXPECT_EQ(index.owners(key.blob())[1].user, "bob");
    ASSERT_EQ(index.problems().size(), 1u);
    EXPECT_NE(index.problems()[0].find("alice"), std::string::npos);
    EXPECT_TRUE(index.owners({}).empty());
}

}  // namespace
}  // namespace sekisho::identity
