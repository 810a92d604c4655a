// The searchable index, on every database.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "databases.h"

namespace sekisho::store::test {
namespace {

class SearchContractTest : public StoreTest {
protected:
    static WallTime at(std::int64_t minute) { return base::from_unix_milliseconds(1'800'000'000'000 + minute * 60'000); }

    /// Three sessions of two users, what they ran and what they copied: each at its minute.
    void SetUp() override {
        StoreTest::SetUp();
        model::Session alice = session("s1", "alice", 1);
        alice.source = "192.0.2.7";
        alice.target = "ubuntu@web1";
        model::Session bob = session("s2", "bob", 2);
        bob.source = "2001:db8::5";
        bob.target = "root@db_1";
        bob.client = "SSH-2.0-PuTTY_Release";
        ASSERT_TRUE(m_store->session_started(alice));
        ASSERT_TRUE(m_store->session_started(bob));
        run("s1", 1, "ubuntu@web1", "sudo systemctl restart nginx");
        run("s1", 2, "ubuntu@web1", "ls -l /var/log/nginx");
        run("s2", 3, "root@db_1", "rm -rf /var/lib/MySQL");
        run("s2", 4, "root@db_1", "less 障害報告書.txt");
        run("s1", 5, "root@web10", "cat 100%_done");
        file("s1", 6, "ubuntu@web1", "write", "/srv/Nginx.conf", "", std::string(64, 'a'));
        file("s2", 7, "root@db_1", "rename", "/srv/data/old.csv", "/srv/data/new.csv", "");
        ASSERT_TRUE(m_store->record_commands(m_commands));
        ASSERT_TRUE(m_store->record_file_operations(m_files));
    }
    void run(const char* session, int minute, const char* target, const char* text) {
        m_commands.push_back({.session = session,
            .channel = 1,
            .time = at(minute),
            .text = text,
            .how = model::CommandHow::Typed,
            .target = target});
    }
    void file(const char* session, int minute, const char* target, const char* operation, const char* path,
        const char* other, const std::string& sha256) {
        m_files.push_back({.session = session,
            .channel = 2,
            .time = at(minute),
            .operation = operation,
            .path = path,
            .other_path = other,
            .bytes_read = 5,
            .bytes_written = 7,
            .sha256 = sha256,
            .result = "ok",
            .via = "sftp",
            .target = target});
    }
    /// The minutes of what is found.
    std::vector<std::int64_t> minutes(const ActivityFilter& filter) {
        const auto hits = m_store->search(filter);
        std::vector<std::int64_t> found;
        EXPECT_TRUE(hits) << hits.error().full();
        for (const ActivityHit& hit : hits.value_or(std::vector<ActivityHit>()))
            found.push_back((base::unix_milliseconds(hit.time()) - 1'800'000'000'000) / 60'000);
        return found;
    }
    using Minutes = std::vector<std::int64_t>;

    std::vector<model::CommandRun> m_commands;
    std::vector<model::FileOperation> m_files;
};

TEST_P(SearchContractTest, FindsWordsInCommandsAndPaths) {
    RecordProperty("row", "E6");
    EXPECT_EQ(minutes({.words = {"nginx"}}), (Minutes{6, 2, 1}));
    EXPECT_EQ(minutes({.words = {"NGINX", "restart"}}), (Minutes{1}));
    EXPECT_EQ(minutes({.words = {"restart nginx"}}), (Minutes{1}));
    EXPECT_EQ(minutes({.words = {"nginx restart"}}), Minutes{});
    EXPECT_EQ(minutes({.words = {"mysq"}}), (Minutes{3}));
    EXPECT_EQ(minutes({.words = {"rm"}}), (Minutes{3}));
    EXPECT_EQ(minutes({.words = {"ls"}}), (Minutes{2}));  // and not what ends with it
    EXPECT_EQ(minutes({.words = {"障害"}}), (Minutes{4}));
    EXPECT_EQ(minutes({.words = {"書"}}), (Minutes{4}));
    EXPECT_EQ(minutes({.words = {"100%_d"}}), (Minutes{5}));
    EXPECT_EQ(minutes({.words = {"100_"}}), Minutes{});
    EXPECT_EQ(minutes({.words = {"new.csv", "old"}}), (Minutes{7}));
    for (const char* odd : {"' OR 1=1 --", "\"nginx\" OR", "nginx*", ":v0", "?", "\xff\xff\xff"})
        EXPECT_EQ(minutes({.words = {odd}}), Minutes{}) << odd;
}

TEST_P(SearchContractTest, NarrowsToPeoplePlacesAndTimes) {
    EXPECT_EQ(minutes({}), (Minutes{7, 6, 5, 4, 3, 2, 1}));
    EXPECT_EQ(minutes({.user = "alice"}), (Minutes{6, 5, 2, 1}));
    EXPECT_EQ(minutes({.words = {"nginx"}, .user = "bob"}), Minutes{});
    EXPECT_EQ(minutes({.target = "web1"}), (Minutes{6, 2, 1}));
    EXPECT_EQ(minutes({.target = "db_1"}), (Minutes{7, 4, 3}));
    EXPECT_EQ(minutes({.target = "dbx1"}), Minutes{});
    EXPECT_EQ(minutes({.user = "alice", .login = "root"}), (Minutes{5}));
    EXPECT_EQ(minutes({.source = "2001:db8::5"}), (Minutes{7, 4, 3}));
    EXPECT_EQ(minutes({.since = at(3), .until = at(6)}), (Minutes{6, 5, 4, 3}));
    EXPECT_EQ(minutes({.words = {"nginx"}, .since = at(2), .until = at(3)}), (Minutes{2}));
    EXPECT_EQ(minutes({.since = at(1000)}), Minutes{});
    EXPECT_EQ(minutes({.until = at(-1000)}), Minutes{});
    EXPECT_EQ(minutes({.most = 2}), (Minutes{7, 6}));
    EXPECT_EQ(minutes({.command = "nginx"}), (Minutes{2, 1}));
    EXPECT_EQ(minutes({.path = "nginx"}), (Minutes{6}));
    EXPECT_EQ(minutes({.sha256 = std::string(64, 'A')}), (Minutes{6}));
    EXPECT_EQ(minutes({.command = "nginx", .path = "nginx"}), Minutes{});
}

TEST_P(SearchContractTest, AHitIsWholeAndSaysWhose) {
    const auto hits = m_store->search({.words = {"csv"}});
    ASSERT_EQ(hits->size(), 1U);
    EXPECT_EQ(hits->front().file, m_files.at(1));
    EXPECT_EQ(hits->front().user, "bob");
    EXPECT_EQ(hits->front().source, "2001:db8::5");
    const auto command = m_store->search({.command = "less"});
    ASSERT_EQ(command->size(), 1U);
    EXPECT_EQ(command->front().command, m_commands.at(3));
    EXPECT_EQ(command->front().audit_key, session("s2", "bob", 2).audit_key);
}

TEST_P(SearchContractTest, WhatTheNewestRowsDoNotFillComesFromTheOlder) {
    std::vector<model::CommandRun> many;
    for (int i = 0; i < 17'000; ++i)  // more than PostgreSQL looks at row by row
        many.push_back({.session = "s1", .time = at(100 + i), .text = i % 1700 == 0 ? "mark" : "w", .target = "x@web1"});
    ASSERT_TRUE(m_store->record_commands(many));
    Minutes marks;
    for (int i = 15'300; i >= 0; i -= 1700) marks.push_back(100 + i);
    EXPECT_EQ(minutes({.words = {"mark"}}), marks);
    EXPECT_EQ(minutes({.words = {"mark"}, .most = 9}), Minutes(marks.begin(), marks.begin() + 9));
    EXPECT_EQ(minutes({.words = {"mark"}, .until = at(101)}), (Minutes{100}));
    EXPECT_EQ(minutes({.words = {"mark"}, .since = at(100), .until = at(15'400)}), marks);
    EXPECT_EQ(minutes({.words = {"nginx"}}), (Minutes{6, 2, 1}));
    EXPECT_EQ(minutes({.most = 1}), (Minutes{17'099}));
}

TEST_P(SearchContractTest, TimesNeedNotComeInOrder) {
    std::vector<model::CommandRun> late;
    for (int i = 0; i < 3000; ++i)
        late.push_back({.session = "s1", .time = at(100 + i % 7), .text = fmt::format("seq {}", i), .target = "x@web1"});
    late[10].time = at(-5000);
    late[2990].time = at(50000);
    ASSERT_TRUE(m_store->record_commands(late));
    EXPECT_EQ(minutes({.until = at(0)}), (Minutes{-5000}));
    EXPECT_EQ(minutes({.since = at(40000)}), (Minutes{50000}));
    EXPECT_EQ(minutes({.words = {"seq 2990"}}), (Minutes{50000}));
    EXPECT_EQ(minutes({.until = at(3)}), (Minutes{3, 2, 1, -5000}));
}

TEST_P(SearchContractTest, SessionsAreFoundByWhatIsKnownOfThem) {
    const auto ids = [&](const SessionFilter& filter) {
        std::vector<std::string> found;
        const auto sessions = m_store->sessions(filter);
        for (const model::Session& one : *sessions) found.push_back(one.id);
        return found;
    };
    using Ids = std::vector<std::string>;
    EXPECT_EQ(ids({.words = {"putty"}}), (Ids{"s2"}));
    EXPECT_EQ(ids({.words = {"ALICE", "web"}}), (Ids{"s1"}));
    EXPECT_EQ(ids({.words = {"alice", "db"}}), Ids{});
    EXPECT_EQ(ids({.login = "root"}), (Ids{"s2"}));
    EXPECT_EQ(ids({.source = "192.0.2.7"}), (Ids{"s1"}));
    const WallTime started = m_store->session("s2")->value().started;
    EXPECT_EQ(ids({.since = started}), (Ids{"s2"}));
    EXPECT_EQ(ids({.until = started - std::chrono::milliseconds(1)}), (Ids{"s1"}));
}

TEST_P(SearchContractTest, ActivityIsTakenWhateverItsTexts) {
    ASSERT_TRUE(m_store->session_started(session("s9", "alice", 9)));
    std::vector<model::CommandRun> commands(3000);
    for (std::size_t i = 0; i < commands.size(); ++i) {
        const WallTime time = base::from_unix_milliseconds(static_cast<std::int64_t>(i));
        commands[i] = {.session = "s9", .channel = 4000000000U, .time = time, .text = fmt::format("echo {}", i)};
    }
    commands[1].text = std::string("a\0b\xff ", 5) + std::string(1U << 20, 'x');
    commands[2].text = "tail -f /var/log/日本語.log";
    commands[3].session = "never stored";
    const auto recorded = m_store->record_commands(commands);
    ASSERT_TRUE(recorded) << recorded.error().full();
    const model::FileOperation wrote{.session = "s9",
        .time = base::from_unix_milliseconds(1),
        .operation = "write",
        .path = "/srv/a\xff",
        .other_path = "/srv/b",
        .bytes_written = std::uint64_t{1} << 62U,
        .sha256 = std::string(64, 'a'),
        .via = "sftp"};
    EXPECT_TRUE(m_store->record_file_operations(std::vector{wrote, wrote}));
    EXPECT_TRUE(m_store->record_commands({}));
    EXPECT_FALSE(m_store->together([&]() -> Result<void> {
        if (auto done = m_store->record_commands(std::vector{commands[0]}); !done) return done;
        return fail("no");
    }));
    EXPECT_TRUE(m_store->record_commands(std::vector{commands[0]}));
}

INSTANTIATE_TEST_SUITE_P(Databases, SearchContractTest, testing::ValuesIn(all_databases()), name_of);

}  // namespace
}  // namespace sekisho::store::test
