// Search in the tables of store/activity_tables. Private to store; in a transaction that reads one state.
#pragma once

#include <vector>

#include <soci/soci.h>

#include "store/schema.h"
#include "store/search.h"

namespace sekisho::store {

/// The newest first. Commands where no path and no digest is sought, files where no command is.
std::vector<ActivityHit> search_tables(soci::session& sql, const Dialect& dialect, const ActivityFilter& filter);

}  // namespace sekisho::store
