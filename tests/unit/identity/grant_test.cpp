// What a key's options and its user's state let through; values of from= and expiry-time= as sshd(8) reads them.
#include "identity/grant.h"

#include <gtest/gtest.h>

namespace sekisho::identity {
namespace {

// Made with ssh-keygen.
constexpr const char* kKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILfL7cYCDCODjIQDQP7szmNC81O/QVSFX0eAE/u+R/Jz test";

Result<std::shared_ptr<const Grant>> grant(
    const std::string& options, const std::string& source = "192.0.2.7", model::User user = {.name = "alice"}) {
    auto key = keys::parse_authorized_key(options.empty() ? kKey : options + " " + kKey);
    EXPECT_TRUE(key.has_value()) << (key ? "" : key.error().full());
    return make_grant(user, *key, base::Address::parse(source), std::chrono::system_clock::from_time_t(1'800'000'000));
}

TEST(Grant, PlainKeyMayEverythingThatRulesAllow) {
    const auto plain = grant("");
    ASSERT_TRUE(plain.has_value());
    EXPECT_EQ((*plain)->user, "alice");
    EXPECT_TRUE((*plain)->fingerprint.starts_with("SHA256:"));
    EXPECT_TRUE((*plain)->pty && (*plain)->agent_forwarding && (*plain)->port_forwarding);
    EXPECT_TRUE((*plain)->permits_open("db", 5432).has_value());
}

TEST(Grant, RestrictTakesAllAndLaterOptionsGiveBack) {
    const auto restricted = grant("restrict,pty");
    ASSERT_TRUE(restricted.has_value());
    EXPECT_TRUE((*restricted)->pty);
    EXPECT_FALSE((*restricted)->agent_forwarding);
    EXPECT_FALSE((*restricted)->permits_open("db", 5432).has_value());
    EXPECT_EQ(*(*grant("command=\"uptime\""))->command, "uptime");
}

TEST(Grant, PermitOpenListsWhatIsLeft) {
    const auto limited = grant("permitopen=\"db:5432\",permitopen=\"10.0.0.1:*\"");
    ASSERT_TRUE(limited.has_value());
    EXPECT_TRUE((*limited)->permits_open("db", 5432).has_value());
    EXPECT_TRUE((*limited)->permits_open("10.0.0.1", 80).has_value());
    EXPECT_FALSE((*limited)->permits_open("db", 5433).has_value());
    EXPECT_FALSE((*limited)->permits_open("10.0.0.2", 80).has_value());
    EXPECT_FALSE(grant("permitopen=\"nonsense\"").has_value());
}

TEST(Grant, PermitListenListsWhereTheTargetMayListen) {
    const auto limited = grant("permitlisten=\"8080\",permitlisten=\"localhost:9000\",permitlisten=\"[::1]:9001\",permitlisten=\"10.*:*\"");
    ASSERT_TRUE(limited.has_value());
    EXPECT_TRUE((*limited)->permits_listen("anything", 8080).has_value());
    EXPECT_TRUE((*limited)->permits_listen("", 8080).has_value());
    EXPECT_TRUE((*limited)->permits_listen("localhost", 9000).has_value());
    EXPECT_FALSE((*limited)->permits_listen("127.0.0.1", 9000).has_value());
    EXPECT_TRUE((*limited)->permits_listen("::1", 9001).has_value());
    EXPECT_TRUE((*limited)->permits_listen("10.1.1.1", 80).has_value());
    EXPECT_FALSE((*limited)->permits_listen("localhost", 80).has_value());
    EXPECT_FALSE((*limited)->permits_sockets().has_value());
    EXPECT_TRUE((*limited)->permits_open("db", 5432).has_value());
    for (const char* wrong : {"permitlisten=\"\"", "permitlisten=\"localhost\"", "permitlisten=\":80\"", "permitlisten=\"localhost:0\""}) {
        EXPECT_FALSE(grant(wrong).has_value()) << wrong;
    }
    EXPECT_TRUE((*grant(""))->permits_sockets() && (*grant(""))->permits_listen("", 0));
    EXPECT_FALSE((*grant("no-port-forwarding"))->permits_sockets() || (*grant("restrict"))->permits_listen("localhost", 80));
    EXPECT_EQ((*grant("tunnel=\"3\""))->tunnel, 3U);
    EXPECT_FALSE(grant("tunnel=\"x\"").has_value());
}

TEST(Grant, SourceDecides) {
    EXPECT_TRUE(grant("from=\"192.0.2.0/24\"").has_value());
    EXPECT_FALSE(grant("from=\"192.0.2.0/24\"", "198.51.100.1").has_value());
    EXPECT_FALSE(grant("from=\"192.0.2.0/24,!192.0.2.7\"").has_value());
    EXPECT_TRUE(grant("from=\"192.0.2.*\"").has_value());
    EXPECT_FALSE(grant("from=\"laptop.example.com\"").has_value());
    EXPECT_FALSE(grant("from=\"192.0.2.0/24\"", "nowhere").has_value());
}

TEST(Grant, ExpiryOfKeyAndUser) {
    EXPECT_TRUE(grant("expiry-time=\"20301231\"").has_value());
    EXPECT_FALSE(grant("expiry-time=\"20261231\"").has_value());
    EXPECT_FALSE(grant("", "192.0.2.7", {.name = "alice", .locked = true}).has_value());
    EXPECT_FALSE(grant("", "192.0.2.7", {.name = "alice", .expires = "2020-01-01T00:00:00Z"}).has_value());
    EXPECT_FALSE(grant("", "192.0.2.7", {.name = "alice", .expires = "soon"}).has_value());
    EXPECT_TRUE(grant("", "192.0.2.7", {.name = "alice", .expires = "2040-01-01T00:00:00Z"}).has_value());
    // date -u -d '2027-01-15 08:00:00' +%s
    EXPECT_EQ(base::unix_seconds(*parse_expiry_time("202701150800Z")), 1'800'000'000);
    EXPECT_FALSE(parse_expiry_time("20270230Z").has_value());
    // "Never", as people write it: beyond what a clock in nanoseconds can count.
    for (const char* never : {"99991231Z", "99991231", "99991231235959"}) {
        EXPECT_GT(parse_expiry_time(never).value(), parse_expiry_time("22000101Z").value()) << never;
    }
    EXPECT_FALSE(parse_expiry_time("2027").has_value());
    EXPECT_FALSE(parse_expiry_time("202701152500").has_value());
}

// A key of ssh-keygen -t ed25519-sk.
constexpr const char* kSecurityKey =
    "sk-ssh-ed25519@openssh.com "
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIK6KmeVdXBdJ5C9br1zd2LnvPKkiJ5+uHqm0ndNpPkjYAAAABHNzaDo= test";

TEST(Grant, SecurityKeysMustBeTouchedAndGiveAPinWhereItIsAsked) {
    const auto judged = [](const std::string& options, keys::SignatureDetails proof) {
        const auto key = keys::parse_authorized_key(options + " " + kSecurityKey);
        EXPECT_TRUE(key.has_value()) << (key ? "" : key.error().full());
        return make_grant({.name = "alice"}, *key, std::nullopt, std::chrono::system_clock::now(), proof).has_value();
    };
    EXPECT_FALSE(judged("", {}));
    EXPECT_TRUE(judged("", {.touched = true}));
    EXPECT_TRUE(judged("no-touch-required", {}));
    EXPECT_FALSE(judged("verify-required", {.touched = true}));
    EXPECT_TRUE(judged("verify-required", {.touched = true, .pin_verified = true}));
    EXPECT_FALSE(judged("verify-required", {.touched = false, .pin_verified = true}));
    EXPECT_TRUE(grant("verify-required").has_value());  // not a security key: nothing to show
}

}  // namespace
}  // namespace sekisho::identity
