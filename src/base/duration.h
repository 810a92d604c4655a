// Lengths of time as people write them: "90s", "5m", "8h", "2d"; "0". Used by the configuration and by access files.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sekisho::base {

Result<std::chrono::seconds> parse_duration(std::string_view text);
/// In the largest unit that leaves a whole number.
std::string duration_text(std::chrono::seconds time);

}  // namespace sekisho::base
