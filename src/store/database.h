// Database: one SOCI connection with its transactions; SOCI's exceptions end here. Private to store; one thread at a time.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <soci/soci.h>

#include "base/result.h"
#include "store/schema.h"

namespace sekisho::store {

class Database {
public:
    Database(std::unique_ptr<soci::session> sql, const Dialect& dialect) : m_sql(std::move(sql)), m_dialect(dialect) {}

    soci::session& sql() { return *m_sql; }
    const Dialect& dialect() const { return m_dialect; }

    /// Runs `work` (which may throw soci_error or return a failed Result) in the open transaction, or in one of its own. A
    /// failure inside an outer transaction dooms it, whatever its owner makes of the Result: no half is ever committed.
    template <class Work>
    auto transaction(std::string_view what, Work&& work) -> decltype(work()) {
        return begun_by(m_dialect.begin, what, std::forward<Work>(work));
    }

    /// As transaction(), for reading with several statements that must see one state.
    template <class Work>
    auto snapshot(std::string_view what, Work&& work) -> decltype(work()) {
        return begun_by(m_dialect.snapshot, what, std::forward<Work>(work));
    }

    /// Runs `work` outside of a transaction, for reading with one statement.
    template <class Work>
    auto guarded(std::string_view what, Work&& work) -> decltype(work()) {
        try {
            return work();
        } catch (const std::exception& error) {
            return fail("the store failed: cannot " + std::string(what), error.what());
        }
    }

private:
    template <class Work>
    auto begun_by(std::string_view begin, std::string_view what, Work&& work) -> decltype(work()) {
        if (m_depth > 0) return doomed_on_failure(what, std::forward<Work>(work));
        if (auto begun = execute(what, begin); !begun) return std::unexpected(begun.error());
        m_depth = 1;
        m_doomed = false;
        auto result = doomed_on_failure(what, std::forward<Work>(work));
        m_depth = 0;
        if (m_doomed) {
            (void)execute(what, "ROLLBACK");
            if (result)
                return fail("the store could not do everything of one transaction, and did nothing", std::string(what));
            return result;
        }
        if (auto committed = execute(what, "COMMIT"); !committed) {
            (void)execute(what, "ROLLBACK");
            return std::unexpected(committed.error());
        }
        return result;
    }

    template <class Work>
    auto doomed_on_failure(std::string_view what, Work&& work) -> decltype(work()) {
        auto result = guarded(what, std::forward<Work>(work));
        if (!result) m_doomed = true;
        return result;
    }

    Result<void> execute(std::string_view what, std::string_view statement) {
        return guarded(what, [&]() -> Result<void> {
            auto parsed = m_parsed.find(statement);
            if (parsed == m_parsed.end()) {
                const std::string text(statement);
                parsed = m_parsed.emplace(text, soci::statement((m_sql->prepare << text))).first;
            }
            parsed->second.execute(true);
            return {};
        });
    }

    std::unique_ptr<soci::session> m_sql;
    std::map<std::string, soci::statement, std::less<>> m_parsed;  // BEGIN, COMMIT, ROLLBACK
    Dialect m_dialect;
    int m_depth = 0;
    bool m_doomed = false;
};

/// Text from outside, fit for any database: valid UTF-8 without NUL, at most 8 KiB.
std::string storable(std::string_view text);

}  // namespace sekisho::store
