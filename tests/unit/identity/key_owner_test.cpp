// Whose key it is: registered lines, certificates of trusted authorities, and authorities in a user's own lines. Keys, certificates
// and lists are made by ssh-keygen.
#include "identity/key_owner.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::identity {
namespace {

class KeyOwnerTest : public ::testing::Test {
protected:
    void SetUp() override {
        if (!test::KeygenFolder::available()) GTEST_SKIP() << "ssh-keygen is not installed";
        for (const char* name : {"ca", "team", "id", "plain"})
            run(std::string("ssh-keygen -q -N '' -C c -t ed25519 -f ") + name);
        m_trust.authorities = parse_authorities({m_folder.read("ca.pub")}).value();
        m_access.users.push_back({.name = "alice", .email = "alice@example.net", .keys = {m_folder.read("plain.pub")}});
        m_access.users.push_back({.name = "bob", .email = "team@example.net"});
        m_access.users.push_back({.name = "carol", .email = "team@example.net"});
    }
    std::string run(const std::string& command) const { return m_folder.run(command); }
    ShownKey plain(const std::string& name) const {
        return keys::PublicKey::from_line(m_folder.read(name + ".pub")).value();
    }
    ShownKey certificate(const std::string& options, const std::string& authority = "ca") const {
        run("ssh-keygen -q -s " + authority + " -I laptop " + options + " id.pub");
        const std::string line = m_folder.read("id-cert.pub");
        const std::string rest = line.substr(line.find(' ') + 1);
        return keys::Certificate::from_blob(base::from_base64(rest.substr(0, rest.find(' '))).value()).value();
    }
    /// "alice bob", or the reason.
    std::string owners(const ShownKey& key) {
        m_index = KeyIndex(m_access);
        const auto found = owners_of(key, facts());
        if (!found) return found.error().text;
        std::string names;
        for (const auto& one : *found) names += (names.empty() ? "" : " ") + one.user;
        return names;
    }
    std::shared_ptr<const Grant> grant(const ShownKey& key) {
        m_index = KeyIndex(m_access);
        return grant_to(owners_of(key, facts())->front(), key, facts(), {}).value();
    }
    KeyFacts facts() const {
        return {m_access, m_index, m_trust, base::Address::parse("192.0.2.7"), std::chrono::system_clock::now()};
    }
    void alice_trusts_team(const std::string& options) {
        m_access.users[0].keys = {"cert-authority" + options + " " + m_folder.read("team.pub")};
    }

