// A guard in front of toml++ 3.3, which answers two things with undefined behaviour instead of an error: a table header without a
// name ("[ = x"), and letters beyond ASCII where TOML allows none (outside strings and comments, after a backslash, or first after
// a line that ends with one). Called before each parse, by app (configuration) and store (access files). Pure.
#pragma once

#include <optional>
#include <string_view>

namespace sekisho::base {

struct TomlFault {
    unsigned line = 1;
    std::string_view text;  // what is wrong there, for the person who wrote it
};

/// The first place of `text` that the parser must not be shown.
std::optional<TomlFault> toml_fault(std::string_view text);

}  // namespace sekisho::base
