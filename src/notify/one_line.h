// One line of text out of anything: names, addresses and reasons come from strangers, and what is made of them ends up in mails and
// in other people's logs. Pure; used by whatever is told.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::notify {

/// Valid UTF-8 of at most `most` bytes, cut between characters with "…" behind it. Control characters, line ends of every kind and
/// what turns the direction of writing become '_', bytes that are no UTF-8 '?'.
std::string one_line(std::string_view text, std::size_t most = 256);

/// Bytes of the character that `text` begins with; 0: it is no well-formed one (RFC 3629 §4).
std::size_t character_bytes(std::string_view text);

}  // namespace sekisho::notify
