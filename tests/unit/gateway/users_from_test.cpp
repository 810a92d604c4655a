// UsersFrom over a store in memory and a source that the test makes: what reaches the store, what is read once, and what a source that
// fails leaves as it is.
#include "gateway/users_from.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "keys/private_key.h"

namespace sekisho::gateway {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::UnorderedElementsAre;

/// Counts what it was asked; the test changes it between two looks.
class FakeSource final : public identity::UsersSource {
public:
    struct State {
        std::mutex mutex;
        std::map<std::string, std::string> files;  // by name of the object
        std::string fails;  // listings
        std::string reads_fail;  // of this object
        std::vector<std::string> read;
        int listings = 0;
    };
    explicit FakeSource(std::shared_ptr<State> state) : m_state(std::move(state)) {}

    Result<std::vector<identity::ListedObject>> list() override {
        const std::lock_guard lock(m_state->mutex);
        ++m_state->listings;
        if (!m_state->fails.empty()) return fail(m_state->fails);
        std::vector<identity::ListedObject> objects;
        for (const auto& [name, text] : m_state->files)
            objects.push_back({name, std::to_string(std::hash<std::string>{}(text)), text.size()});
        return objects;
    }
    Result<void> read(const std::vector<std::string>& objects, const Take& take) override {
        const std::lock_guard lock(m_state->mutex);
        for (std::size_t i = 0; i < objects.size(); ++i) {
            if (objects[i] == m_state->reads_fail) return fail("the server is gone");
            m_state->read.push_back(objects[i]);
            take(i, m_state->files.at(objects[i]));
        }
        return {};
    }
    const std::string& prefix() const override { return m_prefix; }
    void stop() override {}

private:
    std::shared_ptr<State> m_state;
    const std::string m_prefix = "keys/";
};

class NoRecordings final : public recording::Recordings {
public:
    void open(recording::SessionFacts, bool, recording::Executor, recording::RecorderCallbacks,
        std::function<void(Result<Opened>)> done) override {
        done(fail("none"));
    }
};

class UsersFromTest : public testing::Test {
protected:
    UsersFromTest() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-from-XXXXXX").string();
        m_config.data_dir = ::mkdtemp(name.data());
        m_config.users_from.url = "s3://bucket/keys/";
        m_config.users_from.every = 24h;  // a look is asked for
        m_config.users_from.groups = {"people"};
        m_config.users_from.change_log = "changes.txt";
        m_services = std::make_unique<Services>(m_config, m_pool, m_worker, m_recordings);
        read_access();
        m_users = std::make_unique<UsersFrom>(*m_services, std::make_unique<FakeSource>(m_source), [this] {
            ++m_changes;
            m_worker.submit(
                [this](store::Store& store) -> Result<void> {
                    m_services->access.store(make_snapshot(store.access().value()));
                    return {};
                },
                [](const Result<void>&) {});
        });
    }
    ~UsersFromTest() override {
        m_users.reset();
        std::filesystem::remove_all(m_config.data_dir);
    }

    void read_access() { m_services->access.store(make_snapshot(m_store->access().value())); }

    /// One look, from its beginning to its end.
    void look() {
        const int before = listings();
        if (m_started)
            m_users->look();
        else
            m_users->start();
        m_started = true;
        while (listings() == before) std::this_thread::yield();
        // The next one begins when this one is over.
        m_users->look();
        while (listings() == before + 1) std::this_thread::yield();
    }
    int listings() {
        const std::lock_guard lock(m_source->mutex);
        return m_source->listings;
    }
    std::vector<std::string> read() {
        const std::lock_guard lock(m_source->mutex);
        return m_source->read;
    }
    void put(const std::string& name, const std::string& text) {
        const std::lock_guard lock(m_source->mutex);
        m_source->files["keys/" + name + ".pub"] = text;
    }
    void take(const std::string& name) {
        const std::lock_guard lock(m_source->mutex);
        m_source->files.erase("keys/" + name + ".pub");
    }
    std::vector<std::string> names() {
        m_worker.settle();
        std::vector<std::string> names;
        for (const auto& user : m_services->access.load()->access.users) names.push_back(user.name);
        return names;
    }
    std::vector<std::string> records(const std::string& kind) {
        std::vector<std::string> texts;
        m_worker.settle();
        m_worker.submit(
            [&](store::Store& store) -> Result<void> {
                const auto found = store.audit_records({.kind = kind});
                for (const auto& record : *found)
                    texts.push_back(record.outcome + " " + record.subject + ": " + record.reason);
                return {};
            },
            [](const Result<void>&) {});
        m_worker.settle();
        return texts;
    }
    std::string change_log() {
        std::ifstream file(m_config.data_dir + "/changes.txt");
        return {std::istreambuf_iterator<char>(file), {}};
    }

