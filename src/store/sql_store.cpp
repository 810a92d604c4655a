// The store over SOCI: migrations, sessions, audit, learned host keys, stored credentials. Access tables: access_tables.cpp.
#include "store/sql_store.h"

#include <algorithm>

#include <fmt/format.h>
#include <soci/soci.h>

#include "store/access_tables.h"
#include "store/activity_tables.h"
#include "store/audit_chain.h"
#include "store/database.h"
#include "store/query.h"
#include "store/search_tables.h"
#include "store/search_terms.h"
#include "store/secret_tables.h"
#include "store/shipment_tables.h"
#include "store/statements.h"

namespace sekisho::store {
namespace {

using soci::into;
using soci::use;

constexpr int kMostReadings = 5;
constexpr std::chrono::seconds kLongestSearch{5};
constexpr std::string_view kSessionColumns =
    "id, audit_key, user_name, source, source_port, key_fingerprint, client, target, started_ms, finished_ms, result, "
    "bytes_in, "
    "bytes_out";

/// A session as the database has it: the types that SOCI exchanges.
struct SessionRow {
    model::Session session;
    int port = 0;
    long long started = 0;
    long long finished = 0;
    soci::indicator finished_set = soci::i_null;
    long long bytes_in = 0;
    long long bytes_out = 0;

    SessionRow() = default;
    explicit SessionRow(const model::Session& s)
        : session(s), port(s.source_port), started(base::unix_milliseconds(s.started)),
          finished(s.finished ? base::unix_milliseconds(*s.finished) : 0),
          finished_set(s.finished ? soci::i_ok : soci::i_null), bytes_in(static_cast<long long>(s.bytes_in)),
          bytes_out(static_cast<long long>(s.bytes_out)) {
        for (std::string* text : {&session.user, &session.source, &session.client, &session.target, &session.result}) {
            *text = storable(*text);
        }
    }

    void bind_into(soci::statement& statement) {
        statement.exchange(into(session.id));
        statement.exchange(into(session.audit_key));
        statement.exchange(into(session.user));
        statement.exchange(into(session.source));
        statement.exchange(into(port));
        statement.exchange(into(session.key_fingerprint));
        statement.exchange(into(session.client));
        statement.exchange(into(session.target));
        statement.exchange(into(started));
        statement.exchange(into(finished, finished_set));
        statement.exchange(into(session.result));
        statement.exchange(into(bytes_in));
        statement.exchange(into(bytes_out));
    }

    model::Session value() const {
        model::Session s = session;
        s.source_port = static_cast<std::uint16_t>(port);
        s.started = base::from_unix_milliseconds(started);
        if (finished_set == soci::i_ok) s.finished = base::from_unix_milliseconds(finished);
        s.bytes_in = static_cast<std::uint64_t>(bytes_in);
        s.bytes_out = static_cast<std::uint64_t>(bytes_out);
        return s;
    }
};

/// INSERT INTO sessions, and the UPDATE at a session's end; parsed once each.
class SessionWrites {
public:
    SessionWrites(soci::session& sql, const std::string& gateway)
        : m_gateway(gateway),
          m_insert(
              (sql.prepare
                      << "INSERT INTO sessions (" << kSessionColumns
                      << ", gateway) VALUES (:id, :audit_key, :user_name, :source, :port, :key, :client, :target, :started, "
                         ":finished, :result, :in, :out, :gateway)",
                  use(m_row.session.id), use(m_row.session.audit_key), use(m_row.session.user), use(m_row.session.source),
                  use(m_row.port), use(m_row.session.key_fingerprint), use(m_row.session.client), use(m_row.session.target),
                  use(m_row.started), use(m_row.finished, m_row.finished_set), use(m_row.session.result),
                  use(m_row.bytes_in), use(m_row.bytes_out), use(m_gateway))),
          m_finish(
              (sql.prepare << "UPDATE sessions SET user_name = :user_name, target = :target, finished_ms = :finished, "
                              "result = :result, bytes_in = :in, bytes_out = :out WHERE id = :id AND audit_key = :audit_key",
                  use(m_row.session.user), use(m_row.session.target), use(m_row.finished, m_row.finished_set),
                  use(m_row.session.result), use(m_row.bytes_in), use(m_row.bytes_out), use(m_row.session.id),
                  use(m_row.session.audit_key))),
          m_update(
              (sql.prepare << "UPDATE sessions SET audit_key = :audit_key, user_name = :user_name, target = :target, "
                              "finished_ms = :finished, result = :result, bytes_in = :in, bytes_out = :out WHERE id = :id",
                  use(m_row.session.audit_key), use(m_row.session.user), use(m_row.session.target),
                  use(m_row.finished, m_row.finished_set), use(m_row.session.result), use(m_row.bytes_in),
                  use(m_row.bytes_out), use(m_row.session.id))) {}

