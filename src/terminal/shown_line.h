// Where what was typed stands in a line of the screen. Spaces do not count: a shell that did not know where the cursor was fills rows with
// them.
#pragma once

#include <optional>
#include <string_view>

namespace sekisho::terminal {

/// Where `typed` begins at the end of `line`.
std::optional<std::size_t> begin_of(std::string_view line, std::string_view typed);
/// Behind which `typed` ends at the beginning of `line`.
std::optional<std::size_t> end_of(std::string_view line, std::string_view typed);
/// Nothing, or spaces.
inline bool blank(std::string_view text) { return text.find_first_not_of(' ') == std::string_view::npos; }

}  // namespace sekisho::terminal
