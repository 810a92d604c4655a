#include "store/schema.h"

#include <fmt/format.h>

namespace sekisho::store {
namespace {

// Lists of an object are rows of its *_items table: kind (group, key, login …), position in the list, and for maps a name.
std::vector<std::string> first(const Dialect& dialect) {
    return {
        "CREATE TABLE access_state (version BIGINT NOT NULL)",
        "INSERT INTO access_state (version) VALUES (1)",
        "CREATE TABLE users (name TEXT PRIMARY KEY, email TEXT NOT NULL, locked INTEGER NOT NULL, expires TEXT NOT NULL)",
        "CREATE TABLE user_items (owner TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE, kind TEXT NOT NULL, "
        "position INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (owner, kind, position))",
        "CREATE TABLE targets (name TEXT PRIMARY KEY, address TEXT NOT NULL, auth TEXT NOT NULL, "
        "trust_first_use INTEGER NOT NULL, legacy INTEGER NOT NULL)",
        "CREATE TABLE target_items (owner TEXT NOT NULL REFERENCES targets (name) ON DELETE CASCADE, kind TEXT NOT NULL, "
        "position INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (owner, kind, position))",
        "CREATE TABLE rules (name TEXT PRIMARY KEY, position INTEGER NOT NULL, record TEXT NOT NULL, "
        "on_failure TEXT NOT NULL, hours TEXT NOT NULL)",
        "CREATE TABLE rule_items (owner TEXT NOT NULL REFERENCES rules (name) ON DELETE CASCADE, kind TEXT NOT NULL, "
        "position INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (owner, kind, position))",
        // Few indexes: each is another page to write at every sign-in.
        fmt::format("CREATE TABLE sessions (number {}, id TEXT NOT NULL UNIQUE, audit_key TEXT NOT NULL, "
                    "user_name TEXT NOT NULL, source TEXT NOT NULL, source_port INTEGER NOT NULL, "
                    "key_fingerprint TEXT NOT NULL, client TEXT NOT NULL, target TEXT NOT NULL, started_ms BIGINT NOT NULL, "
                    "finished_ms BIGINT, result TEXT NOT NULL, bytes_in BIGINT NOT NULL, bytes_out BIGINT NOT NULL)",
            dialect.identity),
        "CREATE INDEX sessions_by_audit_key ON sessions (audit_key)",
        fmt::format("CREATE TABLE audit (sequence {}, time_ms BIGINT NOT NULL, kind TEXT NOT NULL, session TEXT NOT NULL, "
                    "user_name TEXT NOT NULL, source TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, "
                    "reason TEXT NOT NULL)",
            dialect.identity),
        "CREATE INDEX audit_by_session ON audit (session, sequence)",
        "CREATE TABLE learned_host_keys (target TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (target, line))",
    };
}

/// Client hosts (hostbased sign-in).
std::vector<std::string> client_hosts() {
    return {
        "CREATE TABLE client_hosts (name TEXT PRIMARY KEY)",
        "CREATE TABLE client_host_items (owner TEXT NOT NULL REFERENCES client_hosts (name) ON DELETE CASCADE, kind TEXT NOT NULL, "
        "position INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (owner, kind, position))",
    };
}

}  // namespace

std::vector<Migration> migrations(const Dialect& dialect) { return {{1, first(dialect)}, {2, client_hosts()}}; }

}  // namespace sekisho::store
