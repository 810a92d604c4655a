// The chain of audit records as the store writes it: one chain, whoever writes, and what is done to its rows behind our back is found.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <thread>

#include "databases.h"
#include "evidence/chain_check.h"

namespace sekisho::store::test {
namespace {

evidence::ChainCheck check(Store& store) {
    evidence::ChainCheck check;
    const auto records = store.audit_records({.most = 100'000});
    EXPECT_TRUE(records) << records.error().full();
    for (const model::AuditRecord& record : *records) check.add(record);
    check.finish();
    return check;
}

std::string said(const evidence::ChainCheck& check) { return check.sound() ? "sound" : check.findings().front().text; }

using AuditChainTest = StoreTest;

TEST_P(AuditChainTest, EachRecordStandsForAllBeforeIt) {
    RecordProperty("row", "F2");
    EXPECT_EQ(m_store->audit_head().value(), evidence::ChainHead{});
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(m_store->audit({.kind = "a", .session = "s", .recording = "2026-11-22_14-16-00_alice"}));
    model::Access access;
    access.users = {{.name = "alice"}};
    ASSERT_TRUE(m_store->replace_access(access, {{.kind = "access.changed"}, {.kind = "access.changed"}}));
    ASSERT_TRUE(m_store->audit({.kind = "audit.checkpoint"}));
    const auto checked = check(*m_store);
    EXPECT_EQ(said(checked), "sound");
    EXPECT_EQ(checked.entries(), 8U);
    const auto head = m_store->audit_head().value();
    EXPECT_EQ(head.sequence, 8U);
    EXPECT_EQ(head.hash, checked.head().hash);
    EXPECT_TRUE(head.checkpoint);
    EXPECT_EQ(m_store->audit_records({})->front().recording, "2026-11-22_14-16-00_alice");
    if (GetParam() == "memory") return;
    EXPECT_EQ(m_place.open()->audit_head().value(), head);
}

TEST_P(AuditChainTest, TheNewestComeInTheirOrder) {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(m_store->audit({.kind = i % 2 == 0 ? "even" : "odd"}));
    const auto numbers = [&](const AuditFilter& filter) {
        std::string text;
        const auto records = m_store->audit_records(filter).value();
        for (const auto& record : records) text += std::to_string(record.sequence) + " ";
        return text;
    };
    EXPECT_EQ(numbers({.most = 3, .newest = true}), "8 9 10 ");
    EXPECT_EQ(numbers({.kind = "odd", .most = 2, .newest = true}), "8 10 ");
    EXPECT_EQ(numbers({.after = 2, .most = 3}), "3 4 5 ");
}

TEST_P(AuditChainTest, WhatIsTakenBackLeavesNoGap) {
    ASSERT_TRUE(m_store->audit({.kind = "a"}));
    EXPECT_FALSE(m_store->together([&]() -> Result<void> {
        EXPECT_TRUE(m_store->audit({.kind = "gone"}));
        EXPECT_EQ(m_store->audit_head()->sequence, 2U);
        return fail("no");
    }));
    EXPECT_TRUE(m_store->together([&]() -> Result<void> {
        EXPECT_EQ(m_store->audit_head()->sequence, 1U);
        EXPECT_TRUE(m_store->audit({.kind = "b"}));
        return m_store->audit({.kind = "c"});
    }));
    EXPECT_EQ(said(check(*m_store)), "sound");
    EXPECT_EQ(m_store->audit_head()->sequence, 3U);
}

/// With databases that several can open.
class SharedChainTest : public AuditChainTest {};

TEST_P(SharedChainTest, SeveralWritersWriteOneChain) {
    constexpr int kWriters = 4;
    constexpr int kEach = 40;
    std::vector<std::unique_ptr<Store>> stores;
    for (int i = 0; i < kWriters; ++i) stores.push_back(m_place.open());
    std::vector<std::thread> threads;
    std::atomic<int> written = 0;
    for (auto& store : stores) {
        threads.emplace_back([&written, store = store.get()] {
            for (int i = 0; i < kEach / 2; ++i) {
                const auto done = store->together([&]() -> Result<void> {
                    if (auto first = store->audit({.kind = "a", .reason = "1"}); !first) return first;
                    return store->audit({.kind = "b", .reason = "2"});
                });
                if (done) written += 2;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(written, kWriters * kEach);
    const auto checked = check(*m_store);
    EXPECT_EQ(said(checked), "sound");
    EXPECT_EQ(checked.head().sequence, static_cast<std::uint64_t>(kWriters * kEach));
}

TEST_P(SharedChainTest, ItGoesOnBehindWhatOthersWrote) {
    const auto other = m_place.open();
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(m_store->audit({.kind = "a"}));
        ASSERT_TRUE(m_store->audit({.kind = "b"}));
        ASSERT_TRUE(other->audit({.kind = "c"}));
        EXPECT_FALSE(m_store->together([&]() -> Result<void> {
            EXPECT_TRUE(m_store->audit({.kind = "gone"}));
            return fail("no");
        }));
        ASSERT_TRUE(other->audit({.kind = "d"}));
        ASSERT_TRUE(m_store->learn_host_key("web1", "key " + std::to_string(i)));
    }
    const auto checked = check(*m_store);
    EXPECT_EQ(said(checked), "sound");
    EXPECT_EQ(checked.head().sequence, 12U);
}

class RowsTest : public AuditChainTest {
protected:
    void SetUp() override {
        AuditChainTest::SetUp();
        for (int i = 1; i <= 20; ++i) ASSERT_TRUE(m_store->audit({.kind = "a", .subject = "web" + std::to_string(i)}));
    }
    void run(const std::string& statement) {
        if (GetParam() == "postgresql") {
            Psql(m_place.url()).run(statement);
            return;
        }
        sqlite3* opened = nullptr;
        ASSERT_EQ(sqlite3_open((m_place.folder() + "/store.db").c_str(), &opened), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(opened, statement.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
            << statement << sqlite3_errmsg(opened);
        sqlite3_close(opened);
    }
};

TEST_P(RowsTest, WhatIsDoneToThemIsFound) {
    const auto head = m_store->audit_head().value();
    const std::pair<const char*, const char*> changes[] = {
        {"UPDATE audit SET subject = 'web99' WHERE sequence = 7", "entry 7: it was changed"},
        {"UPDATE audit SET subject = 'web7', time_ms = time_ms + 1 WHERE sequence = 7", "entry 7: it was changed"},
        {"UPDATE audit SET time_ms = 0, user_name = 'x' WHERE sequence = 7", "entry 7: it was changed"},
        {"UPDATE audit SET hash = 'ff' WHERE sequence = 7", "entry 7: it was changed"},
        {"DELETE FROM audit WHERE sequence BETWEEN 7 AND 9", "entries 7-9: missing before entry 10"},
    };
    for (const auto& [statement, finding] : changes) {
        const auto copy = m_store->audit_records({});
        run(statement);
        EXPECT_EQ(said(check(*m_store)).substr(0, std::string(finding).size()), finding);
        run("DELETE FROM audit");
        for (const auto& record : *copy) {  // as it was
            run(fmt::format(
                "INSERT INTO audit (sequence, time_ms, kind, session, user_name, source, subject, outcome, reason, "
                "recording, hash) "
                "VALUES ({}, {}, '{}', '', '', '', '{}', '', '', '', '{}')",
                record.sequence, base::unix_milliseconds(record.time), record.kind, record.subject, base::hex(record.hash)));
        }
        ASSERT_EQ(said(check(*m_store)), "sound");
    }
    run("DELETE FROM audit WHERE sequence > 15");
    EXPECT_EQ(said(check(*m_store)), "sound");
    evidence::ChainCheck cut;
    cut.expect(head);
    const auto records = m_store->audit_records({}).value();
    for (const auto& record : records) cut.add(record);
    cut.finish();
    EXPECT_EQ(said(cut), "entries 16-20: cut off at the end: entry 20 was there");
}

TEST_P(RowsTest, RecordsOfAnOlderVersionGetTheirHashes) {
    run("UPDATE audit SET hash = '' WHERE sequence > 4");
    m_store = m_place.open();
    EXPECT_EQ(said(check(*m_store)), "sound");
    EXPECT_EQ(m_store->audit_head()->sequence, 20U);
    run("INSERT INTO audit (sequence, time_ms, kind, session, user_name, source, subject, outcome, reason) "
        "VALUES (21, 0, 'b', '', '', '', '', '', '')");
    ASSERT_TRUE(m_store->audit({.kind = "c"}));
    EXPECT_EQ(said(check(*m_store)), "sound");
    EXPECT_EQ(m_store->audit_head()->sequence, 22U);
}

INSTANTIATE_TEST_SUITE_P(Databases, AuditChainTest, testing::ValuesIn(all_databases()), name_of);
INSTANTIATE_TEST_SUITE_P(Databases, SharedChainTest, testing::ValuesIn(lasting_databases()), name_of);
INSTANTIATE_TEST_SUITE_P(Databases, RowsTest, testing::ValuesIn(lasting_databases()), name_of);

}  // namespace
}  // namespace sekisho::store::test
