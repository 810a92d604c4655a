// Users, targets, rules and client hosts in their tables. Private to store; all throw soci_error, inside a transaction of the caller.
#pragma once

#include <soci/soci.h>

#include "model/access.h"

namespace sekisho::store {

model::Access read_access(soci::session& sql);
/// Writes what differs from `before`; gives rules their positions and raises the version.
void write_access(soci::session& sql, const model::Access& before, const model::Access& after);
std::uint64_t read_access_version(soci::session& sql);

}  // namespace sekisho::store
