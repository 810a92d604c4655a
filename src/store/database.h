// Database: the store's one connection with its transactions. Libraries' exceptions end here. A connection that is lost fails the call
// that met it; the next call makes a new one, and a transaction whose COMMIT was not answered is asked about. Private to store; one
// thread at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <soci/soci.h>

#include "base/result.h"
#include "store/connection.h"

namespace sekisho::store {

class Database {
public:
    /// `dropping` runs before a connection goes: statements that were made on it must go first.
    Database(std::unique_ptr<Backend> backend, std::function<void()> dropping)
        : m_backend(std::move(backend)), m_dropping(std::move(dropping)) {}
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    const Dialect& dialect() const { return m_backend->dialect(); }
    bool in_transaction() const { return m_depth > 0; }
    /// A number for the open transaction, or the last one, that no other has.
    std::uint64_t transaction_number() const { return m_transactions; }
    /// The last transaction that did not come to its commit: what was done in those behind it is there.
    std::uint64_t last_taken_back() const { return m_taken_back; }
    /// False after a call that found no connection, or lost it.
    bool reachable() const { return m_connection != nullptr; }

    // --- inside of the work below ---
    soci::session& sql() { return m_connection->sql(); }
    std::optional<std::uint32_t> version_of_others() { return m_connection->version_of_others(); }
    /// A lock of the dialect; nothing where it is empty.
    void lock(std::string_view statement) {
        if (!statement.empty()) m_connection->run(std::string(statement));
    }

    /// Runs `work` (which may throw or return a failed Result) in the open transaction, or in one of its own. A failure inside an
    /// outer transaction dooms it, whatever its owner makes of the Result: no half is ever committed.
    template <class Work>
    auto transaction(std::string_view what, Work&& work) -> decltype(work()) {
        return begun_by(dialect().begin, what, std::forward<Work>(work));
    }

    /// As transaction(), for reading with several statements that must see one state; in an open transaction `work` sees to that.
    template <class Work>
    auto snapshot(std::string_view what, Work&& work) -> decltype(work()) {
        return begun_by(dialect().snapshot, what, std::forward<Work>(work));
    }

    /// Runs `work` outside of a transaction, for reading with one statement.
    template <class Work>
    auto guarded(std::string_view what, Work&& work) -> decltype(work()) {
        if (in_transaction()) return attempt(what, std::forward<Work>(work));
        if (auto there = connect(what); !there) return std::unexpected(there.error());
        auto result = attempt(what, std::forward<Work>(work));
        if (!result) drop_if_lost();
        return result;
    }

    /// The open transaction's caller hears of its success only when a power failure cannot take it back.
    void must_last() { m_must_last = true; }
    /// The same for all that was committed before. Any thread.
    Result<void> sync();
    /// Something was committed that sync() is still to see to. Any thread.
    bool unsynced() const { return m_unsynced; }

    /// For the statements of the open transaction, while what is returned is kept.
    std::shared_ptr<void> limit_time(std::chrono::milliseconds limit) {
        m_connection->limit_time(limit);
        return {nullptr, [this](void*) { m_connection->limit_time(std::chrono::milliseconds(0)); }};
    }

private:
    template <class Work>
    auto begun_by(std::string_view statement, std::string_view what, Work&& work) -> decltype(work()) {
        if (in_transaction()) return doomed_on_failure(what, std::forward<Work>(work));
        if (auto begun = begin(what, statement); !begun) return std::unexpected(begun.error());
        auto result = doomed_on_failure(what, std::forward<Work>(work));
        if (m_doomed) {
            roll_back();
            if (result)
                return fail("the store could not do everything of one transaction, and did nothing", std::string(what));
            return result;
        }
        if (auto committed = commit(what); !committed) return std::unexpected(committed.error());
        return result;
    }

    template <class Work>
    auto doomed_on_failure(std::string_view what, Work&& work) -> decltype(work()) {
        auto result = attempt(what, std::forward<Work>(work));
        if (!result) m_doomed = true;
        return result;
    }

    template <class Work>
    auto attempt(std::string_view what, Work&& work) -> decltype(work()) {
        try {
            return work();
        } catch (const std::exception& error) {
            return std::unexpected(failure(what, error.what()));
        }
    }

    Error failure(std::string_view what, const char* said);
    Result<void> connect(std::string_view what);
    Result<void> begin(std::string_view what, std::string_view statement);
    Result<void> commit(std::string_view what);
    Result<void> ask_what_became(const std::string& transaction_id, Error lost);
    void roll_back();
    void drop_if_lost();
    void drop();

    std::unique_ptr<Backend> m_backend;
    std::function<void()> m_dropping;
    std::unique_ptr<Connection> m_connection;
    int m_depth = 0;
    std::uint64_t m_transactions = 0;
    std::uint64_t m_taken_back = 0;
    bool m_doomed = false;
    bool m_must_last = false;
    int m_changes = 0;  // of the connection, when something was committed last
    std::atomic<bool> m_unsynced = false;
    bool m_was_lost = false;
    // Whoever comes soon after a slow attempt is not made to wait for another one.
    std::chrono::steady_clock::time_point m_next_attempt{};
    std::string m_why_not;
};

/// Text from outside, fit for any database: valid UTF-8 without NUL, at most `most` bytes; "…" behind what was cut.
std::string storable(std::string_view text, std::size_t most = 8192);

}  // namespace sekisho::store
