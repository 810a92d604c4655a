#include "store/schema.h"

#include <fmt/format.h>

namespace sekisho::store {
namespace {

std::vector<std::string> first(const Dialect& dialect) {
    const std::string_view text = dialect.text;
    // Lists of an object are rows of its *_items table: kind (group, key, login …), position in the list, and for maps a name.
    const auto items = [text](std::string_view table, std::string_view owners) {
        return fmt::format(
            "CREATE TABLE {1} (owner {0} NOT NULL REFERENCES {2} (name) ON DELETE CASCADE, kind {0} NOT NULL, "
            "position INTEGER NOT NULL, name {0} NOT NULL, value {0} NOT NULL, PRIMARY KEY (owner, kind, position))",
            text, table, owners);
    };
    return {
        "CREATE TABLE access_state (version BIGINT NOT NULL)",
        "INSERT INTO access_state (version) VALUES (1)",
        fmt::format(
            "CREATE TABLE users (name {0} PRIMARY KEY, email {0} NOT NULL, locked INTEGER NOT NULL, expires {0} NOT NULL)",
            text),
        items("user_items", "users"),
        fmt::format("CREATE TABLE targets (name {0} PRIMARY KEY, address {0} NOT NULL, auth {0} NOT NULL, "
                    "trust_first_use INTEGER NOT NULL, legacy INTEGER NOT NULL)",
            text),
        items("target_items", "targets"),
        fmt::format("CREATE TABLE rules (name {0} PRIMARY KEY, position INTEGER NOT NULL, record {0} NOT NULL, "
                    "on_failure {0} NOT NULL, hours {0} NOT NULL)",
            text),
        items("rule_items", "rules"),
        // Few indexes: each is another page to write at every sign-in.
        fmt::format("CREATE TABLE sessions (number {1}, id {0} NOT NULL UNIQUE, audit_key {0} NOT NULL, "
                    "user_name {0} NOT NULL, source {0} NOT NULL, source_port INTEGER NOT NULL, "
                    "key_fingerprint {0} NOT NULL, client {0} NOT NULL, target {0} NOT NULL, started_ms BIGINT NOT NULL, "
                    "finished_ms BIGINT, result {0} NOT NULL, bytes_in BIGINT NOT NULL, bytes_out BIGINT NOT NULL)",
            text, dialect.identity),
        "CREATE INDEX sessions_by_audit_key ON sessions (audit_key)",
        fmt::format("CREATE TABLE audit (sequence {1}, time_ms BIGINT NOT NULL, kind {0} NOT NULL, session {0} NOT NULL, "
                    "user_name {0} NOT NULL, source {0} NOT NULL, subject {0} NOT NULL, outcome {0} NOT NULL, "
                    "reason {0} NOT NULL)",
            text, dialect.identity),
        "CREATE INDEX audit_by_session ON audit (session, sequence)",
        fmt::format(
            "CREATE TABLE learned_host_keys (target {0} NOT NULL, line {0} NOT NULL{1})", text, dialect.learned_once),
    };
}

/// Which gateway a session runs on: several may share a database, and each closes what itself left open.
std::vector<std::string> second(const Dialect& dialect) {
    return {fmt::format("ALTER TABLE sessions ADD COLUMN gateway {} NOT NULL DEFAULT ''", dialect.text)};
}

/// Client hosts (hostbased sign-in).
std::vector<std::string> third(const Dialect& dialect) {
    return {
        fmt::format("CREATE TABLE client_hosts (name {} PRIMARY KEY)", dialect.text),
        fmt::format("CREATE TABLE client_host_items (owner {0} NOT NULL REFERENCES client_hosts (name) ON DELETE CASCADE, "
                    "kind {0} NOT NULL, position INTEGER NOT NULL, name {0} NOT NULL, value {0} NOT NULL, "
                    "PRIMARY KEY (owner, kind, position))",
            dialect.text),
    };
}

/// Where a user is kept who is not kept here.
std::vector<std::string> fourth(const Dialect& dialect) {
    return {fmt::format("ALTER TABLE users ADD COLUMN origin {} NOT NULL DEFAULT ''", dialect.text)};
}

/// Routes to hosts that have none of their own.
std::vector<std::string> routes(const Dialect& dialect) {
    return {
        fmt::format("CREATE TABLE routes (name {} PRIMARY KEY, position INTEGER NOT NULL)", dialect.text),
        fmt::format(
            "CREATE TABLE route_items (owner {0} NOT NULL REFERENCES routes (name) ON DELETE CASCADE, kind {0} NOT NULL, "
            "position INTEGER NOT NULL, name {0} NOT NULL, value {0} NOT NULL, PRIMARY KEY (owner, kind, position))",
            dialect.text),
    };
}

/// Credentials of the gateway for targets, wrapped by the keyholder. No reference to the target: its row is written anew when it changes.
std::vector<std::string> target_secrets(const Dialect& dialect) {
    return {fmt::format(
        "CREATE TABLE target_secrets (target {0} NOT NULL, login {0} NOT NULL, kind {0} NOT NULL, wrapped {0} NOT NULL, "
        "public_key {0} NOT NULL, set_by {0} NOT NULL, set_ms BIGINT NOT NULL, PRIMARY KEY (target, login, kind))",
        dialect.text)};
}

/// The searchable index (search_terms.h): commands, operations on files, and what finds them. Rows are only ever added.
std::vector<std::string> activity(const Dialect& dialect) {
    const std::string_view text = dialect.text;
    const std::string terms = dialect.terms_apart ? "" : ", terms INTEGER[] NOT NULL";
    std::vector<std::string> all{
        fmt::format("CREATE TABLE commands (number {1}, session {0} NOT NULL, channel BIGINT NOT NULL, time_ms BIGINT NOT NULL, "
                    "how {0} NOT NULL, target {0} NOT NULL, text {0} NOT NULL{2})",
            text, dialect.identity, terms),
        "CREATE INDEX commands_by_session ON commands (session)",
        fmt::format("CREATE TABLE file_operations (number {1}, session {0} NOT NULL, channel BIGINT NOT NULL, "
                    "time_ms BIGINT NOT NULL, operation {0} NOT NULL, path {0} NOT NULL, other_path {0} NOT NULL, "
                    "bytes_read BIGINT NOT NULL, bytes_written BIGINT NOT NULL, sha256 {0} NOT NULL, result {0} NOT NULL, "
                    "via {0} NOT NULL, target {0} NOT NULL{2})",
            text, dialect.identity, terms),
        "CREATE INDEX file_operations_by_session ON file_operations (session)",
        // Which numbers can be of a time: of each 1024 the first and the last time. Rows need not come in the order of their times.
        fmt::format("CREATE TABLE activity_times (kind {0} NOT NULL, chunk BIGINT NOT NULL, first_ms BIGINT NOT NULL, "
                    "last_ms BIGINT NOT NULL, PRIMARY KEY (kind, chunk))",
            text)};
    for (const std::string_view table : {"commands", "file_operations"}) {
        // Terms are numbers, and what they lead to is looked at again: no positions, no sizes, no copy.
        all.push_back(dialect.terms_apart
                          ? fmt::format("CREATE VIRTUAL TABLE {}_terms USING fts5(terms, content='', detail=none, columnsize=0, "
                                        "tokenize='ascii')",
                                table)
                          : fmt::format("CREATE INDEX {0}_terms ON {0} USING gin (terms)", table));
    }
    return all;
}

/// The chain of audit records. What is there already gets its hashes by AuditChain::complete, at every start. A gateway of an older
/// version that still writes to the same PostgreSQL fails from here on: a record outside of the chain would break it.
std::vector<std::string> audit_chain(const Dialect& dialect) {
    std::vector<std::string> statements{
        fmt::format("ALTER TABLE audit ADD COLUMN recording {} NOT NULL DEFAULT ''", dialect.text),
        fmt::format("ALTER TABLE audit ADD COLUMN hash {} NOT NULL DEFAULT ''", dialect.text)};
    if (!dialect.no_identity.empty()) statements.emplace_back(dialect.no_identity);
    return statements;
}

/// What is remembered of recordings that were shipped to a bucket. Times are 0 where it has not happened.
std::vector<std::string> shipments(const Dialect& dialect) {
    return {fmt::format("CREATE TABLE shipments (object {0} PRIMARY KEY, audit_key {0} NOT NULL, session {0} NOT NULL, "
                        "gateway {0} NOT NULL, size BIGINT NOT NULL, sha256 {0} NOT NULL, state {0} NOT NULL, "
                        "verified_ms BIGINT NOT NULL, removed_ms BIGINT NOT NULL)",
                dialect.text),
        "CREATE INDEX shipments_by_audit_key ON shipments (audit_key)",
        "CREATE INDEX shipments_by_state ON shipments (state, verified_ms)"};
}

}  // namespace

std::vector<Migration> migrations(const Dialect& dialect) {
    return {{1, first(dialect)}, {2, second(dialect)}, {3, third(dialect)}, {4, fourth(dialect)}, {5, routes(dialect)},
        {6, target_secrets(dialect)}, {7, activity(dialect)}, {8, audit_chain(dialect)}, {9, shipments(dialect)}};
}

}  // namespace sekisho::store
