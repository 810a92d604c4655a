#include "store/database.h"

#include <algorithm>
#include <thread>

#include "base/log.h"

namespace sekisho::store {
namespace {

using namespace std::chrono_literals;

constexpr auto kSlow = 200ms;
constexpr auto kLongestPause = 5s;
constexpr auto kAskFor = 5s;
constexpr auto kAskAgain = 200ms;

}  // namespace

Database::~Database() { drop(); }

Error Database::failure(std::string_view what, const char* said) {
    std::string text = "the store failed: cannot " + std::string(what);
    if (!m_connection->alive()) text += "; the connection to " + m_backend->name() + " was lost";
    return {std::move(text), said};
}

Result<void> Database::connect(std::string_view what) {
    drop_if_lost();
    if (m_connection) return {};
    const auto begin = std::chrono::steady_clock::now();
    const auto not_reached = [&] {
        return fail("cannot " + std::string(what) + ": cannot open " + m_backend->name(), m_why_not);
    };
    if (begin < m_next_attempt) return not_reached();
    try {
        m_connection = m_backend->connect();
    } catch (const std::exception& error) {
        const auto now = std::chrono::steady_clock::now();
        if (now - begin > kSlow) m_next_attempt = now + std::min<std::chrono::steady_clock::duration>(now - begin, kLongestPause);
        m_why_not = error.what();
        return not_reached();
    }
    if (m_was_lost) log::info("store.connected", {{"store", m_backend->name()}});
    m_was_lost = false;
    return {};
}

Result<void> Database::begin(std::string_view what, std::string_view statement) {
    const auto begun = guarded(what, [&]() -> Result<void> {
        m_connection->run(std::string(statement));
        return {};
    });
    if (!begun) return begun;
    m_depth = 1;
    ++m_transactions;
    m_doomed = m_must_last = false;
    return {};
}

Result<void> Database::commit(std::string_view what) {
    m_depth = 0;
    std::string id;
    const auto committed = attempt(what, [&]() -> Result<void> {
        id = m_connection->transaction_id();
        m_connection->run("COMMIT");
        return {};
    });
    if (committed) {
        const int changes = m_connection->changes();
        if (std::exchange(m_changes, changes) == changes) return {};
        m_unsynced = true;
        return m_must_last ? sync() : Result<void>();
    }
    roll_back();
    if (m_connection || id.empty()) return committed;
    return ask_what_became(id, committed.error());
}

Result<void> Database::sync() {
    m_unsynced = false;
    try {
        m_backend->sync();
        return {};
    } catch (const std::exception& error) {
        m_unsynced = true;
        return fail("what was written to " + m_backend->name() + " may not survive a power failure", error.what());
    }
}

/// The connection went between a COMMIT and its answer. Only the database knows, as soon as it can be asked again.
Result<void> Database::ask_what_became(const std::string& transaction_id, Error lost) {
    const auto end = std::chrono::steady_clock::now() + kAskFor;
    while (true) {
        if (connect("ask what became of a transaction")) {
            const auto answer = attempt("ask what became of a transaction",
                [&]() -> Result<std::optional<bool>> { return m_connection->committed(transaction_id); });
            drop_if_lost();
            if (answer && *answer) {
                if (**answer) return {};
                return std::unexpected(std::move(lost));
            }
            if (!answer && m_connection) break;
        }
        if (std::chrono::steady_clock::now() >= end) break;
        std::this_thread::sleep_for(kAskAgain);
    }
    lost.text += ", and whether it was done is not known";
    return std::unexpected(std::move(lost));
}

void Database::roll_back() {
    m_depth = 0;
    m_taken_back = m_transactions;
    drop_if_lost();
    if (!m_connection) return;
    try {
        m_connection->run("ROLLBACK");
    } catch (const std::exception& error) {
        // Lost just now, or SQLite has rolled back by itself already.
        log::debug("store.not_rolled_back", {{"reason", error.what()}});
        drop_if_lost();
    }
}

void Database::drop_if_lost() {
    if (!m_connection || m_connection->alive()) return;
    log::warn("store.lost", {{"store", m_backend->name()}});
    m_was_lost = true;
    drop();
}

void Database::drop() {
    if (!m_connection) return;
    m_dropping();
    m_connection.reset();
    m_changes = 0;
}

}  // namespace sekisho::store
