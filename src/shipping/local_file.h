// LocalFile: a recording in the folder, as shipping sees it: may it still grow, and what will it be called in the bucket. Reads its first
// and last blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "shipping/object_name.h"

namespace sekisho::shipping {

struct LocalFile {
    ObjectName name;
    std::string path;
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0;  // its mtime
    bool ended = false;  // nobody writes to it any more: end and signature are there, or whoever wrote it is gone
};

struct FileFacts {
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0;
};
std::optional<FileFacts> facts_of(const std::string& path);

/// Nothing: it is gone, or so new that nothing stands in it yet.
std::optional<LocalFile> examine(const std::string& folder, const std::string& path, WallTime now);

/// `size` bytes of it; an Error where it has fewer.
Result<std::string> read_piece(const std::string& path, std::uint64_t offset, std::size_t size);
/// Of its first `size` bytes, hex.
Result<std::string> sha256_of(const std::string& path, std::uint64_t size);

}  // namespace sekisho::shipping
