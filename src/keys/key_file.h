// Files of secret keys on disk: read when they are nobody else's business, written whole or not at all. Private to keys.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "base/secret.h"

namespace sekisho::keys {

/// A regular file of at most 64 KiB whose mode gives nothing to group or others; says so otherwise.
Result<Secret> read_key_file(const std::filesystem::path& path);
/// PATH (0600, must not exist) and PATH.pub (0644), both through a temporary name and fsync.
Result<void> write_key_files(const std::filesystem::path& path, BytesView secret_text, BytesView public_text);

}  // namespace sekisho::keys