    const test::KeygenFolder m_folder;
    CertificateTrust m_trust;
    model::Access m_access;
    KeyIndex m_index;
};

TEST_F(KeyOwnerTest, PlainKeysBelongToThoseWhoRegisteredThem) {
    EXPECT_EQ(owners(plain("plain")), "alice");
    EXPECT_EQ(owners(plain("id")), "the key is not registered");
    m_access.users[1].keys = {m_folder.read("plain.pub")};
    EXPECT_EQ(owners(plain("plain")), "alice bob");
    m_trust.revoked_keys = {std::get<keys::PublicKey>(plain("plain"))};
    EXPECT_EQ(owners(plain("plain")), "the key is revoked");
}

TEST_F(KeyOwnerTest, CertificatesBelongToThoseWhomTheyName) {
    EXPECT_EQ(owners(certificate("-n alice")), "alice");
    EXPECT_EQ(owners(certificate("-n alice@example.net,alice")), "alice");
    EXPECT_EQ(owners(certificate("-n bob,alice")), "bob alice");
    EXPECT_EQ(
        owners(certificate("-n team@example.net")), "the certificate names no user of this gateway, but team@example.net");
    EXPECT_EQ(owners(certificate("")), "the certificate names no principal");
    EXPECT_NE(owners(certificate("-n alice", "team")).find("does not know"), std::string::npos);
    m_access.users[0].locked = true;
    EXPECT_EQ(owners(certificate("-n alice")), "the user alice is locked");
    EXPECT_EQ(owners(certificate("-n alice,bob")), "bob");
}

TEST_F(KeyOwnerTest, AnAuthorityInAUsersLineIsForThatUserAndSignsNobodyIn) {
    alice_trusts_team(",principals=\"deploy,ops\"");
    EXPECT_EQ(owners(certificate("-n ops", "team")), "alice");
    EXPECT_NE(owners(certificate("-n bob", "team")).find("does not name the principal"), std::string::npos);
    EXPECT_EQ(owners(plain("team")), "this key may sign certificates, not sign in");
    alice_trusts_team("");
    EXPECT_EQ(owners(certificate("-n alice", "team")), "alice");
    alice_trusts_team(",principals=\"\"");
    EXPECT_NE(owners(certificate("-n alice", "team")).find("names nobody"), std::string::npos);
    // Without the option the line is a key that signs in, and no authority.
    m_access.users[0].keys = {m_folder.read("team.pub")};
    EXPECT_NE(owners(certificate("-n alice", "team")).find("does not know"), std::string::npos);
}

TEST_F(KeyOwnerTest, WhatLineAndCertificateBothPermit) {
    alice_trusts_team(",no-pty,permitopen=\"db:5432\"");
    const auto narrowed = grant(certificate("-n alice -O clear -O permit-pty -O permit-port-forwarding", "team"));
    EXPECT_FALSE(narrowed->pty || narrowed->agent_forwarding || narrowed->x11_forwarding);
    EXPECT_TRUE(narrowed->permits_open("db", 5432).has_value());
    EXPECT_FALSE(narrowed->permits_open("db", 5433).has_value());
    EXPECT_NE(narrowed->certificate.find("\"laptop\", serial 0, signed by SHA256:"), std::string::npos);
    alice_trusts_team(",command=\"uptime\"");
    EXPECT_EQ(grant(certificate("-n alice", "team"))->command, "uptime");
    EXPECT_EQ(grant(certificate("-n alice -O force-command=uptime", "team"))->command, "uptime");
    EXPECT_NE(owners(certificate("-n alice -O force-command=id", "team")).find("different commands"), std::string::npos);
    alice_trusts_team(",from=\"198.51.100.0/24\"");
    EXPECT_NE(owners(certificate("-n alice", "team")).find("may not be used from 192.0.2.7"), std::string::npos);
}

TEST_F(KeyOwnerTest, ListsOfRevokedKeysAreReadOrRevokeEverything) {
    const ReadFile read_file = [](const std::string& name, std::size_t) -> Result<std::string> {
        std::ifstream file(name, std::ios::binary);
        if (!file) return fail(name + " cannot be opened");
        return std::string{std::istreambuf_iterator<char>(file), {}};
    };
    const auto path = [this](const std::string& name) { return m_folder.path(name); };
    run("ssh-keygen -q -k -f one.krl plain.pub; cat id.pub >keys.txt; echo '# a comment' >>keys.txt; echo nonsense "
        ">broken.txt");
    ASSERT_TRUE(read_revocation({path("one.krl"), path("keys.txt")}, read_file, m_trust).has_value());
    EXPECT_EQ(owners(plain("plain")), "the key is revoked");
    EXPECT_EQ(owners(certificate("-n alice")), "the key is revoked");
    m_trust.revoked.clear();
    m_trust.revoked_keys.clear();
    EXPECT_EQ(owners(plain("plain")), "alice");
    for (const char* name : {"broken.txt", "missing.krl"}) {
        CertificateTrust trust;
        EXPECT_FALSE(read_revocation({path("one.krl"), path(name)}, read_file, trust).has_value()) << name;
        EXPECT_TRUE(trust.revocation_unknown) << name;
    }
    m_trust.revocation_unknown = true;
    EXPECT_NE(owners(plain("plain")).find("cannot be read"), std::string::npos);
    EXPECT_NE(owners(certificate("-n alice")).find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::identity
