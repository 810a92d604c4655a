// Certificates and revocation lists made by ssh-keygen, judged as a gateway would.
#include "identity/user_certificate.h"

#include <gtest/gtest.h>

#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::identity {
namespace {

constexpr const char* kSkProvider = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

keys::PublicKey key_of(const test::KeygenFolder& folder, const std::string& name) {
    return keys::PublicKey::from_line(folder.read(name + ".pub")).value();
}

/// An authority `ca`, a user's key `id`, and whatever certificates a test wants.
class UserCertificateTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!test::KeygenFolder::available()) GTEST_SKIP() << "ssh-keygen is not installed";
        for (const char* name : {"ca", "other", "id"}) run(std::string("ssh-keygen -q -N '' -C c -t ed25519 -f ") + name);
        m_trust.authorities.push_back({key_of(m_folder, "ca"), {}});
    }
    std::string run(const std::string& command) const { return m_folder.run(command); }
    keys::Certificate make(const std::string& options, const std::string& authority = "ca", const std::string& key = "id") const {
        run("ssh-keygen -q -s " + authority + " -I 'alice on her laptop' " + options + " " + key + ".pub");
        const std::string line = m_folder.read(key + "-cert.pub");
        const std::string rest = line.substr(line.find(' ') + 1);
        return keys::Certificate::from_blob(base::from_base64(rest.substr(0, rest.find(' '))).value()).value();
    }
    Result<CertificateGrant> judge(const keys::Certificate& certificate) const {
        return judge_certificate(certificate, m_trust,
            {m_user, m_principals, m_source.empty() ? std::nullopt : base::Address::parse(m_source), m_proof}, m_now);
    }
    std::string reason(const keys::Certificate& certificate) const {
        const auto grant = judge(certificate);
        return grant ? "granted" : grant.error().text;
    }
    Result<keys::Krl> krl(const std::string& name) const { return keys::Krl::parse(base::view(m_folder.read(name))); }

    const test::KeygenFolder m_folder;
    CertificateTrust m_trust;
    model::User m_user{.name = "alice"};
    std::vector<std::string> m_principals{"alice", "alice@example.net"};
    std::string m_source = "192.0.2.7";
    keys::SignatureDetails m_proof;
    WallTime m_now = std::chrono::system_clock::now();
};

TEST_F(UserCertificateTest, GrantsWhatTheAuthorityPermits) {
    const auto grant = judge(make("-n alice -z 77 -V -5m:+1h"));
    ASSERT_TRUE(grant.has_value()) << grant.error().full();
    EXPECT_EQ(grant->grant.user, "alice");
    EXPECT_EQ(grant->grant.fingerprint, key_of(m_folder, "id").fingerprint());
    EXPECT_EQ(grant->authority, key_of(m_folder, "ca").fingerprint());
    EXPECT_EQ(grant->key_id, "alice on her laptop");
    EXPECT_EQ(grant->serial, 77U);
    EXPECT_TRUE(grant->grant.pty && grant->grant.agent_forwarding && grant->grant.port_forwarding && grant->grant.x11_forwarding);
    EXPECT_FALSE(grant->grant.command.has_value());
    const auto bare = judge(make("-n alice -O clear -O permit-pty -O force-command='uptime -p'"));
    ASSERT_TRUE(bare.has_value()) << bare.error().full();
    EXPECT_TRUE(bare->grant.pty);
    EXPECT_FALSE(bare->grant.agent_forwarding || bare->grant.port_forwarding || bare->grant.x11_forwarding);
    EXPECT_EQ(bare->grant.command, "uptime -p");
}

TEST_F(UserCertificateTest, AnyOfTheUsersPrincipalsWillDo) {
    EXPECT_TRUE(judge(make("-n bob,alice@example.net")).has_value());
    EXPECT_NE(reason(make("-n bob")).find("does not name the principal"), std::string::npos);
    EXPECT_NE(reason(make("-n 'alice*'")).find("does not name the principal"), std::string::npos);  // no patterns for users
    // A certificate without principals is for nobody, though ssh-keygen makes it.
    EXPECT_EQ(reason(make("")), "the certificate names no principal");
    m_principals.clear();
    EXPECT_FALSE(judge(make("-n alice")).has_value());
}

TEST_F(UserCertificateTest, AnAuthorityMayBeLimitedToPrincipals) {
    m_trust.authorities[0].principals = {"deploy"};
    EXPECT_FALSE(judge(make("-n alice")).has_value());
    EXPECT_TRUE(judge(make("-n deploy")).has_value());
}

TEST_F(UserCertificateTest, OnlyTrustedAuthoritiesCount) {
    const auto certificate = make("-n alice", "other");
    EXPECT_NE(reason(certificate).find("does not know"), std::string::npos);
    m_trust.authorities.push_back({key_of(m_folder, "other"), {}});
    EXPECT_TRUE(judge(certificate).has_value());
    m_trust.authorities.clear();
    EXPECT_FALSE(judge(make("-n alice")).has_value());
}

