// The store's tables, as numbered migrations in SQL that SQLite and PostgreSQL both read. A migration is never changed once
// released: what follows is a new one. Called by open_store only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::store {

/// What the databases spell differently.
struct Dialect {
    std::string_view begin;     // a transaction that may write
    std::string_view snapshot;  // a transaction that reads one state
    std::string_view identity;  // type of a column that numbers its rows, each higher than all before it
};
inline constexpr Dialect kSqlite{"BEGIN IMMEDIATE", "BEGIN", "INTEGER PRIMARY KEY"};

struct Migration {
    int version;
    std::vector<std::string> statements;
};

std::vector<Migration> migrations(const Dialect& dialect);

}  // namespace sekisho::store
