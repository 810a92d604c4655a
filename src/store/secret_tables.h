// Wrapped credentials in their table. Private to store; all throw soci_error, inside a transaction of the caller.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <soci/soci.h>

#include "model/target_secret.h"

namespace sekisho::store {

/// Of one target, or with "" of all; by target, login and kind.
std::vector<model::TargetSecret> read_secrets(soci::session& sql, const std::string& target);
/// In place of the one that is there.
void write_secret(soci::session& sql, const model::TargetSecret& secret);
bool delete_secret(soci::session& sql, const std::string& target, const std::string& login, model::TargetAuth kind);
/// Of a target that is removed.
void delete_secrets(soci::session& sql, const std::string& target);
bool has_target(soci::session& sql, const std::string& target);

}  // namespace sekisho::store
