// Export: a recording as other tools read it: typescript and timing file of script(1), and asciicast v2 and v3. Sinks take text
// in order and answer false when it cannot be written. Used by cli. One thread.
#pragma once

#include <functional>
#include <string>

#include "recording/replay.h"

namespace sekisho::recording {

using Sink = std::function<bool(std::string_view)>;
/// What an export says when its sink does not take more.
inline std::unexpected<Error> unwritten() { return fail("the export cannot be written"); }

struct ExportOptions {
    std::optional<std::uint32_t> channel;  // without: all session channels, as one
    bool input = false;                    // asciicast: with "i" events
};

/// `data`: a first line that scriptreplay(1) skips, then the output. `timing`: "delay bytes" for each piece of it.
Result<void> export_script(Reader& reader, const ExportOptions& options, const Sink& data, const Sink& timing);

enum class Asciicast { V2, V3 };
Result<void> export_asciicast(Reader& reader, Asciicast version, const ExportOptions& options, const Sink& out);

/// Makes valid UTF-8 of bytes that arrive in pieces: a character that is not whole waits for the next piece, what can never
/// become one is U+FFFD.
class Utf8Joiner {
public:
    std::string add(BytesView bytes);
    /// What is still waiting, as U+FFFD.
    std::string finish();

private:
    std::string m_tail;  // at most three bytes
};

}  // namespace sekisho::recording
