// Users, targets, rules, client hosts and routes in their tables. Private to store; all throw soci_error, inside a transaction of the
// caller.
#pragma once

#include <soci/soci.h>

#include "base/result.h"
#include "model/access.h"

namespace sekisho::store {

model::Access read_access(soci::session& sql);
/// Writes what differs from `before`; gives rules and routes their positions and raises the version.
void write_access(soci::session& sql, const model::Access& before, const model::Access& after);
std::uint64_t read_access_version(soci::session& sql);
/// Puts and removes users that are kept elsewhere, and raises the version. A user of such a name who was made here is an error.
Result<void> write_kept_elsewhere(
    soci::session& sql, const std::vector<model::User>& put, const std::vector<std::string>& remove);

}  // namespace sekisho::store
