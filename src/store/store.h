// Store: what must outlast the process: access, sessions, audit, learned host keys. One interface; SQLite behind it
// now, PostgreSQL later. Calls block: the gateway makes them on its store worker (gateway/store_worker), never on a loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/access.h"
#include "model/session.h"

namespace sekisho::store {

struct SessionFilter {
    std::string user;
    std::string target;
    bool live_only = false;
    std::size_t most = 1000;
};

struct AuditFilter {
    std::string kind;
    std::string session;
    std::uint64_t after = 0;
    std::size_t most = 1000;
};

class Store {
public:
    virtual ~Store() = default;

    virtual Result<model::Access> access() = 0;
    virtual Result<std::uint64_t> access_version() = 0;
    /// Replaces users, targets and rules in one transaction, with an audit record for each change; all or nothing.
    virtual Result<void> replace_access(const model::Access& access, const std::vector<model::AuditRecord>& changes) = 0;

    virtual Result<void> session_started(const model::Session& session) = 0;
    virtual Result<void> session_finished(const model::Session& session) = 0;
    /// After a crash: marks sessions without a FINISH as cut; returns them.
    virtual Result<std::vector<model::Session>> close_dangling_sessions(WallTime now) = 0;
    virtual Result<std::vector<model::Session>> sessions(const SessionFilter& filter) = 0;
    virtual Result<std::optional<model::Session>> session(const std::string& id_or_audit_key) = 0;

    virtual Result<void> audit(const model::AuditRecord& record) = 0;
    virtual Result<std::vector<model::AuditRecord>> audit_records(const AuditFilter& filter) = 0;

    /// Host keys learned at first use, by target name: public key lines.
    virtual Result<std::vector<std::string>> learned_host_keys(const std::string& target) = 0;
    virtual Result<void> learn_host_key(const std::string& target, const std::string& line) = 0;

    /// Runs `work` in one transaction: its calls become durable together or not at all (group commit of the store worker).
    virtual Result<void> together(const std::function<Result<void>()>& work) = 0;
};

/// url: "sqlite:FILE" (relative to `data_dir`) or ":memory:" for tests. Creates and migrates.
Result<std::unique_ptr<Store>> open_store(const std::string& url, const std::string& data_dir);

}  // namespace sekisho::store
