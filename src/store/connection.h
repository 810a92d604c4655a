// Connection: one open connection to a database, and Backend: how one kind of database is connected to. What SOCI does not say about
// them: whether a connection is still there, and whether a transaction was committed whose answer got lost. Private to store; used by
// Database only, one thread at a time. Everything here that fails throws std::exception; no text ever holds a password.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <soci/soci.h>

#include "store/postgresql_url.h"
#include "store/schema.h"

namespace sekisho::store {

class Connection {
public:
    explicit Connection(std::unique_ptr<soci::session> sql) : m_sql(std::move(sql)) {}
    virtual ~Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    soci::session& sql() { return *m_sql; }
    /// A statement without values: BEGIN, COMMIT, a lock.
    virtual void run(const std::string& statement) = 0;
    /// Statements of the open transaction fail that take longer; zero: as long as they like.
    virtual void limit_time(std::chrono::milliseconds limit) = 0;
    /// In a transaction that may write: another number than before where others have written since then. Nothing: that cannot be told.
    virtual std::optional<std::uint32_t> version_of_others() = 0;
    /// Another number than before where this connection has changed something since then; always the same where sync() has nothing to do.
    virtual int changes() = 0;
    /// As far as can be seen without waiting.
    virtual bool alive() = 0;
    /// Names the open transaction for committed(); empty where it has written nothing, or where nobody could ask later.
    virtual std::string transaction_id() = 0;
    /// Nothing: not decided yet.
    virtual std::optional<bool> committed(const std::string& transaction_id) = 0;

private:
    std::unique_ptr<soci::session> m_sql;
};

class Backend {
public:
    virtual ~Backend() = default;

    virtual const Dialect& dialect() const = 0;
    /// For people: "the store /var/lib/sekisho/sekisho.db", "PostgreSQL database sekisho at db.example.com:5432".
    virtual const std::string& name() const = 0;
    virtual std::unique_ptr<Connection> connect() = 0;
    /// What was committed, by any connection, survives a power failure from now on. Any thread.
    virtual void sync() = 0;
};

/// `file`: an absolute path or ":memory:".
std::unique_ptr<Backend> sqlite_backend(std::string file);
std::unique_ptr<Backend> postgresql_backend(PostgreSqlUrl url);

}  // namespace sekisho::store