    void insert(const model::Session& session) {
        m_row = SessionRow(session);
        m_run(m_insert);
    }
    /// False: there is no such row. SQLite writes the index of audit keys anew wherever one is set, changed or not; it hardly ever is.
    bool update(const model::Session& session) {
        m_row = SessionRow(session);
        m_run(m_finish);
        if (m_finish.get_affected_rows() > 0) return true;
        m_run(m_update);
        return m_update.get_affected_rows() > 0;
    }
    bool failed() const { return m_run.failed(); }

private:
    SessionRow m_row;
    std::string m_gateway;
    soci::statement m_insert;
    soci::statement m_finish;
    soci::statement m_update;
    Run m_run;
};

class SqlStore final : public Store {
public:
    SqlStore(std::unique_ptr<Backend> backend, std::string gateway)
        : m_gateway(std::move(gateway)), m_database(std::move(backend), [this] {
              m_audit_chain.reset();
              m_session_writes.reset();
              m_activity_writes.reset();
          }) {}

    Result<void> migrate();

    Result<model::Access> access() override {
        const bool one_state = !m_database.in_transaction();
        return m_database.snapshot("read access", [&]() -> Result<model::Access> {
            // A transaction that writes may see what others commit meanwhile. A lock could wait for one who waits for us.
            for (int attempt = 0; attempt < kMostReadings; ++attempt) {
                model::Access access = read_access(sql());
                if (one_state || read_access_version(sql()) == access.version) return access;
            }
            return fail("access is changed again and again; try again in a moment");
        });
    }

    Result<std::uint64_t> access_version() override {
        return m_database.guarded("read access", [&]() -> Result<std::uint64_t> { return read_access_version(sql()); });
    }

    Result<void> replace_access(const model::Access& access, const std::vector<model::AuditRecord>& changes) override {
        return m_database.transaction("change access", [&]() -> Result<void> {
            m_database.must_last();
            m_database.lock(m_database.dialect().lock_access);
            const model::Access before = read_access(sql());
            if (access.version != 0 && access.version != before.version) {
                return fail("access was changed by somebody else in the meantime; nothing was done, try again");
            }
            write_access(sql(), before, access);
            for (const model::AuditRecord& change : changes) insert_audit(change);
            return {};
        });
    }

    Result<void> change_users(const std::vector<model::User>& put, const std::vector<std::string>& remove,
        const std::vector<model::AuditRecord>& changes) override {
        return m_database.transaction("change users", [&]() -> Result<void> {
            m_database.must_last();
            m_database.lock(m_database.dialect().lock_access);
            if (auto written = write_kept_elsewhere(sql(), put, remove); !written) return written;
            for (const model::AuditRecord& change : changes) insert_audit(change);
            return {};
        });
    }

    Result<void> session_started(const model::Session& session) override {
        return m_database.transaction("write a session", [&]() -> Result<void> {
            insert_session(session);
            return {};
        });
    }
    Result<void> session_finished(const model::Session& session) override;
    Result<std::vector<model::Session>> close_dangling_sessions(WallTime now) override;
    Result<std::vector<model::Session>> sessions(const SessionFilter& filter) override;
    Result<std::optional<model::Session>> session(const std::string& id_or_audit_key) override;

    Result<void> audit(const model::AuditRecord& record) override {
        return m_database.transaction("write an audit record", [&]() -> Result<void> {
            insert_audit(record);
            return {};
        });
    }
    Result<evidence::ChainHead> audit_head() override;
    Result<std::vector<model::AuditRecord>> audit_records(const AuditFilter& filter) override;

    Result<void> record_commands(std::span<const model::CommandRun> commands) override { return record_activity(commands); }
    Result<void> record_file_operations(std::span<const model::FileOperation> operations) override {
        return record_activity(operations);
    }

