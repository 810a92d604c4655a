// Store: what must outlast the process: access, sessions, audit, learned host keys, wrapped credentials. One interface; SQLite or
// PostgreSQL behind it. Calls block: the gateway makes them on its store worker (gateway/store_worker), never on a loop. A database that
// cannot be reached fails the call; the next one tries again. tests/unit/store runs every promise made here on both.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/chain.h"
#include "model/access.h"
#include "model/activity.h"
#include "model/session.h"
#include "model/shipment.h"
#include "model/target_secret.h"
#include "store/search.h"

namespace sekisho::store {

struct SessionFilter {
    std::string user;
    std::string target;
    std::string login;
    std::string source;  // address
    std::optional<WallTime> since;  // of their start
    std::optional<WallTime> until;
    std::vector<std::string> words;  // each stands in what is known of the session, capital or not
    bool live_only = false;
    std::size_t most = 1000;
};

struct AuditFilter {
    std::string kind;
    std::string session;
    std::uint64_t after = 0;
    std::size_t most = 1000;
    bool newest = false;  // of more than `most` the last ones; also then in their order
};

struct ShipmentFilter {
    std::string audit_key;
    std::string from, to;  // audit keys, both included
    std::vector<model::ShipmentState> states;  // none: all
    std::optional<WallTime> verified_before;
    bool here = false;  // this gateway's only
    std::size_t most = 100'000;
};

/// One thread at a time. Several stores, also of several processes, may be open on one database.
class Store {
public:
    virtual ~Store() = default;

    virtual Result<model::Access> access() = 0;
    virtual Result<std::uint64_t> access_version() = 0;
    /// Replaces users, targets and rules in one transaction, with an audit record for each change; all or nothing.
    virtual Result<void> replace_access(const model::Access& access, const std::vector<model::AuditRecord>& changes) = 0;

    /// Puts and removes users that are kept elsewhere (User::origin) in one transaction, with their audit records; all or nothing. Costs
    /// what changes, not what is there. Of a user who is there already, keys, groups and origin are put: a lock, an expiry and an e-mail
    /// that were set here stay. A user of such a name who was made here is an error: they are never touched.
    virtual Result<void> change_users(const std::vector<model::User>& put, const std::vector<std::string>& remove,
        const std::vector<model::AuditRecord>& changes) = 0;

    virtual Result<void> session_started(const model::Session& session) = 0;
    virtual Result<void> session_finished(const model::Session& session) = 0;
    /// After a crash: marks this gateway's sessions without a FINISH as cut; returns them.
    virtual Result<std::vector<model::Session>> close_dangling_sessions(WallTime now) = 0;
    virtual Result<std::vector<model::Session>> sessions(const SessionFilter& filter) = 0;
    virtual Result<std::optional<model::Session>> session(const std::string& id_or_audit_key) = 0;

    /// Whoever has read up to a number finds later records behind it, whoever writes them. Gives each its number and its hash.
    virtual Result<void> audit(const model::AuditRecord& record) = 0;
    /// The end of the chain of audit records. Inside of together(): nobody else adds to it before the transaction ends.
    virtual Result<evidence::ChainHead> audit_head() = 0;
    virtual Result<std::vector<model::AuditRecord>> audit_records(const AuditFilter& filter) = 0;

    /// For the searchable index, in one transaction: all or nothing. Their sessions are known already (session_started).
    virtual Result<void> record_commands(std::span<const model::CommandRun> commands) = 0;
    virtual Result<void> record_file_operations(std::span<const model::FileOperation> operations) = 0;

    /// The newest first; an Error where it takes longer than a few seconds.
    virtual Result<std::vector<ActivityHit>> search(const ActivityFilter& filter) = 0;

    /// Host keys learned at first use, by target name: public key lines.
    virtual Result<std::vector<std::string>> learned_host_keys(const std::string& target) = 0;
    virtual Result<void> learn_host_key(const std::string& target, const std::string& line) = 0;

    /// Credentials of the gateway for targets, wrapped: of one target, or with "" of all. They go with their target.
    virtual Result<std::vector<model::TargetSecret>> target_secrets(const std::string& target) = 0;
    virtual Result<std::optional<model::TargetSecret>> target_secret(
        const std::string& target, const std::string& login, model::TargetAuth kind) = 0;
    /// In place of what was there for the same target, login and kind, with its audit record. An Error where there is no such target.
    virtual Result<void> set_target_secret(const model::TargetSecret& secret, const model::AuditRecord& record) = 0;
    /// False, and no record: there was none.
    virtual Result<bool> remove_target_secret(
        const std::string& target, const std::string& login, model::TargetAuth kind, const model::AuditRecord& record) = 0;

    /// What is remembered of recordings on their way to the bucket, by audit key.
    virtual Result<std::vector<model::Shipment>> shipments(const ShipmentFilter& filter) = 0;
    /// In place of what was there about the same objects, with audit records, in one transaction.
    virtual Result<void> put_shipments(
        const std::vector<model::Shipment>& shipments, const std::vector<model::AuditRecord>& records) = 0;

    /// Runs `work` in one transaction: its calls become durable together or not at all (group commit of the store worker).
    virtual Result<void> together(const std::function<Result<void>()>& work) = 0;

    /// What was written survives a power failure from now on. Changes of access, keys and credentials do when their call returns; the rest
    /// does by itself only where the database is a server. Any thread, also beside other calls.
    virtual Result<void> sync() = 0;
    /// Something was written that sync() is still to see to. Any thread.
    virtual bool unsynced() const = 0;

    /// False after a call that could not reach the database, or lost it: the same call may succeed in a moment.
    virtual bool reachable() const = 0;
};

/// url: "sqlite:FILE" (relative to `data_dir`), "postgresql://USER@HOST/DATABASE" or ":memory:" for tests. Creates and migrates.
Result<std::unique_ptr<Store>> open_store(const std::string& url, const std::string& data_dir);

/// What is wrong with a URL, in words that repeat nothing of it; empty: nothing.
std::string wrong_store_url(const std::string& url);
bool has_password(const std::string& url);
/// Where the store is, for people and without a password: "/var/lib/sekisho/sekisho.db", "PostgreSQL database sekisho at db1:5432".
std::string store_place(const std::string& url, const std::string& data_dir);

/// What open_store, and a connection that is made again, opens by name.
struct StoreFiles {
    std::vector<std::string> read;
    std::vector<std::string> write;
};
StoreFiles store_files(const std::string& url, const std::string& data_dir);

}  // namespace sekisho::store
