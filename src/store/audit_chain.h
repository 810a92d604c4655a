// The table of audit records: each gets its number and its hash from the one before it (evidence/chain.h), under the lock that SqlStore
// holds, so that several gateways write one chain. The end of the chain is read once in a transaction; statements are parsed once. Private
// to store; one thread at a time.
#pragma once

#include <optional>
#include <vector>

#include "evidence/chain.h"
#include "store/statements.h"
#include "store/store.h"

namespace sekisho::store {

class AuditChain {
public:
    explicit AuditChain(soci::session& sql);
    AuditChain(const AuditChain&) = delete;
    AuditChain& operator=(const AuditChain&) = delete;

    /// Whether the end of the chain is known in this transaction, and nobody else can move it.
    bool knows(std::uint64_t transaction) const { return m_transaction == transaction; }
    /// Reads the end, under the lock. Records without hash, which an older version wrote, get theirs.
    void begin(std::uint64_t transaction);
    const evidence::ChainHead& head() const { return m_head; }
    void append(const model::AuditRecord& record);
    /// SOCI's statements here must not be used any more.
    bool failed() const { return m_insert_run.failed() || m_last_run.failed(); }

private:
    bool read_last();
    void complete();

    soci::session& m_sql;
    std::uint64_t m_transaction = 0;
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