    const std::string m_key = keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key().line();
    model::Config m_config;
    std::unique_ptr<store::Store> m_store = std::move(*store::open_store(":memory:", ""));
    net::WorkerPool m_pool{1};
    NoRecordings m_recordings;
    StoreWorker m_worker{*m_store};
    std::unique_ptr<Services> m_services;
    std::shared_ptr<FakeSource::State> m_source = std::make_shared<FakeSource::State>();
    std::atomic<int> m_changes = 0;
    bool m_started = false;
    std::unique_ptr<UsersFrom> m_users;
};

TEST_F(UsersFromTest, UsersComeAndGo) {
    RecordProperty("row", "B5");
    put("alice", m_key + " a");
    put("bob", m_key + " b");
    look();
    EXPECT_THAT(names(), ElementsAre("alice", "bob"));
    const auto* alice = m_services->access.load()->access.user("alice");
    EXPECT_EQ(
        *alice, (model::User{.name = "alice", .groups = {"people"}, .keys = {m_key + " a"}, .origin = "keys/alice.pub"}));
    take("bob");
    put("carol", m_key + " c");
    look();
    EXPECT_THAT(names(), ElementsAre("alice", "carol"));
    EXPECT_THAT(change_log(), MatchesRegex("[-0-9 ]+: Creating user account for alice \\(keys/alice\\.pub\\)\n"
                                           "[-0-9 ]+: Creating user account for bob \\(keys/bob\\.pub\\)\n"
                                           "[-0-9 ]+: Removing user account for bob \\(keys/bob\\.pub\\)\n"
                                           "[-0-9 ]+: Creating user account for carol \\(keys/carol\\.pub\\)\n"));
    EXPECT_EQ(records("access.changed").size(), 4U);
    EXPECT_EQ(m_changes, 2);
}

TEST_F(UsersFromTest, OnlyWhatChangedIsRead) {
    put("alice", m_key + " a");
    put("bob", m_key + " b");
    look();
    put("bob", m_key + " b2");
    look();
    look();
    EXPECT_THAT(read(), ElementsAre("keys/alice.pub", "keys/bob.pub", "keys/bob.pub"));
    EXPECT_EQ(m_services->access.load()->access.user("bob")->keys, std::vector<std::string>{m_key + " b2"});
    EXPECT_EQ(m_changes, 2) << "where nothing changes nothing is written";
    EXPECT_EQ(change_log().find("bob2"), std::string::npos);
}

TEST_F(UsersFromTest, WhatCannotBeListedOrReadChangesNobody) {
    put("alice", m_key);
    look();
    take("alice");
    put("bob", m_key);
    {
        const std::lock_guard lock(m_source->mutex);
        m_source->fails = "half a listing";
    }
    look();
    EXPECT_THAT(names(), ElementsAre("alice"));
    put("carol", m_key);
    {
        const std::lock_guard lock(m_source->mutex);
        m_source->fails = "";
        m_source->reads_fail = "keys/carol.pub";
    }
    look();  // bob is read, carol is not
    EXPECT_THAT(names(), ElementsAre("alice"));
    // What was read counts when the source is whole again.
    {
        const std::lock_guard lock(m_source->mutex);
        m_source->reads_fail = "";
    }
    look();
    EXPECT_THAT(names(), ElementsAre("bob", "carol"));
    EXPECT_EQ(std::ranges::count(read(), "keys/bob.pub"), 1);
    const auto told = records("users_from");
    EXPECT_THAT(told, ElementsAre(HasSubstr("failed s3://bucket/keys/: half a listing; whoever was there stays"),
                          HasSubstr("ok s3://bucket/keys/: it can be read again")));
}

