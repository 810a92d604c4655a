// TOML for whoever reads it here: the configuration (app) and access files. toml++ 3.3 with its assertions turned into errors: what
// they guard against is not its own fault but a text that it did not expect ("2027-12-31Tx"), and a typing error must not end a
// gateway that reads its configuration again.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace sekisho::store {

/// Throws what parse_toml catches.
[[noreturn]] void toml_assertion_failed();

}  // namespace sekisho::store

#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : ::sekisho::store::toml_assertion_failed())
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

namespace sekisho::store {

struct TomlProblem {
    unsigned line = 1;
    std::string text;  // for the person who wrote it
};

std::expected<toml::table, TomlProblem> parse_toml(std::string_view text);

}  // namespace sekisho::store
