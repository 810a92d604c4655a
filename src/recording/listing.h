// Listing: what `recordings ls` shows of each recording, read from its first and last blocks. Used by cli and mark_cut. One thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "recording/facts.h"

namespace sekisho::recording {

enum class State { Complete, Live, Cut, Failed, Damaged };
std::string_view name(State state);

struct Entry {
    Facts facts;
    std::string path;
    std::uint64_t size = 0;
    std::chrono::microseconds duration{};
    State state = State::Complete;
    std::string reason;
    std::vector<std::string> targets;
    bool has_signature = false;  // behind its end; not checked
};

/// Whether the file closes with an end block. Looks at its last bytes only.
bool has_end(const std::string& path);
/// Whether a signature stands behind that. Nothing is added to such a file any more.
bool has_signature(const std::string& path);
/// `folder` tells whether the recording's writer lives. Fails where the file cannot be read or is no recording.
Result<Entry> describe(const std::string& folder, const std::string& path);

}  // namespace sekisho::recording