TEST_F(UsersFromTest, RefusalsAreToldOnce) {
    put("alice", m_key);
    put("../x", m_key);
    put("BOB", m_key);
    put("broken", "ssh-ed25519 AAAA");
    put("here", m_key);
    model::Access access = m_store->access().value();
    access.users = {{.name = "here", .keys = {m_key + " mine"}}};
    ASSERT_TRUE(m_store->replace_access(access, {}));
    read_access();
    look();
    look();
    EXPECT_THAT(names(), ElementsAre("alice", "here"));
    EXPECT_EQ(m_services->access.load()->access.user("here")->keys, std::vector<std::string>{m_key + " mine"});
    EXPECT_THAT(records("users_from"),
        UnorderedElementsAre(HasSubstr("refused keys/../x.pub: its name"), HasSubstr("refused keys/BOB.pub: its name"),
            HasSubstr("refused keys/broken.pub: line 1"), HasSubstr("refused keys/here.pub: a user of that name")));
}

TEST_F(UsersFromTest, AUserMadeHereInTheMeantimeIsLeftAlone) {
    put("alice", m_key);
    model::Access access = m_store->access().value();
    access.users = {{.name = "alice", .keys = {m_key + " mine"}}};
    ASSERT_TRUE(m_store->replace_access(access, {}));  // and the snapshot does not know yet
    look();
    look();
    EXPECT_EQ(m_services->access.load()->access.user("alice")->keys, std::vector<std::string>{m_key + " mine"});
    EXPECT_EQ(change_log(), "");
}

TEST_F(UsersFromTest, AnEmptyListingIsToldAndRemovesNobodyUntilItIsMeant) {
    put("alice", m_key);
    look();
    take("alice");
    look();
    EXPECT_THAT(names(), ElementsAre("alice"));
    EXPECT_THAT(records("users_from"), ElementsAre(HasSubstr("no user is listed any more; the 1 ")));
    m_config.users_from.on_empty = "remove";
    m_services->config.store(std::make_shared<const model::Config>(m_config));
    look();
    EXPECT_THAT(names(), ElementsAre());
}

TEST_F(UsersFromTest, MoreThanMemoryShouldHoldIsRefusedBeforeItIsRead) {
    const std::string full = m_key + "\n#" + std::string(identity::kMostKeysBytes - m_key.size() - 2, 'x');
    for (std::uint64_t i = 0; i <= identity::kMostBytes / identity::kMostKeysBytes; ++i) put(fmt::format("u{}", i), full);
    look();
    EXPECT_THAT(names(), ElementsAre());
    EXPECT_TRUE(read().empty());
    EXPECT_THAT(records("users_from"), ElementsAre(HasSubstr("more than 64 MiB of keys")));
    take("u0");
    look();
    EXPECT_EQ(names().size(), identity::kMostBytes / identity::kMostKeysBytes);
}

TEST_F(UsersFromTest, TenThousandAtOnce) {
    RecordProperty("row", "B5");
    for (int i = 0; i < 10'000; ++i) put(fmt::format("u{}", i), fmt::format("{} {}", m_key, i));
    look();
    EXPECT_EQ(names().size(), 10'000U);
    const std::string log = change_log();
    EXPECT_EQ(std::ranges::count(log, '\n'), 10'000);
    for (int i = 0; i < 10'000; i += 2) take(fmt::format("u{}", i));
    look();
    EXPECT_EQ(names().size(), 5'000U);
}

}  // namespace
}  // namespace sekisho::gateway
