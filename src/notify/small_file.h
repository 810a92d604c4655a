// Small files of what is told (positions, mails): written beside and renamed, so that a reader and a crash find the old or the new one,
// and never a part. Blocks; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sekisho::notify {

/// Mode 0600. `durable`: on the disk, folder and all, when this returns; else in the system's hands.
Result<void> write_small_file(const std::string& path, std::string_view text, bool durable);
/// Fails with the detail "missing" when there is none.
Result<std::string> read_small_file(const std::string& path, std::size_t most);
/// What happened to the names in a folder is on the disk.
Result<void> sync_folder(const std::string& path);

/// How far a reader of the audit records has come. Missing: nothing was read yet.
struct Position {
    std::string path;
    Result<void> write(std::uint64_t sequence, bool durable) const;
    /// An Error with the detail "missing" when there is none.
    Result<std::uint64_t> read() const;
};

}  // namespace sekisho::notify
