#include "policy/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_zone.h"

namespace sekisho::policy {
namespace {

using model::Capability;
using testing::AllOf;
using testing::HasSubstr;

WallTime at(const char* rfc3339) { return *base::parse_rfc3339(rfc3339); }

class DecideTest : public testing::Test {
protected:
    DecideTest() {
        m_access.users = {{.name = "alice", .groups = {"ops"}}, {.name = "partner"},
            {.name = "locked", .groups = {"ops"}, .locked = true},
            {.name = "late", .groups = {"ops"}, .expires = "2026-01-01T00:00:00Z"}};
        m_access.targets = {
            {.name = "web1", .address = "10.0.0.5:22", .logins = {"ubuntu", "root"}, .labels = {{"env", "prod"}}},
            {.name = "db1", .address = "10.0.0.6:22", .logins = {"postgres"}, .labels = {{"env", "test"}}},
            {.name = "open", .address = "10.0.0.7:22"}};
        model::Rule web{.name = "web",
            .users = {"@ops"},
            .targets = {"web*"},
            .logins = {"ubuntu"},
            .allow = {Capability::Shell, Capability::Sftp}};
        web.record = model::RecordLevel::Commands;
        web.on_failure = model::OnFailure::Alarm;
        model::Rule ledger{.name = "ledger",
            .users = {"partner"},
            .allow = {Capability::LocalForward},
            .forward = {"ledger.internal:443", "10.1.0.0/16:5432"}};
        model::Rule label{.name = "tests", .users = {"alice"}, .targets = {"env=te?t"}, .allow = {Capability::Exec}};
        label.when.from = {"203.0.113.0/24", "2001:db8::/32"};
        label.when.hours = "Mon-Fri 08:00-20:00 Asia/Tokyo";
        model::Rule through{.name = "through",
            .users = {"alice"},
            .targets = {"db1"},
            .allow = {Capability::LocalForward},
            .forward = {"127.0.0.1:5432"}};
        model::Rule empty{.name = "no entries", .users = {"alice"}, .allow = {Capability::LocalForward}};
        m_access.rules = {web, ledger, label, through, empty};
        m_access.index();
    }

    Decision ask(Request request) {
        if (request.source.empty()) request.source = "203.0.113.9";
        if (request.time == WallTime{}) request.time = at("2026-11-23T10:00:00+09:00");
        return decide(m_access, request);
    }

    Decision forward(const char* user, const char* target, const char* host, std::uint16_t port) {
        return ask({.user = user,
            .target = target,
            .capability = Capability::LocalForward,
            .forward_host = host,
            .forward_port = port});
    }

