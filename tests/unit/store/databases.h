// The databases that the store's tests run on, empty for each test and gone with it. PostgreSQL is started by tests/support/run_units.py,
// which hands its URL over in SEKISHO_TEST_POSTGRESQL.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "store/store.h"

namespace sekisho::store::test {

/// Empty: there is none.
inline std::string postgresql_url() {
    const char* url = ::getenv("SEKISHO_TEST_POSTGRESQL");
    return url == nullptr ? "" : url;
}

/// The same server with another database; `options` begin with '&'.
inline std::string postgresql_url(const std::string& database, const std::string& options = {}) {
    std::string url = postgresql_url();
    return url.replace(url.find("/postgres?") + 1, 8, database) + options;
}

inline std::vector<std::string> lasting_databases() {
    if (postgresql_url().empty()) return {"sqlite"};
    return {"sqlite", "postgresql"};
}

inline std::vector<std::string> all_databases() {
    auto all = lasting_databases();
    all.emplace_back("memory");
    return all;
}

/// A connection of the tests' own, for what the store has no words for. Throws what goes wrong.
class Psql {
public:
    explicit Psql(const std::string& url) : m_connection(PQconnectdb(url.c_str()), PQfinish) {
        if (PQstatus(m_connection.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(m_connection.get()));
        PQsetNoticeProcessor(m_connection.get(), [](void*, const char*) {}, nullptr);
    }
    /// The first column of the first row, if there is one.
    std::string run(const std::string& statement) {
        const std::unique_ptr<PGresult, decltype(&PQclear)> done(PQexec(m_connection.get(), statement.c_str()), PQclear);
        const auto status = PQresultStatus(done.get());
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            throw std::runtime_error(PQresultErrorMessage(done.get()));
        return PQntuples(done.get()) > 0 ? PQgetvalue(done.get(), 0, 0) : "";
    }

private:
    std::unique_ptr<PGconn, decltype(&PQfinish)> m_connection;
};

class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-store-XXXXXX").string();
        m_path = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(m_path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::string& path() const { return m_path; }

private:
    std::string m_path;
};

/// An empty database of that kind.
class Place {
public:
    explicit Place(const std::string& kind) {
        if (kind == "memory") m_url = ":memory:";
        if (kind == "sqlite") m_url = "sqlite:" + m_folder.path() + "/store.db";
        if (kind != "postgresql") return;
        static std::atomic<int> made = 0;
        m_database = fmt::format("store_{}_{}", ::getpid(), ++made);
        // A language's order and not that of bytes: what reads in an order must say so.
        Psql(postgresql_url())
            .run(fmt::format(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'en'",
                m_database));
        m_url = postgresql_url(m_database);
    }
    ~Place() {
        if (!m_database.empty()) Psql(postgresql_url()).run("DROP DATABASE " + m_database + " WITH (FORCE)");
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    const std::string& url() const { return m_url; }
    const std::string& folder() const { return m_folder.path(); }
    /// Of PostgreSQL.
    const std::string& database() const { return m_database; }

    std::unique_ptr<Store> open() const { return open_in(folder()); }
    /// As the gateway with another data folder.
    std::unique_ptr<Store> open_in(const std::string& data_dir) const {
        auto store = open_store(m_url, data_dir);
        EXPECT_TRUE(store) << store.error().full();
        return store ? std::move(*store) : nullptr;
    }

private:
    Folder m_folder;
    std::string m_url;
    std::string m_database;
};

class StoreTest : public testing::TestWithParam<std::string> {
protected:
    StoreTest() : m_place(GetParam()), m_store(m_place.open()) {}

    Place m_place;
    std::unique_ptr<Store> m_store;
};

inline std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

inline void expect_same(const model::Access& a, const model::Access& b) {
    EXPECT_EQ(a.users, b.users);
    EXPECT_EQ(a.targets, b.targets);
    EXPECT_EQ(a.rules, b.rules);
    EXPECT_EQ(a.client_hosts, b.client_hosts);
}

inline model::Session session(const std::string& id, const std::string& user, int second) {
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

/// Access that says in every object which one it is.
inline model::Access generation(int number, int users = 300) {
    model::Access access;
    for (int i = 0; i < users; ++i) {
        access.users.push_back(
            {.name = fmt::format("u{}", 1000 + i), .email = std::to_string(number), .keys = {"k1", "k2"}});
        access.rules.push_back({.name = fmt::format("r{}", i), .users = {fmt::format("u{}", number)}});
    }
    return access;
}

}  // namespace sekisho::store::test