TEST_F(UserCertificateTest, HostCertificatesAndWrongTimesAreRefused) {
    EXPECT_EQ(reason(make("-h -n alice")), "the certificate is not for a user");
    EXPECT_EQ(reason(make("-n alice -V +1h:+2h")), "the certificate is not valid yet");
    EXPECT_EQ(reason(make("-n alice -V -2h:-1h")), "the certificate has expired");
    const auto certificate = make("-n alice -V -1h:+1h");
    EXPECT_EQ(reason(certificate), "granted");
    m_now += std::chrono::hours(2);
    EXPECT_EQ(reason(certificate), "the certificate has expired");
}

TEST_F(UserCertificateTest, SourceAddressesAreNetworksAndNothingElse) {
    EXPECT_TRUE(judge(make("-n alice -O source-address=192.0.2.0/24,2001:db8::/32")).has_value());
    EXPECT_NE(reason(make("-n alice -O source-address=198.51.100.0/24")).find("192.0.2.7"), std::string::npos);
    m_source.clear();
    EXPECT_FALSE(judge(make("-n alice -O source-address=192.0.2.0/24")).has_value());
    EXPECT_TRUE(judge(make("-n alice")).has_value());
}

TEST_F(UserCertificateTest, UnknownCriticalOptionsAreRefused) {
    EXPECT_EQ(reason(make("-n alice -O critical:moon@example.net=full")), "the certificate has an unknown critical option");
    EXPECT_TRUE(judge(make("-n alice -O extension:moon@example.net=full")).has_value());
}

TEST_F(UserCertificateTest, RevokedBySerialKeyIdKeyOrAuthority) {
    const auto certificate = make("-n alice -z 77");
    run("printf 'serial: 70-80\\n' >by_serial; ssh-keygen -q -k -f serial.krl -s ca.pub by_serial");
    run("printf 'id: alice on her laptop\\n' >by_id; ssh-keygen -q -k -f id.krl -s ca.pub by_id");
    run("ssh-keygen -q -k -f key.krl id.pub; ssh-keygen -q -k -f ca.krl ca.pub; ssh-keygen -q -k -f other.krl other.pub");
    for (const auto& [name, revoked] :
         {std::pair{"serial.krl", true}, {"id.krl", true}, {"key.krl", true}, {"ca.krl", true}, {"other.krl", false}}) {
        m_trust.revoked.clear();
        m_trust.revoked.push_back(krl(name).value());
        EXPECT_EQ(judge(certificate).has_value(), !revoked) << name << ": " << reason(certificate);
    }
    // Another authority's serial is not ours; the next serial of ours is.
    m_trust.revoked.clear();
    m_trust.revoked.push_back(krl("serial.krl").value());
    m_trust.authorities.push_back({key_of(m_folder, "other"), {}});
    EXPECT_EQ(reason(make("-n alice -z 77", "other")), "granted");
    EXPECT_EQ(reason(make("-n alice -z 81")), "granted");
}

TEST_F(UserCertificateTest, AnUnreadableRevocationListRefusesEverybody) {
    const auto certificate = make("-n alice");
    m_trust.revocation_unknown = true;
    EXPECT_FALSE(judge(certificate).has_value());
}

TEST_F(UserCertificateTest, ALockedOrExpiredUserStaysOut) {
    const auto certificate = make("-n alice");
    m_user.locked = true;
    EXPECT_EQ(reason(certificate), "the user alice is locked");
    m_user.locked = false;
    m_user.expires = "2020-01-01T00:00:00Z";
    EXPECT_NE(reason(certificate).find("expired"), std::string::npos);
}

TEST_F(UserCertificateTest, SecurityKeysMustBeTouchedAndGiveAPinWhereItIsAsked) {
    if (!std::filesystem::exists(kSkProvider)) GTEST_SKIP() << "no software security key: openssh-tests is not installed";
    run(std::string("ssh-keygen -q -N '' -C c -t ed25519-sk -w ") + kSkProvider + " -f sk");
    const auto plain = make("-n alice", "ca", "sk");
    EXPECT_NE(reason(plain).find("was not touched"), std::string::npos);
    m_proof.touched = true;
    EXPECT_EQ(reason(plain), "granted");
    const auto with_pin = make("-n alice -O verify-required", "ca", "sk");
    EXPECT_NE(reason(with_pin).find("PIN"), std::string::npos);
    m_proof.pin_verified = true;
    EXPECT_EQ(reason(with_pin), "granted");
    m_proof = {};
    EXPECT_EQ(reason(make("-n alice -O no-touch-required", "ca", "sk")), "granted");
    // A key that is no security key has nothing to show.
    EXPECT_EQ(reason(make("-n alice")), "granted");
}

}  // namespace
}  // namespace sekisho::identity
