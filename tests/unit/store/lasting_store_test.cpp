// What several processes on one database may rely on, and what is left of one that was killed.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "databases.h"

namespace sekisho::store::test {
namespace {

using LastingStoreTest = StoreTest;

TEST_P(LastingStoreTest, ReopensWithEverythingThatWasThere) {
    ASSERT_TRUE(m_store->replace_access(generation(1), {}));
    ASSERT_TRUE(m_store->session_started(session("a1", "alice", 1)));
    m_store = m_place.open();
    expect_same(m_store->access().value(), generation(1));
    EXPECT_TRUE(m_store->session("a1")->has_value());
}

TEST_P(LastingStoreTest, TwoConnectionsSeeEachOther) {
    auto other = m_place.open();
    ASSERT_TRUE(m_store->replace_access(generation(1), {}));
    EXPECT_EQ(other->access_version().value(), m_store->access_version().value());
    ASSERT_TRUE(other->audit({.kind = "x"}));
    EXPECT_EQ(m_store->audit_records({})->size(), 1U);
}

TEST_P(LastingStoreTest, OfTwoChangesAtOnceOneIsRefused) {
    auto other = m_place.open();
    for (int round = 1; round <= 10; ++round) {
        model::Access mine = generation(round, 5);
        model::Access theirs = generation(1000 + round, 5);
        mine.version = theirs.version = m_store->access_version().value();
        std::atomic<int> ready = 0;
        Result<void> second;
        const auto change = [&](Store& store, const model::Access& access) {
            ++ready;
            while (ready < 2) std::this_thread::yield();
            return store.replace_access(access, {{.kind = "access.changed", .subject = access.users[0].email}});
        };
        std::thread thread([&] { second = change(*other, theirs); });
        const auto first = change(*m_store, mine);
        thread.join();
        ASSERT_NE(first.has_value(), second.has_value()) << (first ? second : first).error().full();
        EXPECT_NE((first ? second : first).error().text.find("somebody else"), std::string::npos);
        const auto now = m_store->access();
        expect_same(*now, first ? mine : theirs);
        const auto records = m_store->audit_records({});
        ASSERT_EQ(records->size(), static_cast<std::size_t>(round));
        EXPECT_EQ(records->back().subject, now->users[0].email);
    }
}

TEST_P(LastingStoreTest, AReaderSeesOneStateOfAccess) {
    ASSERT_TRUE(m_store->replace_access(generation(0, 100), {}));
    std::atomic<bool> over = false;
    std::thread writer([&] {
        auto other = m_place.open();
        for (int i = 1; i <= 20; ++i) EXPECT_TRUE(other->replace_access(generation(i, 100), {}));
        over = true;
    });
    std::set<int> seen;
    for (bool inside = false; !over; inside = !inside) {
        model::Access access;
        const auto read = [&]() -> Result<void> {
            auto one = m_store->access();
            if (!one) return std::unexpected(one.error());
            access = std::move(*one);
            return {};
        };
        const auto done = inside ? m_store->together(read) : read();
        EXPECT_TRUE(done) << done.error().full();
        if (!done || access.users.empty()) break;
        seen.insert(std::stoi(access.users[0].email));
        expect_same(access, generation(std::stoi(access.users[0].email), 100));
    }
    writer.join();
    EXPECT_GT(seen.size(), 1U) << "nothing changed while it was read";
}

/// Somebody reads up to the newest record and asks later for what is behind it: nothing may turn up in front of that.
TEST_P(LastingStoreTest, RecordsBecomeVisibleInTheirOrder) {
    auto other = m_place.open();
    std::thread second;
    std::atomic<bool> second_done = false;
    ASSERT_TRUE(m_store->together([&]() -> Result<void> {
        if (auto kept = m_store->audit({.kind = "first"}); !kept) return kept;
        second = std::thread([&] {
            EXPECT_TRUE(other->audit({.kind = "second"}));
            second_done = true;
        });
        // Long enough for it to be done if it could.
        for (int i = 0; i < 100 && !second_done; ++i) ::usleep(2000);
        EXPECT_FALSE(second_done);
        return {};
    }));
    second.join();
    const auto records = m_store->audit_records({});
    ASSERT_EQ(records->size(), 2U);
    EXPECT_EQ((*records)[0].kind, "first");
    EXPECT_EQ((*records)[1].kind, "second");
}

TEST_P(LastingStoreTest, ManyMayOpenAFreshDatabaseAtOnce) {
    const Place fresh(GetParam());
    std::atomic<int> ready = 0;
    std::vector<std::unique_ptr<Store>> stores(6);
    std::vector<std::thread> threads;
    for (auto& store : stores) {
        threads.emplace_back([&] {
            ++ready;
            while (ready < 6) std::this_thread::yield();
            store = fresh.open();
        });
    }
    for (auto& thread : threads) thread.join();
    for (auto& store : stores) {
        ASSERT_TRUE(store);
        EXPECT_EQ(store->access_version().value(), 1U);
    }
}

TEST_P(LastingStoreTest, KillInTheMiddleOfAChangeLeavesTheOldOrTheNewState) {
    ASSERT_TRUE(m_store->replace_access(generation(0), {}));
    m_store.reset();
    for (int round = 0; round < 20; ++round) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            auto store = open_store(m_place.url(), m_place.folder());
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

        auto store = m_place.open();
        const auto access = store->access();
        ASSERT_TRUE(access) << access.error().full();
        ASSERT_EQ(access->users.size(), 300U);
        const int number = std::stoi(access->users[0].email);
        expect_same(*access, generation(number));
        // Its audit record came with it, and none without it.
        const auto records = store->audit_records({.kind = "access.changed", .most = 100'000});
        if (number > 0) {
            EXPECT_EQ(records->back().subject, std::to_string(number));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Databases, LastingStoreTest, testing::ValuesIn(lasting_databases()), name_of);

class SqliteFileTest : public testing::Test {
protected:
    Folder m_folder;
};

TEST_F(SqliteFileTest, NobodyElseReadsIt) {
    const mode_t before = ::umask(0);
    auto store = open_store("sqlite:with space.db", m_folder.path());
    ASSERT_TRUE(store) << store.error().full();
    ASSERT_TRUE((*store)->audit({.kind = "x"}));
    ::umask(before);
    int files = 0;
    for (const auto& file : std::filesystem::directory_iterator(m_folder.path())) {
        struct stat facts{};
        ASSERT_EQ(::stat(file.path().c_str(), &facts), 0);
        EXPECT_EQ(facts.st_mode & 0777, 0600U) << file.path();
        ++files;
    }
    EXPECT_EQ(files, 3);  // the database, its write-ahead log and its index
}

TEST_F(SqliteFileTest, WhatCannotBeOpenedSaysWhy) {
    EXPECT_FALSE(open_store("sqlite:no/such/folder.db", m_folder.path()));
    EXPECT_FALSE(open_store("mysql://x", m_folder.path()));
    EXPECT_FALSE(open_store("sqlite:", m_folder.path()));
    std::ofstream(m_folder.path() + "/text.db") << std::string(5000, 'x');
    const auto store = open_store("sqlite:text.db", m_folder.path());
    ASSERT_FALSE(store);
    EXPECT_NE(store.error().full().find("not a database"), std::string::npos) << store.error().full();
    EXPECT_NE(store.error().full().find(m_folder.path() + "/text.db"), std::string::npos) << store.error().full();
}

}  // namespace
}  // namespace sekisho::store::test