    Result<std::vector<ActivityHit>> search(const ActivityFilter& filter) override {
        return m_database.snapshot("search", [&]() -> Result<std::vector<ActivityHit>> {
            const auto limited = m_database.limit_time(kLongestSearch);
            return search_tables(sql(), m_database.dialect(), filter);
        });
    }

    Result<std::vector<std::string>> learned_host_keys(const std::string& target) override;
    Result<void> learn_host_key(const std::string& target, const std::string& line) override;

    Result<std::vector<model::TargetSecret>> target_secrets(const std::string& target) override;
    Result<std::optional<model::TargetSecret>> target_secret(
        const std::string& target, const std::string& login, model::TargetAuth kind) override;
    Result<void> set_target_secret(const model::TargetSecret& secret, const model::AuditRecord& record) override;
    Result<bool> remove_target_secret(const std::string& target, const std::string& login, model::TargetAuth kind,
        const model::AuditRecord& record) override;

    Result<std::vector<model::Shipment>> shipments(const ShipmentFilter& filter) override;
    Result<void> put_shipments(
        const std::vector<model::Shipment>& shipments, const std::vector<model::AuditRecord>& records) override;

    Result<void> together(const std::function<Result<void>()>& work) override {
        return m_database.transaction("write together", [&]() -> Result<void> { return work(); });
    }
    Result<void> sync() override { return m_database.sync(); }
    bool unsynced() const override { return m_database.unsynced(); }
    bool reachable() const override { return m_database.reachable(); }

private:
    Result<bool> migrate_once(const std::vector<Migration>& all);
    soci::session& sql() { return m_database.sql(); }
    void insert_session(const model::Session& session) { writes().insert(session); }
    template <class Item>
    Result<void> record_activity(std::span<const Item> items);
    void insert_audit(const model::AuditRecord& record) { audit_chain().append(record); }
    AuditChain& audit_chain();
    SessionWrites& writes();
    std::vector<model::Session> fetch_sessions(soci::statement& statement, SessionRow& row, const std::string& text);

