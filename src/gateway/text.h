// Sentences for users: peer-chosen words made harmless, line ends for terminals. Used where the gateway speaks to somebody.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::gateway {

/// At most `most` bytes, control characters replaced.
std::string shown(std::string_view text, std::size_t most = 128);
/// The same for several lines, whose ends stay.
std::string shown_lines(std::string_view text, std::size_t most);
/// Every line end as CR LF, for a terminal in raw mode.
std::string for_terminal(std::string_view text);

}  // namespace sekisho::gateway