    model::Access m_access;
};

TEST_F(DecideTest, TheRuleThatAllowsIsNamedAndSaysHowToRecord) {
    const Decision d = ask({.user = "alice", .target = "web1", .login = "ubuntu", .capability = Capability::Shell});
    EXPECT_TRUE(d.allowed) << d.reason;
    EXPECT_EQ(d.rule, "web");
    EXPECT_EQ(d.record, model::RecordLevel::Commands);
    EXPECT_EQ(d.on_failure, model::OnFailure::Alarm);
}

TEST_F(DecideTest, TheDefaultLoginIsTheFirst) {
    EXPECT_TRUE(ask({.user = "alice", .target = "web1"}).allowed);
    EXPECT_THAT(ask({.user = "alice", .target = "open"}).reason, HasSubstr("no default login"));
}

TEST_F(DecideTest, ARefusalNamesWhatWasRefusedAndWhatIsPermitted) {
    const Decision d = ask({.user = "alice", .target = "web1", .login = "ubuntu", .capability = Capability::Exec});
    EXPECT_FALSE(d.allowed);
    EXPECT_TRUE(d.rule.empty());
    EXPECT_EQ(d.reason,
        "no rule lets alice use exec as ubuntu on web1 (permitted there: shell, sftp); ask your administrator for a rule "
        "that allows it");
}

TEST_F(DecideTest, LoginsAreThoseThatTargetAndRuleList) {
    EXPECT_FALSE(ask({.user = "alice", .target = "web1", .login = "root"}).allowed);
    EXPECT_FALSE(ask({.user = "alice", .target = "web1", .login = "UBUNTU"}).allowed);
    m_access.rules[0].logins.clear();
    m_access.index();
    EXPECT_TRUE(ask({.user = "alice", .target = "web1", .login = "root"}).allowed);
    EXPECT_FALSE(ask({.user = "alice", .target = "web1", .login = "daemon"}).allowed);
    m_access.rules[0].targets = {"open"};
    m_access.index();
    EXPECT_FALSE(ask({.user = "alice", .target = "open", .login = "anybody"}).allowed);
    m_access.rules[0].logins = {"any*"};
    m_access.index();
    EXPECT_TRUE(ask({.user = "alice", .target = "open", .login = "anybody"}).allowed);
}

TEST_F(DecideTest, UsersThatAreOutAreToldWhy) {
    EXPECT_THAT(ask({.user = "locked", .target = "web1"}).reason, HasSubstr("locked is locked"));
    EXPECT_THAT(ask({.user = "late", .target = "web1"}).reason, HasSubstr("late expired at 2026-01-01T00:00:00Z"));
    EXPECT_TRUE(ask({.user = "late", .target = "web1", .time = at("2025-12-31T23:59:59Z")}).allowed);
    EXPECT_THAT(ask({.user = "mallory", .target = "web1"}).reason, HasSubstr("no user is called mallory"));
    m_access.users[3].expires = "soon";
    m_access.index();
    EXPECT_FALSE(ask({.user = "late", .target = "web1", .time = at("2025-01-01T00:00:00Z")}).allowed);
}

TEST_F(DecideTest, UnknownTarget) {
    const Decision d = ask({.user = "alice", .target = "web9\x1b[2J"});
    EXPECT_EQ(d.reason, "no target is called web9?[2J");
}

TEST_F(DecideTest, LabelsSourcesAndHours) {
    const Request request{.user = "alice", .target = "db1", .capability = Capability::Exec};
    EXPECT_TRUE(ask(request).allowed);
    Request elsewhere = request;
    elsewhere.source = "198.51.100.1";
    EXPECT_THAT(ask(elsewhere).reason, HasSubstr("only from other networks"));
    elsewhere.source = "::ffff:203.0.113.7";
    EXPECT_TRUE(ask(elsewhere).allowed);
    elsewhere.source = "nonsense";
    EXPECT_FALSE(ask(elsewhere).allowed);
    Request night = request;
    night.time = at("2026-11-23T21:00:00+09:00");
    EXPECT_THAT(ask(night).reason, HasSubstr("only at Mon-Fri 08:00-20:00 Asia/Tokyo"));
    m_access.rules[2].when.hours = "nonsense";
    m_access.index();
    EXPECT_FALSE(ask(request).allowed);
}

TEST_F(DecideTest, ARuleMayWantASecurityKeyThatWasTouched) {
    m_access.rules[2].when.touch = true;
    m_access.index();
    Request request{.user = "alice", .target = "db1", .capability = Capability::Exec};
    const Decision untouched = ask(request);
    EXPECT_FALSE(untouched.allowed);
    EXPECT_THAT(untouched.reason, HasSubstr("who signs in with a security key and touches it"));
    request.touched = true;
    EXPECT_TRUE(ask(request).allowed);
    request.time = at("2026-11-23T21:00:00+09:00");
    EXPECT_THAT(ask(request).reason, HasSubstr("only at Mon-Fri 08:00-20:00 Asia/Tokyo"));
}

TEST_F(DecideTest, ForwardsOfTheGateway) {
    EXPECT_EQ(forward("partner", "", "ledger.internal", 443).rule, "ledger");
    EXPECT_TRUE(forward("partner", "", "LEDGER.internal.", 443).allowed);
    EXPECT_TRUE(forward("partner", "", "10.1.2.3", 5432).allowed);
    const Decision d = forward("partner", "", "ledger.internal", 22);
    EXPECT_EQ(d.reason,
        "no rule lets partner use local-forward to ledger.internal:22 (rule \"ledger\" permits other destinations only); "
        "ask your administrator for a rule that allows it");
    for (const char* host : {"::ffff:10.1.2.3", "0x0a010203", "10.1.515", "012.1.2.3", "10.1.2.3.", "167838211", ""}) {
        EXPECT_FALSE(forward("partner", "", host, 5432).allowed) << host;
    }
}

TEST_F(DecideTest, ForwardsOfTheGatewayAndOfATargetAreDifferentThings) {
    EXPECT_TRUE(forward("alice", "db1", "127.0.0.1", 5432).allowed);
    EXPECT_FALSE(forward("alice", "", "127.0.0.1", 5432).allowed);
    EXPECT_FALSE(forward("alice", "web1", "127.0.0.1", 5432).allowed);
    EXPECT_FALSE(forward("partner", "web1", "ledger.internal", 443).allowed);
    EXPECT_FALSE(ask({.user = "partner", .capability = Capability::Shell}).allowed);
}

TEST_F(DecideTest, AForwardRuleWithoutEntriesPermitsNothing) {
    EXPECT_FALSE(forward("alice", "", "ledger.internal", 443).allowed);
}

TEST_F(DecideTest, CommandsNarrowWhatExecRuns) {
    m_access.rules.push_back({.name = "git",
        .users = {"alice"},
        .targets = {"web1"},
        .logins = {"root"},
        .allow = {Capability::Exec, Capability::Shell},
        .commands = {"uptime", "git-upload-pack *"}});
    m_access.index();
    const auto runs = [&](std::optional<std::string> command) {
        return ask({.user = "alice",
            .target = "web1",
            .login = "root",
            .capability = Capability::Exec,
            .command = std::move(command)});
    };
    EXPECT_TRUE(runs("uptime").allowed);
    EXPECT_TRUE(runs("git-upload-pack 'a/b.git'").allowed);
    EXPECT_EQ(runs("uptime; rm -rf /").reason,
        "no rule lets alice use exec of \"uptime; rm -rf /\" as root on web1 (rule \"git\" permits other commands only: "
        "uptime, "
        "git-upload-pack *); ask your administrator for a rule that allows it");
    EXPECT_FALSE(runs("").allowed);
    EXPECT_FALSE(runs("subsystem uptime").allowed);
    // Is there anything that may be run?
    EXPECT_EQ(runs(std::nullopt).reason, "rule \"git\" lets it for these commands: uptime, git-upload-pack *");
    // Other capabilities of the rule are as they were.
    EXPECT_TRUE(ask({.user = "alice", .target = "web1", .login = "root", .capability = Capability::Shell}).allowed);
}

TEST_F(DecideTest, WithoutAnIndexTheAnswersAreTheSame) {
    model::Access plain;
    plain.users = m_access.users;
    plain.targets = m_access.targets;
    plain.rules = m_access.rules;
    m_access = plain;
    EXPECT_TRUE(ask({.user = "alice", .target = "web1", .login = "ubuntu", .capability = Capability::Shell}).allowed);
    EXPECT_FALSE(ask({.user = "partner", .target = "web1", .login = "ubuntu", .capability = Capability::Shell}).allowed);
}

TEST_F(DecideTest, ListeningNeedsARuleForThatPlace) {
    m_access.rules.push_back({.name = "listen",
        .users = {"alice"},
        .targets = {"db1"},
        .allow = {Capability::RemoteForward, Capability::SocketForward},
        .forward = {"localhost:8000-8100", "0.0.0.0:9000", "/run/app/*"}});
    m_access.index();
    const auto listens = [&](const char* host, std::uint16_t port) {
        return ask({.user = "alice",
            .target = "db1",
            .capability = Capability::RemoteForward,
            .forward_host = host,
            .forward_port = port});
    };
    EXPECT_TRUE(listens("localhost", 8080).allowed);
    EXPECT_FALSE(listens("localhost", 80).allowed);
    EXPECT_FALSE(listens("localhost", 0).allowed);
    EXPECT_FALSE(listens("", 8080).allowed);
    EXPECT_TRUE(listens("", 9000).allowed);
    EXPECT_TRUE(listens("*", 9000).allowed);
    EXPECT_TRUE(listens("0.0.0.0", 9000).allowed);
    EXPECT_FALSE(listens("127.0.0.1", 9000).allowed);
    EXPECT_THAT(listens("", 80).reason, HasSubstr("remote-forward from 0.0.0.0:80"));
    EXPECT_FALSE(forward("alice", "db1", "*", 9000).allowed) << "every address is a place to listen, and none to go to";

    const auto socket = [&](const char* path) {
        return ask({.user = "alice", .target = "db1", .capability = Capability::SocketForward, .forward_path = path});
    };
    EXPECT_TRUE(socket("/run/app/one.sock").allowed);
    EXPECT_FALSE(socket("/run/docker.sock").allowed);
    EXPECT_THAT(socket("/run/docker.sock").reason, HasSubstr("socket-forward of /run/docker.sock"));
    EXPECT_THAT(socket("/run/app/../docker.sock").reason, HasSubstr("is refused"));
    EXPECT_FALSE(socket("").allowed);
}

TEST_F(DecideTest, WhatNarrowsSftpNarrowsScp) {
    m_access.users.push_back({.name = "keeper"});
    m_access.rules = {{.name = "readers",
                          .users = {"keeper"},
                          .targets = {"*"},
                          .allow = {Capability::Sftp, Capability::Scp},
                          .sftp = {.read_only = true, .paths = {}}}};
    m_access.index();
    const auto scp = [&](bool writes) {
        return ask({.user = "keeper", .target = "db1", .capability = Capability::Scp, .scp_writes = writes});
    };
    const auto sftp = [&] { return ask({.user = "keeper", .target = "db1", .capability = Capability::Sftp}); };
    EXPECT_TRUE(sftp().sftp.read_only);
    EXPECT_EQ(sftp().reason, "rule \"readers\" lets it, for reading only");
    EXPECT_TRUE(scp(false).allowed);
    EXPECT_THAT(scp(true).reason, HasSubstr("rule \"readers\" narrows sftp and lets scp's own protocol only read"));
    m_access.rules[0].sftp.paths = {"/srv/**", "/etc/motd"};
    m_access.index();
    EXPECT_EQ(sftp().sftp, m_access.rules[0].sftp);
    EXPECT_EQ(sftp().reason, "rule \"readers\" lets it, for reading only, at these paths: /srv/**, /etc/motd");
    EXPECT_THAT(scp(false).reason, HasSubstr("lets scp's own protocol do nothing; without -O scp uses sftp"));
    m_access.rules.push_back({.name = "copiers", .users = {"keeper"}, .targets = {"*"}, .allow = {Capability::Scp}});
    m_access.index();
    EXPECT_EQ(scp(true).rule, "copiers") << "a rule that does not fit leaves it to the next one";
    EXPECT_EQ(sftp().rule, "readers");
}

TEST_F(DecideTest, TheGatewayListensWhereARuleWithoutTargetsSaysSo) {
    m_access.rules.push_back({.name = "listen",
        .users = {"alice"},
        .allow = {Capability::RemoteForward},
        .forward = {"localhost:*", "0.0.0.0:9000", "0.0.0.0:80", "192.0.2.0/24:8000-8100", "gw.example.com:8000"},
        .accept_from = {"198.51.100.0/24", "2001:db8::/32"}});
    m_access.index();
    const auto listens = [&](const char* host, std::uint16_t port, std::optional<std::string> from = std::nullopt) {
        return ask({.user = "alice",
            .capability = Capability::RemoteForward,
            .forward_host = host,
            .forward_port = port,
            .connects_from = std::move(from)});
    };
    EXPECT_TRUE(listens("localhost", 8080).allowed);
    EXPECT_TRUE(listens("localhost", 0).allowed);
    EXPECT_TRUE(listens("localhost", 1024).allowed);
    EXPECT_FALSE(listens("localhost", 1023).allowed) << "every port is none of the privileged ones";
    EXPECT_TRUE(listens("", 80).allowed) << "a privileged port that is named";
    EXPECT_TRUE(listens("*", 9000).allowed);
    EXPECT_FALSE(listens("::", 9000).allowed);
    EXPECT_FALSE(listens("127.0.0.1", 8080).allowed);
    EXPECT_TRUE(listens("192.0.2.7", 8100).allowed);
    EXPECT_FALSE(listens("192.0.2.7", 0).allowed);
    EXPECT_THAT(listens("gw.example.com", 8000).reason, HasSubstr("at addresses and at localhost only"));
    EXPECT_FALSE(ask({.user = "partner", .capability = Capability::RemoteForward, .forward_host = "localhost", .forward_port = 8080})
                     .allowed);

    EXPECT_TRUE(listens("localhost", 8080, "198.51.100.7").allowed);
    EXPECT_TRUE(listens("localhost", 8080, "::ffff:198.51.100.7").allowed) << "as a socket of both families has it";
    EXPECT_TRUE(listens("localhost", 8080, "2001:db8::7").allowed);
    EXPECT_THAT(listens("localhost", 8080, "198.51.101.7").reason,
        AllOf(HasSubstr("for a connection from 198.51.101.7"), HasSubstr("\"listen\" accepts connections from other networks only")));
    EXPECT_FALSE(listens("localhost", 8080, "127.0.0.1").allowed) << "a list names everybody";
    EXPECT_FALSE(listens("localhost", 8080, "").allowed);
    EXPECT_FALSE(listens("localhost", 8080, "nobody").allowed);
    m_access.rules.back().accept_from.clear();
    m_access.index();
    for (const char* own : {"127.0.0.1", "127.9.9.9", "::1"}) EXPECT_TRUE(listens("localhost", 8080, own).allowed) << own;
    for (const char* other : {"198.51.100.7", "0.0.0.0", "::", "169.254.1.1", "2001:db8::7", ""})
        EXPECT_FALSE(listens("localhost", 8080, other).allowed) << other;
}

}  // namespace
}  // namespace sekisho::policy
