#include "model/access.h"

#include <gtest/gtest.h>

#include "model/difference.h"

namespace sekisho::model {
namespace {

Access sample() {
    Access access;
    access.users = {{.name = "alice", .groups = {"ops"}}, {.name = "bob"}};
    access.targets = {{.name = "web1", .address = "10.0.0.5:22", .logins = {"ubuntu"}}};
    access.rules = {{.name = "all", .users = {"*"}}, {.name = "bob only", .users = {"bob"}},
        {.name = "ops", .users = {"@ops", "alice"}}};
    access.index();
    return access;
}

TEST(AccessTest, WordsAreReadBackAsWritten) {
    for (const char* word : {"shell", "exec", "sftp", "scp", "local-forward", "remote-forward", "udp-forward",
             "socket-forward", "agent", "x11", "vpn"}) {
        ASSERT_TRUE(parse_capability(word)) << word;
        EXPECT_EQ(name(*parse_capability(word)), word);
    }
    EXPECT_FALSE(parse_capability("Shell"));
    EXPECT_EQ(name(*parse_record_level("metadata")), "metadata");
    EXPECT_EQ(name(*parse_on_failure("alarm")), "alarm");
    EXPECT_EQ(name(*parse_target_auth("passthrough")), "passthrough");
}

TEST(AccessTest, RulesForAUserComeOnceAndInOrder) {
    const Access access = sample();
    EXPECT_EQ(access.rules_for(*access.user("alice")), (std::vector<std::uint32_t>{0, 2}));
    EXPECT_EQ(access.rules_for(*access.user("bob")), (std::vector<std::uint32_t>{0, 1}));
}

TEST(AccessTest, AStaleIndexGivesNoWrongAnswer) {
    Access access = sample();
    access.users.erase(access.users.begin());
    EXPECT_EQ(access.user("alice"), nullptr);
    ASSERT_NE(access.user("bob"), nullptr);
    EXPECT_EQ(access.user("bob")->name, "bob");
    EXPECT_EQ(access.user("carol"), nullptr);
}

TEST(DifferenceTest, AddedChangedRemoved) {
    const Access before = sample();
    Access after = sample();
    after.users[0].locked = true;
    after.users.pop_back();
    after.targets.push_back({.name = "web2", .address = "10.0.0.6:22"});
    const Difference d = difference(before, after);
    ASSERT_EQ(d.objects.size(), 3U);
    EXPECT_EQ(d.objects[0].change, Change::Changed);
    EXPECT_EQ(d.objects[0].fields, (std::vector<FieldChange>{{"locked", "", "true"}}));
    EXPECT_EQ(d.objects[1].change, Change::Removed);
    EXPECT_EQ(d.objects[1].name, "bob");
    EXPECT_EQ(d.objects[2].kind, "target");
    EXPECT_TRUE(difference(before, before).empty());
}

TEST(DifferenceTest, OrderOfRulesCounts) {
    const Access before = sample();
    Access after = before;
    std::swap(after.rules[0], after.rules[1]);
    EXPECT_TRUE(difference(before, after).rules_reordered);
    Access fewer = before;
    fewer.rules.erase(fewer.rules.begin());
    EXPECT_FALSE(difference(before, fewer).rules_reordered);
}

TEST(MergeTest, WhatOnlyTheStoreHasStaysUnlessPruned) {
    const Access stored = sample();
    Access files;
    files.users = {{.name = "carol"}, {.name = "alice", .email = "a@example.com"}};
    files.rules = {{.name = "bob only", .users = {"carol"}}};
    const Access kept = merge(stored, files, false);
    ASSERT_EQ(kept.users.size(), 3U);
    EXPECT_EQ(kept.user("alice")->email, "a@example.com");
    EXPECT_TRUE(kept.user("alice")->groups.empty());
    ASSERT_EQ(kept.rules.size(), 3U);
    EXPECT_EQ(kept.rules[0].name, "bob only");
    EXPECT_EQ(kept.targets.size(), 1U);
    const Access pruned = merge(stored, files, true);
    EXPECT_EQ(pruned.users.size(), 2U);
    EXPECT_TRUE(pruned.targets.empty());
    EXPECT_EQ(pruned.rules.size(), 1U);
}

TEST(MergeTest, UsersThatAreKeptElsewhereStayAndAreNotTaken) {
    Access stored, files;
    stored.users = {{.name = "alice"}, {.name = "bucket", .origin = "keys/bucket.pub"}};
    files.users = {{.name = "carol"}};
    const Access pruned = merge(stored, files, true);
    ASSERT_EQ(pruned.users.size(), 2U);
    EXPECT_EQ(pruned.users[0], stored.users[1]);
    EXPECT_TRUE(kept_elsewhere(stored, files).empty());
    files.users.push_back({.name = "bucket"});
    ASSERT_EQ(kept_elsewhere(stored, files).size(), 1U);
    EXPECT_NE(kept_elsewhere(stored, files)[0].find("keys/bucket.pub"), std::string::npos);
}

TEST(DanglingTest, NamesWhatLeadsNowhere) {
    Access access = sample();
    EXPECT_TRUE(dangling_references(access).empty());
    access.rules = {{.name = "r", .users = {"alcie", "@dev"}, .targets = {"db*", "env=prod", "web?"}}};
    access.targets[0].route = {"relay", "socks5://127.0.0.1:1080"};
    access.index();
    EXPECT_EQ(dangling_references(access).size(), 5U);
}

TEST(DifferenceTest, RoutesAreComparedMergedAndChecked) {
    Access before;
    before.routes = {{.name = "old", .hosts = {"*"}}, {.name = "b", .hosts = {"b.example"}, .via = {"relay"}}};
    Access files;
    files.routes = {{.name = "b", .hosts = {"*.example"}, .via = {"relay"}}, {.name = "a", .hosts = {"10.0.0.0/8"}}};
    const Access after = merge(before, files, false);
    ASSERT_EQ(after.routes.size(), 3U);
    EXPECT_EQ(after.routes[0].name, "b");
    EXPECT_EQ(after.routes[2].name, "old");
    const Difference d = difference(before, after);
    ASSERT_EQ(d.objects.size(), 2U);
    EXPECT_EQ(d.objects[0].kind, "route");
    EXPECT_EQ(d.objects[0].fields, (std::vector<FieldChange>{{"hosts", "b.example", "*.example"}}));
    EXPECT_TRUE(d.routes_reordered);
    EXPECT_FALSE(d.rules_reordered);
    EXPECT_EQ(dangling_references(after), (std::vector<std::string>{"route \"b\": route hop relay is no target"}));
    EXPECT_TRUE(merge(after, Access(), true).routes.empty());
}

TEST(DoubtsTest, WhatStandsBesideANarrowedSftp) {
    Access access = sample();
    const auto doubts_of = [&](std::vector<Capability> allow, SftpLimits limits, std::vector<std::string> commands = {}) {
        access.rules = {{.name = "r",
            .users = {"*"},
            .targets = {"*"},
            .allow = std::move(allow),
            .commands = std::move(commands),
            .sftp = std::move(limits)}};
        access.index();
        return doubts(access);
    };
    using enum Capability;
    EXPECT_TRUE(doubts_of({Shell, Exec, Sftp, Scp}, {}).empty());
    EXPECT_TRUE(doubts_of({Sftp, Scp}, {.read_only = true}).empty());
    EXPECT_TRUE(doubts_of({Sftp, Exec}, {.read_only = true}, {"uptime"}).empty());
    EXPECT_EQ(doubts_of({Sftp, Exec}, {.read_only = true}),
        std::vector<std::string>{"rule \"r\" narrows sftp, but exec without commands reaches every file that the login may reach"});
    EXPECT_EQ(doubts_of({Sftp, Shell, Scp}, {.paths = {"/srv/**"}}).size(), 2U);
}

TEST(DifferenceTest, ClientHostsAreComparedMergedAndChecked) {
    Access before;
    before.users = {{.name = "alice", .groups = {"ops"}}};
    before.client_hosts = {{.name = "b", .keys = {"k"}, .users = {"alice"}}};
    Access files;
    files.client_hosts = {
        {.name = "b", .keys = {"k"}, .users = {"@ops", "@dev"}, .accounts = {{"x", "bob"}}}, {.name = "a", .users = {"*"}}};
    const Access after = merge(before, files, false);
    ASSERT_EQ(after.client_hosts.size(), 2U);
    EXPECT_EQ(after.client_hosts[0].name, "a");
    const Difference d = difference(before, after);
    ASSERT_EQ(d.objects.size(), 2U);
    EXPECT_EQ(d.objects[0].kind, "client_host");
    EXPECT_EQ(d.objects[1].name, "b");
    EXPECT_EQ(d.objects[1].fields[0], (FieldChange{"users", "alice", "@ops, @dev"}));
    EXPECT_EQ(d.objects[1].fields[1], (FieldChange{"accounts", "", "x=bob"}));
    EXPECT_EQ(dangling_references(after), (std::vector<std::string>{"client_host \"b\": nobody is in group dev",
                                              "client_host \"b\": account x is no user's: no user is called bob"}));
    EXPECT_TRUE(merge(after, Access(), true).client_hosts.empty());
    EXPECT_EQ(merge(after, Access(), false).client_hosts, after.client_hosts);
}

}  // namespace
}  // namespace sekisho::model
