// Commands of a recording: the JSON that an event of type 7 holds, and the list of all that ran, exec and typed. Written by Track, read
// by show and export. Pure; any thread.
#pragma once

#include "recording/export.h"
#include "recording/follower.h"

namespace sekisho::recording {

std::string encode_command(const terminal::CommandReader::Command& command);

struct CommandEntry {
    std::uint32_t channel = 0;
    std::chrono::microseconds at{};  // since the start: when it was asked for, or Enter was pressed
    bool typed = false;
    std::string text;
    std::string prompt;  // of a typed one
    std::string target;
};
/// In order of time. Reads the recording to its end.
std::vector<CommandEntry> commands_of(Reader& reader, std::optional<std::uint32_t> channel);

/// JSON lines: time, seconds, channel, target, how (exec or typed), text, prompt.
Result<void> export_commands(Reader& reader, const ExportOptions& options, const Sink& out);

}  // namespace sekisho::recording
