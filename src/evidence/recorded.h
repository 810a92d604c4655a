// Recorded: what an audit record says about a recording: its name, and what was written of it when it ended. A session's start names its
// recording, its finish (or the record that says it was cut) adds the last checksum. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "evidence/chain.h"

namespace sekisho::evidence {

struct Written {
    std::uint32_t blocks = 0;  // with the end
    std::uint64_t size = 0;  // of the file, up to and with the end
    Digest last{};  // checksum of the end: stands for the whole recording
    friend bool operator==(const Written&, const Written&) = default;
};

struct Recorded {
    std::string audit_key;
    std::optional<Written> written;  // nothing: it has no end yet, or could not get one
};

/// "AUDITKEY", or "AUDITKEY blocks=3 size=702 sha256=HEX"; empty where there is no audit key.
std::string recorded_text(std::string_view audit_key, const std::optional<Written>& written = std::nullopt);
/// Nothing where it is empty or malformed.
std::optional<Recorded> read_recorded(std::string_view text);

}  // namespace sekisho::evidence
