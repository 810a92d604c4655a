// The JSON text of event 8: what sftp or scp did to a file (docs/RECORDING_FORMAT.md). Written by the gateway, read by `recordings show`
// and export. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "sftp/operation.h"

namespace sekisho::recording {

inline constexpr std::size_t kFileEventMost = 48 * 1024;  // bytes; an event stands in one block

/// `via`: "sftp" or "scp". At most kFileEventMost bytes: the longest paths are cut for that.
std::string encode_file_event(const sftp::Operation& operation, std::string_view via);

}  // namespace sekisho::recording
