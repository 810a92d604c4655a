// Commands and file operations in the store's searchable index: their rows, the terms that find them (search_terms.h), and the times of
// each 1024 rows. Private to store; in a transaction of its caller, who holds the lock of records.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <soci/soci.h>

#include "model/activity.h"
#include "store/schema.h"
#include "store/search_terms.h"

namespace sekisho::store {

constexpr long long kRowsOfChunk = 1024;

/// Terms as the database takes them: words of the full-text table, or a list.
std::string terms_text(const Dialect& dialect, const Terms& terms);

/// Statements that were parsed once; to be made anew when one failed, or with the connection.
class ActivityWrites {
public:
    ActivityWrites(soci::session& sql, const Dialect& dialect);
    ~ActivityWrites();

    void insert(std::span<const model::CommandRun> commands);
    void insert(std::span<const model::FileOperation> operations);
    bool failed() const { return m_running; }

private:
    class Commands;
    class Files;

    soci::session& m_sql;
    const Dialect& m_dialect;
    bool m_running = false;
    std::unique_ptr<Commands> m_commands;
    std::unique_ptr<Files> m_files;
};

}  // namespace sekisho::store
