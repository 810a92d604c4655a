// Whose word counts in a hostbased sign-in: host name, key, address, account, user, revocation.
#include "identity/client_host.h"

#include <gtest/gtest.h>

#include "keys/private_key.h"

namespace sekisho::identity {
namespace {

class ClientHostTest : public ::testing::Test {
protected:
    ClientHostTest() {
        access.users = {
            {.name = "alice", .groups = {"ops"}}, {.name = "bob"}, {.name = "gone", .groups = {"ops"}, .locked = true}};
        access.client_hosts = {
            {.name = "build1.example.net", .keys = {other.public_key().line(), key.public_key().line()}, .users = {"@ops"}}};
        claim = {"build1.example.net.", "alice", key.public_key().blob(), "alice", base::Address::parse("192.0.2.7")};
    }
    model::ClientHost& host() { return access.client_hosts[0]; }
    Result<std::shared_ptr<const Grant>> judge() {
        return grant_by_host(access, ClientHosts(access), revocation, claim, std::chrono::system_clock::now());
    }
    /// "" or the reason.
    std::string refusal() {
        const auto grant = judge();
        return grant ? "" : grant.error().text;
    }

    keys::PrivateKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    keys::PrivateKey other = keys::PrivateKey::generate(keys::KeyKind::EcdsaP256);
    keys::PrivateKey foreign = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    model::Access access;
    Revocation revocation;
    HostClaim claim;
};

TEST_F(ClientHostTest, ARegisteredHostsWordForTheAccountOfTheSameName) {
    const auto grant = judge();
    ASSERT_TRUE(grant) << grant.error().text;
    EXPECT_EQ((*grant)->user, "alice");
    EXPECT_EQ((*grant)->fingerprint, key.public_key().fingerprint());
    EXPECT_EQ((*grant)->client_host, "alice@build1.example.net");
    for (const char* name : {"build1.example.net", "Build1.Example.NET."}) {
        claim.host = name;
        EXPECT_EQ(refusal(), "") << name;
    }
}

TEST_F(ClientHostTest, NameKeyAddressAccountAndUserMustAllFit) {
    const HostClaim good = claim;
    claim.host = "build2.example.net.";
    EXPECT_NE(refusal().find("no client host is called build2"), std::string::npos);
    claim.host = "build1.example.net..";
    EXPECT_NE(refusal(), "");
    claim = good;
    claim.key_blob = foreign.public_key().blob();
    EXPECT_NE(refusal().find("not one of its registered keys"), std::string::npos);
    claim.key_blob = base::view("nonsense");
    EXPECT_NE(refusal(), "");
    claim = good;
    claim.account = "root";
    EXPECT_NE(refusal().find("account root is another user than alice"), std::string::npos);
    claim = good;
    claim.account = claim.user = "bob";
    EXPECT_NE(refusal().find("user bob may not come from it"), std::string::npos);
    claim.account = claim.user = "nobody";
    EXPECT_NE(refusal().find("no user is called nobody"), std::string::npos);
    claim.account = claim.user = "gone";
    EXPECT_NE(refusal().find("locked"), std::string::npos);
}

TEST_F(ClientHostTest, AnAddressIsLookedAtWhereAnyIsGiven) {
    host().addresses = {"192.0.2.0/24", "2001:db8::/32"};
    EXPECT_EQ(refusal(), "");
    claim.source = base::Address::parse("::ffff:192.0.2.7");
    EXPECT_EQ(refusal(), "");
    claim.source = base::Address::parse("2001:db8::1");
    EXPECT_EQ(refusal(), "");
    claim.source = base::Address::parse("198.51.100.1");
    EXPECT_NE(refusal().find("may not come from 198.51.100.1"), std::string::npos);
    claim.source.reset();
    EXPECT_NE(refusal(), "");
    host().addresses.clear();
    EXPECT_EQ(refusal(), "");
}

TEST_F(ClientHostTest, AccountsThatAreMappedAreTheOnlyOnes) {
    host().accounts = {{"jenkins", "alice"}, {"root", "bob"}};
    EXPECT_NE(refusal().find("account alice is no user's"), std::string::npos);
    claim.account = "jenkins";
    EXPECT_EQ(refusal(), "");
    claim.account = "root";
    EXPECT_NE(refusal().find("another user than alice"), std::string::npos);
    claim.user = "bob";
    EXPECT_NE(refusal().find("may not come from it"), std::string::npos) << "a mapping lets nobody in who is not listed";
    host().users = {"bob"};
    EXPECT_EQ(refusal(), "");
}

TEST_F(ClientHostTest, RevokedKeysAndUnreadListsEndIt) {
    revocation.revoked_keys = {other.public_key()};
    EXPECT_EQ(refusal(), "");
    revocation.revoked_keys = {key.public_key()};
    EXPECT_NE(refusal().find("revoked"), std::string::npos);
    revocation = {.revoked = {}, .revoked_keys = {}, .revocation_unknown = true};
    EXPECT_NE(refusal().find("cannot be read"), std::string::npos);
}

TEST_F(ClientHostTest, AKeyLineThatIsNoneIsNamedAndTheOthersCount) {
    host().keys.push_back("nonsense");
    EXPECT_EQ(ClientHosts(access).problems().size(), 1u);
    EXPECT_EQ(refusal(), "");
    EXPECT_TRUE(ClientHosts().empty());
    EXPECT_FALSE(ClientHosts(access).empty());
}

}  // namespace
}  // namespace sekisho::identity
