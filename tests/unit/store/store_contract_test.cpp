// What every store does, run on each database that one can be opened on. A new database joins by one line in kDatabases.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "store/store.h"

namespace sekisho::store {
namespace {

class StoreContractTest : public testing::TestWithParam<std::string> {
protected:
    StoreContractTest() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-store-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
        m_store = open();
    }
    ~StoreContractTest() override {
        m_store.reset();
        std::filesystem::remove_all(m_folder);
    }

    std::unique_ptr<Store> open() {
        auto store = open_store(GetParam(), m_folder);
        EXPECT_TRUE(store) << store.error().full();
        return store ? std::move(*store) : nullptr;
    }

    std::string m_folder;
    std::unique_ptr<Store> m_store;
};

model::Access sample() {
    model::Access access;
    access.users = {{.name = "alice",
                        .email = "alice@example.com",
                        .groups = {"ops", "dev"},
                        .keys = {"ssh-ed25519 AAAA a", "ssh-ed25519 BBBB b"},
                        .locked = true,
                        .expires = "2027-01-01T00:00:00Z"},
        {.name = "bob"}};
    access.targets = {{.name = "web1",
        .address = "10.0.0.5:22",
        .logins = {"ubuntu", "root"},
        .auth = model::TargetAuth::Agent,
        .host_keys = {"ssh-ed25519 CCCC"},
        .host_ca = {"ssh-ed25519 DDDD"},
        .trust_first_use = true,
        .route = {"first", "second"},
        .labels = {{"env", "prod"}, {"zone", "関東"}},
        .set_env = {{"PATH", "/bin"}},
        .legacy = true}};
    model::Rule full{.name = "z first",
        .users = {"@ops", "bob"},
        .targets = {"web*", "env=prod"},
        .logins = {"ubuntu"},
        .allow = {model::Capability::Exec, model::Capability::LocalForward},
        .commands = {"uptime", "echo *"},
        .forward = {"ledger:443"}};
    full.limits = {.max_time = std::chrono::hours(8), .idle_time = std::chrono::minutes(30), .max_sessions = 2};
    full.record = model::RecordLevel::Metadata;
    full.on_failure = model::OnFailure::End;
    full.when = {.from = {"10.0.0.0/8"}, .hours = "Mon-Fri 08:00-20:00 UTC"};
    access.rules = {full, {.name = "a second", .users = {"*"}, .allow = {model::Capability::Exec}}};
    access.client_hosts = {{.name = "build1.example.net",
                               .addresses = {"192.0.2.7", "2001:db8::/32"},
                               .keys = {"ssh-ed25519 EEEE", "ssh-ed25519 FFFF"},
                               .users = {"@ops", "bob"},
                               .accounts = {{"jenkins", "bob"}, {"root", "alice"}}},
        {.name = "build2"}};
    return access;
}

void expect_same(const model::Access& a, const model::Access& b) {
    EXPECT_EQ(a.users, b.users);
    EXPECT_EQ(a.targets, b.targets);
    EXPECT_EQ(a.rules, b.rules);
    EXPECT_EQ(a.client_hosts, b.client_hosts);
}

TEST_P(StoreContractTest, BeginsEmpty) {
    const auto access = m_store->access();
    ASSERT_TRUE(access) << access.error().full();
    EXPECT_TRUE(access->users.empty());
    EXPECT_GT(access->version, 0U);
    EXPECT_EQ(m_store->access_version().value(), access->version);
}

TEST_P(StoreContractTest, KeepsAccessAsItWas) {
    const std::uint64_t version = m_store->access_version().value();
    const auto replaced = m_store->replace_access(sample(), {{.kind = "access.changed", .subject = "user alice"}});
    ASSERT_TRUE(replaced) << replaced.error().full();
    expect_same(m_store->access().value(), sample());
    EXPECT_GT(m_store->access_version().value(), version);
    const auto records = m_store->audit_records({.kind = "access.changed"});
    ASSERT_EQ(records->size(), 1U);
    EXPECT_EQ(records->front().subject, "user alice");

    model::Access changed = sample();
    changed.users[0].keys = {"ssh-ed25519 BBBB b"};
    changed.users[0].locked = false;
    changed.users.pop_back();
    changed.targets[0].labels.erase("env");
    std::swap(changed.rules[0], changed.rules[1]);
    changed.client_hosts[0].accounts.erase("root");
    changed.client_hosts.pop_back();
    ASSERT_TRUE(m_store->replace_access(changed, {}));
    expect_same(m_store->access().value(), changed);
}

TEST_P(StoreContractTest, RefusesAChangeThatDidNotSeeTheLastOne) {
    model::Access mine = m_store->access().value();
    ASSERT_TRUE(m_store->replace_access(sample(), {}));
    mine.users = {{.name = "mallory"}};
    EXPECT_FALSE(m_store->replace_access(mine, {{.kind = "access.changed"}}));
    expect_same(m_store->access().value(), sample());
    EXPECT_TRUE(m_store->audit_records({})->empty());
}

TEST_P(StoreContractTest, RefusesTwoOfTheSameName) {
    ASSERT_TRUE(m_store->replace_access(sample(), {}));
    model::Access twice = sample();
    twice.users.push_back({.name = "carol"});
    twice.users.push_back({.name = "carol"});
    EXPECT_FALSE(m_store->replace_access(twice, {}));
    expect_same(m_store->access().value(), sample());
}

model::Session session(const std::string& id, const std::string& user, int second) {
    return {.id = id,
        .audit_key = fmt::format("2026-11-22_05-16-0{}_{}", second, user),
        .user = user,
        .source = "192.0.2.1",
        .source_port = 51000,
        .key_fingerprint = "SHA256:x",
        .client = "SSH-2.0-OpenSSH_9.2",
        .target = "ubuntu@web1",
        .started = base::from_unix_milliseconds(1795324560000 + 1000 * second)};
}

TEST_P(StoreContractTest, SessionsFromStartToFinish) {
    model::Session first = session("a1", "alice", 1);
    ASSERT_TRUE(m_store->session_started(first));
    ASSERT_TRUE(m_store->session_started(session("b2", "bob", 2)));
    EXPECT_FALSE(m_store->session("a1")->value().finished);
    first.finished = base::from_unix_milliseconds(1795324570123);
    first.result = "finished";
    first.bytes_in = 5'000'000'000;
    first.bytes_out = 7;
    ASSERT_TRUE(m_store->session_finished(first));

    const auto read = m_store->session("2026-11-22_05-16-01_alice");
    ASSERT_TRUE(read && *read);
    EXPECT_EQ((*read)->id, "a1");
    EXPECT_EQ((*read)->finished, first.finished);
    EXPECT_EQ((*read)->bytes_in, 5'000'000'000U);
    EXPECT_EQ((*read)->source_port, 51000);
    EXPECT_EQ((*read)->client, "SSH-2.0-OpenSSH_9.2");

    const auto ids = [&](const SessionFilter& filter) {
        std::string text;
        const auto found = m_store->sessions(filter);
        for (const model::Session& s : *found) text += s.id + " ";
        return text;
    };
    EXPECT_EQ(ids({}), "b2 a1 ");
    EXPECT_EQ(ids({.user = "alice"}), "a1 ");
    EXPECT_EQ(ids({.target = "web1"}), "b2 a1 ");
    EXPECT_EQ(ids({.target = "ubuntu@web1"}), "b2 a1 ");
    EXPECT_EQ(ids({.target = "eb1"}), "");
    EXPECT_EQ(ids({.target = "%"}), "");
    EXPECT_EQ(ids({.user = "alice' OR '1'='1"}), "");
    EXPECT_EQ(ids({.live_only = true}), "b2 ");
    EXPECT_EQ(ids({.most = 1}), "b2 ");
    EXPECT_FALSE(m_store->session("none")->has_value());
    EXPECT_FALSE(m_store->session("")->has_value());
}

TEST_P(StoreContractTest, AFinishWithoutItsStartIsKept) {
    ASSERT_TRUE(m_store->session_finished(session("c3", "carol", 3)));
    EXPECT_TRUE(m_store->session("c3")->has_value());
    EXPECT_FALSE(m_store->session_started(session("c3", "carol", 3)));
}

TEST_P(StoreContractTest, DanglingSessionsAreCut) {
    ASSERT_TRUE(m_store->session_started(session("a1", "alice", 1)));
    const WallTime now = base::from_unix_milliseconds(1795324999000);
    const auto cut = m_store->close_dangling_sessions(now);
    ASSERT_EQ(cut->size(), 1U);
    EXPECT_EQ(cut->front().result, "cut");
    EXPECT_EQ(m_store->session("a1")->value().finished, now);
    EXPECT_TRUE(m_store->close_dangling_sessions(now)->empty());
}

TEST_P(StoreContractTest, AuditRecordsAreNumberedAndFiltered) {
    ASSERT_TRUE(m_store->audit({.time = base::from_unix_milliseconds(1), .kind = "a", .session = "s1", .reason = "one"}));
    ASSERT_TRUE(m_store->audit({.kind = "b", .session = "s1"}));
    ASSERT_TRUE(m_store->audit({.kind = "a", .session = "s2"}));
    const auto all = m_store->audit_records({});
    ASSERT_EQ(all->size(), 3U);
    EXPECT_LT((*all)[0].sequence, (*all)[1].sequence);
    EXPECT_EQ((*all)[0].time, base::from_unix_milliseconds(1));
    EXPECT_EQ((*all)[0].reason, "one");
    EXPECT_EQ(m_store->audit_records({.kind = "a"})->size(), 2U);
    EXPECT_EQ(m_store->audit_records({.kind = "a", .session = "s2"})->size(), 1U);
    EXPECT_EQ(m_store->audit_records({.after = (*all)[1].sequence})->size(), 1U);
    EXPECT_EQ(m_store->audit_records({.most = 2})->size(), 2U);
}

TEST_P(StoreContractTest, TextFromPeersIsMadeFitToStore) {
    const std::string hostile("SSH-2.0-\xff\xc0\x80 \0 x", 15);
    ASSERT_TRUE(m_store->audit({.kind = "auth.refused", .reason = hostile}));
    ASSERT_TRUE(m_store->audit({.kind = "auth.refused", .reason = std::string(100'000, 'x')}));
    const auto records = m_store->audit_records({});
    EXPECT_EQ((*records)[0].reason, "SSH-2.0-\ufffd\ufffd\ufffd \ufffd x");
    EXPECT_LT((*records)[1].reason.size(), 10'000U);
}

TEST_P(StoreContractTest, HostKeysAreLearnedOnceAndForgottenWithTheAddress) {
    ASSERT_TRUE(m_store->replace_access(sample(), {}));
    ASSERT_TRUE(m_store->learn_host_key("web1", "ssh-ed25519 AAAA"));
    ASSERT_TRUE(m_store->learn_host_key("web1", "ssh-ed25519 AAAA"));
    ASSERT_TRUE(m_store->learn_host_key("web1", "ssh-rsa BBBB"));
    ASSERT_TRUE(m_store->learn_host_key("db1", "ssh-rsa BBBB"));
    EXPECT_EQ(m_store->learned_host_keys("web1").value(), (std::vector<std::string>{"ssh-ed25519 AAAA", "ssh-rsa BBBB"}));
    model::Access other = sample();
    other.targets[0].logins = {"admin"};
    ASSERT_TRUE(m_store->replace_access(other, {}));
    EXPECT_EQ(m_store->learned_host_keys("web1")->size(), 2U);
    other.targets[0].address = "10.0.0.99:22";
    ASSERT_TRUE(m_store->replace_access(other, {}));
    EXPECT_TRUE(m_store->learned_host_keys("web1")->empty());
    EXPECT_EQ(m_store->learned_host_keys("db1")->size(), 1U);
}

TEST_P(StoreContractTest, TogetherIsAllOrNothing) {
    EXPECT_TRUE(m_store->together([&]() -> Result<void> {
        EXPECT_TRUE(m_store->audit({.kind = "kept"}));
        return m_store->session_started(session("a1", "alice", 1));
    }));
    EXPECT_FALSE(m_store->together([&]() -> Result<void> {
        EXPECT_TRUE(m_store->audit({.kind = "gone"}));
        return fail("no");
    }));
    // A failure that the work swallows dooms it all the same.
    EXPECT_FALSE(m_store->together([&]() -> Result<void> {
        EXPECT_TRUE(m_store->audit({.kind = "gone"}));
        EXPECT_FALSE(m_store->session_started(session("a1", "alice", 1)));
        return {};
    }));
    EXPECT_TRUE(m_store->audit({.kind = "after"}));
    EXPECT_EQ(m_store->audit_records({})->size(), 2U);
}

/// Databases that outlive the connection.
class LastingStoreTest : public StoreContractTest {};

TEST_P(LastingStoreTest, ReopensWithEverythingThatWasThere) {
    ASSERT_TRUE(m_store->replace_access(sample(), {}));
    ASSERT_TRUE(m_store->session_started(session("a1", "alice", 1)));
    m_store = open();
    expect_same(m_store->access().value(), sample());
    EXPECT_TRUE(m_store->session("a1")->has_value());
}

TEST_P(LastingStoreTest, TwoConnectionsSeeEachOther) {
    auto other = open();
    ASSERT_TRUE(m_store->replace_access(sample(), {}));
    EXPECT_EQ(other->access_version().value(), m_store->access_version().value());
    ASSERT_TRUE(other->audit({.kind = "x"}));
    EXPECT_EQ(m_store->audit_records({})->size(), 1U);
}

model::Access generation(int number) {
    model::Access access;
    for (int i = 0; i < 300; ++i) {
        access.users.push_back(
            {.name = fmt::format("u{}", 1000 + i), .email = std::to_string(number), .keys = {"k1", "k2"}});
        access.rules.push_back({.name = fmt::format("r{}", i), .users = {fmt::format("u{}", number)}});
    }
    return access;
}

TEST_P(LastingStoreTest, KillInTheMiddleOfAChangeLeavesTheOldOrTheNewState) {
    ASSERT_TRUE(m_store->replace_access(generation(0), {}));
    m_store.reset();
    for (int round = 0; round < 20; ++round) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            auto store = open_store(GetParam(), m_folder);
            char byte = 'x';
            if (!store || ::write(ready[1], &byte, 1) != 1) ::_exit(1);
            for (int i = 1;; ++i) {
                if (!(*store)->replace_access(generation(i), {{.kind = "access.changed", .subject = std::to_string(i)}}))
                    ::_exit(1);
            }
        }
        char byte = 0;
        ASSERT_EQ(::read(ready[0], &byte, 1), 1);
        ::usleep(static_cast<useconds_t>(3000 + 1700 * round));  // the moment of the kill is the input of this test
        ASSERT_EQ(::kill(child, SIGKILL), 0);
        int status = 0;
        ::waitpid(child, &status, 0);
        ::close(ready[0]);
        ::close(ready[1]);
        ASSERT_TRUE(WIFSIGNALED(status));

        auto store = open();
        const auto access = store->access();
        ASSERT_TRUE(access) << access.error().full();
        ASSERT_EQ(access->users.size(), 300U);
        const int number = std::stoi(access->users[0].email);
        expect_same(*access, generation(number));
        // Its audit record came with it.
        const auto records = store->audit_records({.kind = "access.changed", .most = 100'000});
        if (number > 0) {
            EXPECT_EQ(records->back().subject, std::to_string(number));
        }
    }
}

const auto kDatabases = testing::Values(std::string(":memory:"), std::string("sqlite:store.db"));
INSTANTIATE_TEST_SUITE_P(Databases, StoreContractTest, kDatabases);
INSTANTIATE_TEST_SUITE_P(Databases, LastingStoreTest, testing::Values(std::string("sqlite:store.db")));

class SqliteFileTest : public testing::Test {
protected:
    SqliteFileTest() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-store-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
    }
    ~SqliteFileTest() override { std::filesystem::remove_all(m_folder); }
    std::string m_folder;
};

TEST_F(SqliteFileTest, NobodyElseReadsIt) {
    const mode_t before = ::umask(0);
    auto store = open_store("sqlite:with space.db", m_folder);
    ASSERT_TRUE(store) << store.error().full();
    ASSERT_TRUE((*store)->audit({.kind = "x"}));
    ::umask(before);
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(m_folder)) {
        struct stat facts{};
        ASSERT_EQ(::stat(file.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 0777, 0600U) << file.path();
        ++files;
    }
    EXPECT_EQ(files, 3);  // the database, its write-ahead log and its index
}

TEST_F(SqliteFileTest, WhatCannotBeOpenedSaysWhy) {
    EXPECT_FALSE(open_store("sqlite:no/such/folder.db", m_folder));
    EXPECT_FALSE(open_store("mysql://x", m_folder));
    EXPECT_FALSE(open_store("sqlite:", m_folder));
    std::ofstream(m_folder + "/text.db") << std::string(5000, 'x');
    const auto store = open_store("sqlite:text.db", m_folder);
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().full().find("not a database"), std::string::npos) << store.error().full();
}

}  // namespace
}  // namespace sekisho::store
