// SqlStore: the store's interface over SQL that SQLite and PostgreSQL both read. Private to store; made by open_store.
#pragma once

#include <memory>
#include <string>

#include "store/connection.h"
#include "store/store.h"

namespace sekisho::store {

/// Connects and migrates. `gateway` is written beside this gateway's sessions; empty where a database has one gateway only.
Result<std::unique_ptr<Store>> make_sql_store(std::unique_ptr<Backend> backend, std::string gateway);

}  // namespace sekisho::store