    std::string m_gateway;  // whose sessions these are
    // Made at their first use, when the tables are there; gone before their connection.
    std::optional<AuditChain> m_audit_chain;
    std::optional<SessionWrites> m_session_writes;
    std::optional<ActivityWrites> m_activity_writes;
    Database m_database;
};

/// One migration, one transaction; under a lock, because several gateways may begin at once.
Result<void> SqlStore::migrate() {
    const std::vector<Migration> all = migrations(m_database.dialect());
    for (bool more = true; more;) {
        const auto step = m_database.transaction("prepare tables", [&]() -> Result<bool> { return migrate_once(all); });
        if (!step) return std::unexpected(step.error());
        more = *step;
    }
    return {};
}

/// False: nothing was left to do.
Result<bool> SqlStore::migrate_once(const std::vector<Migration>& all) {
    m_database.lock(m_database.dialect().lock_schema);
    sql() << "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)";
    int version = 0;
    soci::indicator set = soci::i_null;
    sql() << "SELECT MAX(version) FROM schema_version", into(version, set);
    if (set == soci::i_null) version = 0;
    if (version > all.back().version) {
        return fail(
            fmt::format("the store has tables of version {}, written by a newer sekisho; this one knows them up to {}. "
                        "Install the newer one again, or restore a copy of the store from before",
                version, all.back().version));
    }
    const auto next = std::ranges::find_if(all, [&](const Migration& one) { return one.version > version; });
    if (next == all.end()) return false;
    for (const std::string& statement : next->statements) sql() << statement;
    sql() << "INSERT INTO schema_version (version) VALUES (:v)", use(next->version);
    return true;
}

SessionWrites& SqlStore::writes() {
    if (!m_session_writes || m_session_writes->failed()) m_session_writes.emplace(sql(), m_gateway);
    return *m_session_writes;
}

Result<void> SqlStore::session_finished(const model::Session& session) {
    return m_database.transaction("write a session's end", [&]() -> Result<void> {
        if (!writes().update(session)) insert_session(session);  // its start was not stored: keep the end all the same
        return {};
    });
}

std::vector<model::Session> SqlStore::fetch_sessions(soci::statement& statement, SessionRow& row, const std::string& text) {
    row.bind_into(statement);
    statement.alloc();
    statement.prepare(text);
    statement.define_and_bind();
    statement.execute();
    std::vector<model::Session> found;
    while (statement.fetch()) found.push_back(row.value());
    return found;
}

Result<std::vector<model::Session>> SqlStore::close_dangling_sessions(WallTime now) {
    return m_database.transaction("close sessions that were cut", [&]() -> Result<std::vector<model::Session>> {
        SessionRow row;
        soci::statement select(sql());
        select.exchange(use(m_gateway));
        auto found = fetch_sessions(select, row,
            "SELECT " + std::string(kSessionColumns) +
                " FROM sessions WHERE finished_ms IS NULL AND gateway = :gateway ORDER BY number");
        const long long finished = base::unix_milliseconds(now);
        sql() << "UPDATE sessions SET finished_ms = :now, result = 'cut' WHERE finished_ms IS NULL AND gateway = :gateway",
            use(finished), use(m_gateway);
        for (model::Session& session : found) {
            session.finished = base::from_unix_milliseconds(finished);
            session.result = "cut";
        }
        return found;
    });
}

Result<std::vector<model::Session>> SqlStore::sessions(const SessionFilter& filter) {
    return m_database.guarded("read sessions", [&]() -> Result<std::vector<model::Session>> {
        Query query(sql(), "SELECT " + std::string(kSessionColumns) + " FROM sessions");
        if (!filter.user.empty()) query.where("user_name = ?", storable(filter.user));
        if (const std::string target = storable(filter.target); !target.empty())
            query.where("(target = ? OR target LIKE ? ESCAPE '\\')", target, "%@" + like_text(target));
        if (!filter.login.empty()) query.where("target LIKE ? ESCAPE '\\'", like_text(storable(filter.login)) + "@%");
        if (!filter.source.empty()) query.where("source = ?", storable(filter.source));
        if (filter.since) query.where("started_ms >= ?", static_cast<long long>(base::unix_milliseconds(*filter.since)));
        if (filter.until) query.where("started_ms <= ?", static_cast<long long>(base::unix_milliseconds(*filter.until)));
        for (const std::string& word : filter.words) {
            query.where(fmt::format("{}(lower(user_name || ' ' || target || ' ' || source || ' ' || audit_key || ' ' || id || ' ' || "
                                    "client || ' ' || key_fingerprint), ?) > 0",
                            m_database.dialect().position),
                in_small_letters(storable(word)));
        }
        if (filter.live_only) query.where("finished_ms IS NULL");
        query.append(" ORDER BY number DESC LIMIT ?", static_cast<long long>(std::min(filter.most, kMostRows)));
        SessionRow row;
        row.bind_into(query.statement());
        query.run();
        std::vector<model::Session> found;
        while (query.statement().fetch()) found.push_back(row.value());
        return found;
    });
}

Result<std::optional<model::Session>> SqlStore::session(const std::string& id_or_audit_key) {
    return m_database.guarded("read a session", [&]() -> Result<std::optional<model::Session>> {
        const std::string wanted = storable(id_or_audit_key);
        if (wanted.empty()) return std::nullopt;
        soci::statement select(sql());
        select.exchange(use(wanted));
        select.exchange(use(wanted));
        SessionRow row;
        auto found = fetch_sessions(select, row,
            "SELECT " + std::string(kSessionColumns) +
                " FROM sessions WHERE id = :id OR audit_key = :key ORDER BY number DESC LIMIT 1");
        if (found.empty()) return std::nullopt;
        return std::move(found.front());
    });
}

/// Where it goes on in the open transaction, under the lock.
AuditChain& SqlStore::audit_chain() {
    if (m_audit_chain && !m_audit_chain->failed() && m_audit_chain->begun()) return *m_audit_chain;
    m_database.lock(m_database.dialect().lock_records);
    if (!m_audit_chain || m_audit_chain->failed()) m_audit_chain.emplace(m_database);
    m_audit_chain->begin();
    return *m_audit_chain;
}

Result<evidence::ChainHead> SqlStore::audit_head() {
    return m_database.transaction(
        "read audit records", [&]() -> Result<evidence::ChainHead> { return audit_chain().head(); });
}

Result<std::vector<model::AuditRecord>> SqlStore::audit_records(const AuditFilter& filter) {
    return m_database.guarded("read audit records",
        [&]() -> Result<std::vector<model::AuditRecord>> { return read_audit_records(sql(), filter); });
}

template <class Item>
Result<void> SqlStore::record_activity(std::span<const Item> items) {
    if (items.empty()) return {};
    return m_database.transaction("write what was done", [&]() -> Result<void> {
        m_database.lock(m_database.dialect().lock_records);
        if (!m_activity_writes || m_activity_writes->failed()) m_activity_writes.emplace(sql(), m_database.dialect());
        m_activity_writes->insert(items);
        return {};
    });
}

Result<std::vector<std::string>> SqlStore::learned_host_keys(const std::string& target) {
    return m_database.guarded("read host keys", [&]() -> Result<std::vector<std::string>> {
        std::vector<std::string> lines;
        std::string line;
        soci::statement select =
            (sql().prepare << "SELECT line FROM learned_host_keys WHERE target = :t ORDER BY line", use(target), into(line));
        select.execute();
        while (select.fetch()) lines.push_back(line);
        return lines;
    });
}

Result<void> SqlStore::learn_host_key(const std::string& target, const std::string& line) {
    return m_database.transaction("keep a host key", [&]() -> Result<void> {
        m_database.must_last();
        m_database.lock(m_database.dialect().lock_records);
        int known = 0;
        sql() << "SELECT COUNT(*) FROM learned_host_keys WHERE target = :t AND line = :l", use(target), use(line),
            into(known);
        if (known == 0) sql() << "INSERT INTO learned_host_keys (target, line) VALUES (:t, :l)", use(target), use(line);
        return {};
    });
}

// --- shipments ---

Result<std::vector<model::Shipment>> SqlStore::shipments(const ShipmentFilter& filter) {
    return m_database.guarded("read shipments",
        [&]() -> Result<std::vector<model::Shipment>> { return read_shipments(sql(), filter, m_gateway); });
}

Result<void> SqlStore::put_shipments(
    const std::vector<model::Shipment>& shipments, const std::vector<model::AuditRecord>& records) {
    return m_database.transaction("store shipments", [&]() -> Result<void> {
        m_database.must_last();
        for (const model::Shipment& shipment : shipments) write_shipment(sql(), shipment, m_gateway);
        for (const model::AuditRecord& record : records) insert_audit(record);
        return {};
    });
}

// --- wrapped credentials ---

Result<std::vector<model::TargetSecret>> SqlStore::target_secrets(const std::string& target) {
    return m_database.guarded("read stored credentials",
        [&]() -> Result<std::vector<model::TargetSecret>> { return read_secrets(sql(), storable(target)); });
}

Result<std::optional<model::TargetSecret>> SqlStore::target_secret(
    const std::string& target, const std::string& login, model::TargetAuth kind) {
    if (target.empty()) return std::nullopt;
    auto all = target_secrets(target);
    if (!all) return std::unexpected(all.error());
    for (model::TargetSecret& one : *all) {
        if (one.login == login && one.kind == kind) return std::move(one);
    }
    return std::nullopt;
}

/// Under the lock of access: the target stays while its credential is written.
Result<void> SqlStore::set_target_secret(const model::TargetSecret& secret, const model::AuditRecord& record) {
    return m_database.transaction("store a credential", [&]() -> Result<void> {
        m_database.must_last();
        m_database.lock(m_database.dialect().lock_access);
        if (!has_target(sql(), secret.target)) return fail("no target is called " + secret.target);
        write_secret(sql(), secret);
        insert_audit(record);
        return {};
    });
}

Result<bool> SqlStore::remove_target_secret(
    const std::string& target, const std::string& login, model::TargetAuth kind, const model::AuditRecord& record) {
    return m_database.transaction("remove a stored credential", [&]() -> Result<bool> {
        m_database.must_last();
        m_database.lock(m_database.dialect().lock_access);
        if (!delete_secret(sql(), storable(target), storable(login), kind)) return false;
        insert_audit(record);
        return true;
    });
}

}  // namespace

Result<std::unique_ptr<Store>> make_sql_store(std::unique_ptr<Backend> backend, std::string gateway) {
    auto store = std::make_unique<SqlStore>(std::move(backend), std::move(gateway));
    if (auto migrated = store->migrate(); !migrated) return std::unexpected(migrated.error());
    // Records of an older version get their hashes.
    if (auto head = store->audit_head(); !head) return std::unexpected(head.error());
    return store;
}

}  // namespace sekisho::store
