// What every store does, run on each database that one can be opened on. A new database joins by a line in databases.h.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "databases.h"

namespace sekisho::store::test {
namespace {

using StoreContractTest = StoreTest;

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
        .forward = {"ledger:443"},
        .accept_from = {"192.0.2.0/24", "2001:db8::/32"}};
    full.sftp = {.read_only = true, .paths = {"/srv/data/**", "/etc/motd"}};
    full.limits = {.max_time = std::chrono::hours(8), .idle_time = std::chrono::minutes(30), .max_sessions = 2};
    full.record = model::RecordLevel::Metadata;
    full.on_failure = model::OnFailure::End;
    full.when = {.from = {"10.0.0.0/8"}, .hours = "Mon-Fri 08:00-20:00 UTC", .touch = true};
    full.index = model::Indexing{.commands = true};
    full.record_hidden_input = true;
    full.record_contents = *model::parse_contents("first 64 KiB");
    access.rules = {full, {.name = "a second", .users = {"*"}, .allow = {model::Capability::Exec}, .index = model::Indexing{}}};
    access.client_hosts = {{.name = "build1.example.net",
                               .addresses = {"192.0.2.7", "2001:db8::/32"},
                               .keys = {"ssh-ed25519 EEEE", "ssh-ed25519 FFFF"},
                               .users = {"@ops", "bob"},
                               .accounts = {{"jenkins", "bob"}, {"root", "alice"}}},
        {.name = "build2"}};
    access.routes = {
        {.name = "z inside", .hosts = {"*.example.net", "10.1.0.0/16"}, .via = {"socks5://10.0.0.1:1080", "u@web1"}},
        {.name = "a rest", .hosts = {"*"}}};
    return access;
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
    std::swap(changed.routes[0], changed.routes[1]);
    changed.routes[0].via = {"web1"};
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

TEST_P(StoreContractTest, ChangesUsersThatAreKeptElsewhereAndNoOthers) {
    RecordProperty("row", "B5");
    ASSERT_TRUE(m_store->replace_access(sample(), {}));
    const std::uint64_t version = m_store->access_version().value();
    const model::User carol{.name = "carol", .groups = {"ops"}, .keys = {"ssh-ed25519 CCCC c"}, .origin = "keys/carol.pub"};
    const model::User dave{.name = "dave", .keys = {"ssh-ed25519 DDDD d"}, .origin = "keys/dave.pub"};
    const auto changed = m_store->change_users({carol, dave}, {}, {{.kind = "access.changed", .subject = "user carol"}});
    ASSERT_TRUE(changed) << changed.error().full();
    EXPECT_GT(m_store->access_version().value(), version);
    EXPECT_EQ(*m_store->access()->user("carol"), carol);
    EXPECT_EQ(m_store->audit_records({.kind = "access.changed"})->size(), 1U);

    model::User other = carol;
    other.keys = {"ssh-ed25519 EEEE e"};
    ASSERT_TRUE(m_store->change_users({other}, {"dave", "nobody"}, {}));
    EXPECT_EQ(*m_store->access()->user("carol"), other);
    EXPECT_EQ(m_store->access()->user("dave"), nullptr);

    // Whoever was made here is left alone, and with them everything of that transaction.
    model::User bob = dave;
    bob.name = "bob";
    EXPECT_FALSE(m_store->change_users({dave, bob}, {}, {{.kind = "access.changed"}}));
    EXPECT_FALSE(m_store->change_users({dave}, {"alice"}, {{.kind = "access.changed"}}));
    EXPECT_EQ(m_store->access()->user("dave"), nullptr);
    EXPECT_EQ(*m_store->access()->user("alice"), sample().users[0]);
    EXPECT_EQ(m_store->audit_records({.kind = "access.changed"})->size(), 1U);

    // Keys and groups are what is kept there: what was set here otherwise stays, also what the planner has not seen yet.
    model::Access locked = m_store->access().value();
    const auto found = std::ranges::find(locked.users, "carol", &model::User::name);
    ASSERT_NE(found, locked.users.end());
    found->locked = true;
    found->email = "carol@example.com";
    found->expires = "2027-01-01T00:00:00Z";
    ASSERT_TRUE(m_store->replace_access(locked, {}));
    ASSERT_TRUE(m_store->change_users({carol}, {}, {}));
    model::User both = carol;
    both.locked = true;
    both.email = "carol@example.com";
    both.expires = "2027-01-01T00:00:00Z";
    EXPECT_EQ(*m_store->access()->user("carol"), both);
    expect_same(m_place.open()->access().value(), GetParam() == "memory" ? model::Access() : m_store->access().value());
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

TEST_P(StoreContractTest, CredentialsAreKeptWithTheirTargetAndGoWithIt) {
    using enum model::TargetAuth;
    const auto now = base::from_unix_milliseconds(1'800'000'000'123);
    const auto record = [](const char* kind) { return model::AuditRecord{.kind = kind, .subject = "target web1"}; };
    const model::TargetSecret key{"web1", "admin", Key, base::to_bytes("wrapped \xff"), "ssh-ed25519 AAAA", "uid 0", now};
    const model::TargetSecret password{"web1", "admin", Password, Bytes(21 * 1024, std::byte{7}), "", "uid 7", now};
    const model::TargetSecret other{"db1", "admin", Key, base::to_bytes("w"), "ssh-ed25519 BBBB", "uid 0", now};
    EXPECT_FALSE(m_store->set_target_secret(key, record("secret.set"))) << "there is no such target";
    EXPECT_TRUE(m_store->audit_records({})->empty());
    model::Access access = sample();
    access.targets.push_back({.name = "db1", .address = "10.0.0.7:22"});
    const model::Access first = access;
    ASSERT_TRUE(m_store->replace_access(first, {}));
    for (const auto& one : {key, password, other}) ASSERT_TRUE(m_store->set_target_secret(one, record("secret.set")));
    EXPECT_EQ(m_store->target_secrets("web1").value(), (std::vector{key, password}));
    EXPECT_EQ(m_store->target_secrets("").value(), (std::vector{other, key, password}));
    EXPECT_EQ(m_store->target_secret("web1", "admin", Password).value(), password);
    for (const auto& [target, login] : {std::pair("web1", "root"), std::pair("web", "admin"), std::pair("", "admin")})
        EXPECT_EQ(m_store->target_secret(target, login, Key).value(), std::nullopt) << target << " " << login;
    EXPECT_EQ(m_store->audit_records({.kind = "secret.set"})->size(), 3U);

    model::TargetSecret newer = key;
    newer.wrapped = base::to_bytes("other");
    ASSERT_TRUE(m_store->set_target_secret(newer, record("secret.set")));
    EXPECT_EQ(m_store->target_secrets("web1").value(), (std::vector{newer, password}));
    // What the target is otherwise changes, also where it is: its credentials stay.
    access.targets[0].address = "10.0.0.99:22";
    access.targets[0].labels["new"] = "label";
    ASSERT_TRUE(m_store->replace_access(access, {}));
    EXPECT_EQ(m_store->target_secrets("web1").value(), (std::vector{newer, password}));

    EXPECT_TRUE(m_store->remove_target_secret("web1", "admin", Password, record("secret.removed")).value());
    EXPECT_FALSE(m_store->remove_target_secret("web1", "admin", Password, record("secret.removed")).value());
    EXPECT_EQ(m_store->audit_records({.kind = "secret.removed"})->size(), 1U);
    std::erase_if(access.targets, [](const model::Target& target) { return target.name == "web1"; });
    ASSERT_TRUE(m_store->replace_access(access, {}));
    EXPECT_TRUE(m_store->target_secrets("web1")->empty());
    ASSERT_TRUE(m_store->replace_access(first, {}));
    EXPECT_EQ(m_store->target_secrets("").value(), std::vector{other}) << "a new target of that name begins without";
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

TEST_P(StoreContractTest, ReadsInTheOrderOfBytes) {
    model::Access access;
    for (const char* name : {"a-b", "a.b", "a0", "a_b", "aa", "ab", "b"}) {
        access.users.push_back({.name = name});
        access.targets.push_back({.name = name, .address = "10.0.0.1:22"});
    }
    ASSERT_TRUE(m_store->replace_access(access, {}));
    expect_same(m_store->access().value(), access);
}

TEST_P(StoreContractTest, FiltersAreExactAboutCase) {
    ASSERT_TRUE(m_store->session_started(session("a1", "alice", 1)));
    EXPECT_EQ(m_store->sessions({.target = "web1"})->size(), 1U);
    EXPECT_EQ(m_store->sessions({.target = "WEB1"})->size(), 0U);
    EXPECT_EQ(m_store->sessions({.user = "Alice"})->size(), 0U);
}

TEST_P(StoreContractTest, TheLongestKeysFit) {
    std::string line = "ssh-rsa ";
    for (int i = 0; line.size() < 16'000; ++i) line += fmt::format("{:x}", i * 7919);
    model::Access access = sample();
    access.users[0].keys = {line};
    access.targets[0].host_keys = {line};
    ASSERT_TRUE(m_store->replace_access(access, {}));
    expect_same(m_store->access().value(), access);
    ASSERT_TRUE(m_store->learn_host_key("web1", line));
    ASSERT_TRUE(m_store->learn_host_key("web1", line));
    EXPECT_EQ(m_store->learned_host_keys("web1").value(), std::vector{line});
}

/// What a change was before and after is evidence; what strangers say is not.
TEST_P(StoreContractTest, TheRecordOfAChangeIsWhole) {
    const std::string reason(300'000, 'k');
    ASSERT_TRUE(m_store->replace_access(sample(), {{.kind = "access.changed", .subject = "user alice", .reason = reason}}));
    EXPECT_EQ(m_store->audit_records({.kind = "access.changed"})->front().reason, reason);
    ASSERT_TRUE(m_store->audit({.kind = "auth.refused", .reason = reason}));
    EXPECT_TRUE(m_store->audit_records({.kind = "auth.refused"})->front().reason.ends_with("k…"));
}

/// The change and its records are one transaction: none of it when a part fails.
TEST_P(StoreContractTest, AChangeThatIsTakenBackLeavesNoRecord) {
    EXPECT_FALSE(m_store->together([&]() -> Result<void> {
        EXPECT_TRUE(m_store->replace_access(sample(), {{.kind = "access.changed", .subject = "user alice"}}));
        return fail("no");
    }));
    EXPECT_TRUE(m_store->access()->users.empty());
    EXPECT_TRUE(m_store->audit_records({})->empty());
}

TEST_P(StoreContractTest, ReadsWhatTheSameTransactionWrote) {
    ASSERT_TRUE(m_store->together([&]() -> Result<void> {
        if (auto replaced = m_store->replace_access(sample(), {}); !replaced) return replaced;
        expect_same(m_store->access().value(), sample());
        return m_store->replace_access({}, {});
    }));
    EXPECT_TRUE(m_store->access()->users.empty());
}

TEST_P(StoreContractTest, IsReachableAlsoAfterARefusal) {
    ASSERT_TRUE(m_store->session_started(session("a1", "alice", 1)));
    EXPECT_FALSE(m_store->session_started(session("a1", "alice", 1)));
    EXPECT_TRUE(m_store->reachable());
    EXPECT_TRUE(m_store->session_started(session("b2", "bob", 2)));
}

INSTANTIATE_TEST_SUITE_P(Databases, StoreContractTest, testing::ValuesIn(all_databases()), name_of);

TEST(StoreContract, RunsOnPostgreSql) {
    if (postgresql_url().empty())
        GTEST_SKIP() << "no PostgreSQL: SEKISHO_TEST_POSTGRESQL is not set. `./dev unit release store` starts one, if it is "
                        "installed";
    EXPECT_EQ(all_databases().size(), 3U);
}

}  // namespace
}  // namespace sekisho::store::test
