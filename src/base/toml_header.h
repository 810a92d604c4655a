// A guard in front of toml++ 3.2: a table header without a name ("[ = x") is behind its assertions, and undefined behaviour where
// those are compiled out. Called before each parse, by app (configuration) and store (access files). Pure.
#pragma once

#include <optional>
#include <string_view>

namespace sekisho::base {

/// The first line whose table header has no name in front of it.
std::optional<unsigned> nameless_table_line(std::string_view text);

}  // namespace sekisho::base
