// nearest(): the known word that a mistyped one was probably meant to be, for messages of parsers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::base {

/// The candidate with the fewest single-letter edits (insert, delete, replace, swap), when they are few for its length.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean X?" or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sekisho::base
