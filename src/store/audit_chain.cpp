#include "store/audit_chain.h"

#include <algorithm>
#include <stdexcept>

#include "evidence/statement.h"
#include "store/database.h"
#include "store/query.h"

namespace sekisho::store {
namespace {

using soci::into;
using soci::use;

constexpr std::size_t kLongestChange = 1 << 20;  // of access, before and after: from the operator, not from strangers
constexpr std::size_t kCompletedAtOnce = 1000;
constexpr std::string_view kColumns =
    "sequence, time_ms, kind, session, user_name, source, subject, outcome, reason, recording, hash";

/// All zeros where it is none: it then fits nothing.
evidence::Digest digest_of(const std::string& hex) {
    evidence::Digest digest{};
    const auto bytes = base::from_hex(hex);
    if (bytes && bytes->size() == digest.size()) std::ranges::copy(*bytes, digest.begin());
    return digest;
}

/// As it will be read again: its hash is over what the table has.
model::AuditRecord stored(const model::AuditRecord& record) {
    model::AuditRecord row = record;
    for (std::string* text : {&row.kind, &row.session, &row.user, &row.source, &row.subject, &row.outcome, &row.recording})
        *text = storable(*text);
    row.reason = record.kind == "access.changed" ? storable(record.reason, kLongestChange) : storable(record.reason);
    return row;
}

}  // namespace

AuditChain::AuditChain(Database& database)
    : m_database(database), m_sql(database.sql()),
      m_insert((
          m_sql.prepare << "INSERT INTO audit (sequence, time_ms, kind, session, user_name, source, subject, outcome, reason, "
                         "recording, hash) VALUES (:n, :t, :k, :s, :u, :f, :o, :r, :w, :e, :h)",
          use(m_sequence), use(m_time), use(m_row.kind), use(m_row.session), use(m_row.user), use(m_row.source),
          use(m_row.subject), use(m_row.outcome), use(m_row.reason), use(m_row.recording), use(m_hash))),
      m_last((m_sql.prepare << "SELECT sequence, hash, kind FROM audit ORDER BY sequence DESC LIMIT 1", into(m_last_sequence),
          into(m_last_hash), into(m_last_kind))) {}

bool AuditChain::read_last() {
    m_last_run(m_last);
    const bool there = m_last.got_data();
    // To its end: a statement that could go on keeps SQLite from seeing later what others wrote.
    while (there && m_last.fetch()) {
    }
    if (!there) {
        m_head = {};
        return true;
    }
    m_head = {static_cast<std::uint64_t>(m_last_sequence), digest_of(m_last_hash), m_last_kind == evidence::kCheckpointKind};
    return !m_last_hash.empty();
}

bool AuditChain::begun() const { return m_transaction == m_database.transaction_number(); }

void AuditChain::begin() {
    const auto others = m_database.version_of_others();
    if (!still_knows(others) && !read_last()) complete();
    m_transaction = m_database.transaction_number();
    m_others = others;
}

/// What this wrote last was committed, and nobody else has written anything since.
bool AuditChain::still_knows(std::optional<std::uint32_t> others) const {
    return others && others == m_others && m_transaction > m_database.last_taken_back();
}

/// From the last record that has a hash.
void AuditChain::complete() {
    long long last = 0;
    m_sql << "SELECT COALESCE(MAX(sequence), 0) FROM audit WHERE hash <> ''", into(last);
    evidence::Digest hash = evidence::chain_start();
    if (last != 0) {
        std::string text;
        m_sql << "SELECT hash FROM audit WHERE sequence = :n", use(last), into(text);
        hash = digest_of(text);
    }
    long long sequence = 0;
    std::string text;
    soci::statement update = (m_sql.prepare << "UPDATE audit SET hash = :h WHERE sequence = :n", use(text), use(sequence));
    while (true) {
        const auto records =
            read_audit_records(m_sql, {.after = static_cast<std::uint64_t>(last), .most = kCompletedAtOnce});
        for (const model::AuditRecord& record : records) {
            hash = evidence::chain_next(hash, record);
            sequence = static_cast<long long>(record.sequence);
            text = base::hex(hash);
            update.execute(true);
            last = sequence;
        }
        if (records.size() < kCompletedAtOnce) break;
    }
    if (!read_last()) throw std::runtime_error("audit records without a hash cannot be given one");
}

void AuditChain::append(const model::AuditRecord& record) {
    m_row = stored(record);
    m_row.sequence = m_head.sequence + 1;
    const evidence::ChainHead next{
        m_row.sequence, evidence::chain_next(m_head.hash, m_row), m_row.kind == evidence::kCheckpointKind};
    m_sequence = static_cast<long long>(m_row.sequence);
    m_time = base::unix_milliseconds(m_row.time);
    m_hash = base::hex(next.hash);
    m_insert_run(m_insert);
    m_head = next;
}

std::vector<model::AuditRecord> read_audit_records(soci::session& sql, const AuditFilter& filter) {
    Query query(sql, "SELECT " + std::string(kColumns) + " FROM audit");
    query.where("sequence > ?", static_cast<long long>(std::min<std::uint64_t>(filter.after, INT64_MAX)));
    if (!filter.kind.empty()) query.where("kind = ?", filter.kind);
    if (!filter.session.empty()) query.where("session = ?", filter.session);
    query.append(filter.newest ? " ORDER BY sequence DESC LIMIT ?" : " ORDER BY sequence LIMIT ?",
        static_cast<long long>(std::min(filter.most, kMostRows)));

    model::AuditRecord r;
    long long sequence = 0;
    long long time = 0;
    std::string hash;
    query.into(sequence);
    query.into(time);
    for (std::string* text :
        {&r.kind, &r.session, &r.user, &r.source, &r.subject, &r.outcome, &r.reason, &r.recording, &hash})
        query.into(*text);
    query.run();
    std::vector<model::AuditRecord> found;
    while (query.statement().fetch()) {
        r.sequence = static_cast<std::uint64_t>(sequence);
        r.time = base::from_unix_milliseconds(time);
        r.hash = digest_of(hash);
        found.push_back(r);
    }
    if (filter.newest) std::ranges::reverse(found);
    return found;
}

}  // namespace sekisho::store
