// What a recording says of files: one JSON object for each operation, with its time and channel. Source of `recordings show --files` and of
// the export as JSON lines. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "recording/export.h"
#include "recording/reader.h"

namespace sekisho::recording {

/// An operation as it was recorded; empty texts for what is not there.
struct FileEvent {
    std::uint32_t channel = 0;
    std::chrono::microseconds at{};
    std::string target;  // of the channel
    std::string json;  // as recorded, one object
    std::string operation, path, other_path, sha256, result, via, detail;
    std::uint64_t bytes_read = 0, bytes_written = 0;
};

/// The next one, from where `reader` is. What cannot be read as one is stepped over.
class FileEvents {
public:
    FileEvents(Reader& reader, std::optional<std::uint32_t> channel) : m_reader(reader), m_channel(channel) {}
    std::optional<FileEvent> next();

private:
    Reader& m_reader;
    const std::optional<std::uint32_t> m_channel;
    std::map<std::uint32_t, std::string> m_targets;
};

/// The recorded object, and with it "audit_key", "session", "user", "source", "target", "channel" and "time" (RFC 3339).
std::string full_json(const FileEvent& event, const Facts& facts);

/// JSON lines.
Result<void> export_files(Reader& reader, const ExportOptions& options, const Sink& out);

}  // namespace sekisho::recording
