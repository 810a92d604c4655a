// The table of audit records: each gets its number and its hash from the one before it (evidence/chain.h), under the lock that SqlStore
// holds, so that several gateways write one chain. The end of the chain is read once in a transaction, and not even that where the database
// says that nobody else has written since; statements are parsed once. Private to store; one thread at a time.
#pragma once

#include <optional>
#include <vector>

#include "evidence/chain.h"
#include "store/statements.h"
#include "store/store.h"

namespace sekisho::store {

class Database;

class AuditChain {
public:
    explicit AuditChain(Database& database);
    AuditChain(const AuditChain&) = delete;
    AuditChain& operator=(const AuditChain&) = delete;

    /// The end of the chain is known in this transaction, and nobody else can move it.
    bool begun() const;
    /// Under the lock. Records without hash, which an older version wrote, get theirs.
    void begin();
    const evidence::ChainHead& head() const { return m_head; }
    void append(const model::AuditRecord& record);
    /// SOCI's statements here must not be used any more.
    bool failed() const { return m_insert_run.failed() || m_last_run.failed(); }

private:
    bool still_knows(std::optional<std::uint32_t> others) const;
    bool read_last();
    void complete();

    Database& m_database;
    soci::session& m_sql;
    std::uint64_t m_transaction = 0;  // the last one in which the end was known
    std::optional<std::uint32_t> m_others;  // as the database said then
    evidence::ChainHead m_head;
    // What the statements exchange.
    long long m_sequence = 0;
    long long m_time = 0;
    std::string m_hash;
    model::AuditRecord m_row;
    long long m_last_sequence = 0;
    std::string m_last_hash;
    std::string m_last_kind;
    soci::statement m_insert;
    soci::statement m_last;
    Run m_insert_run;
    Run m_last_run;
};

std::vector<model::AuditRecord> read_audit_records(soci::session& sql, const AuditFilter& filter);

}  // namespace sekisho::store
