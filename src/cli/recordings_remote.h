// Recordings of a gateway whose folder this account may not read: by the admin API, for auditors. Private to cli.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/command.h"

namespace sekisho::cli {

/// This account may not look into it, though it is there.
bool is_closed(const std::string& path);
/// A path under which the recording can be read as long as this process lives; no name of it stays behind.
Result<std::string> fetch_recording(const Context& context, const std::string& audit_key);
/// `recordings ls` by the admin API.
int list_recordings(const Context& context, const std::string& user, bool json);

}  // namespace sekisho::cli
