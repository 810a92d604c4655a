#include "store/toml.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/toml_guard.h"

namespace sekisho::store {
namespace {

struct AssertionFailed {};

/// Nothing: one of its assertions did not hold.
std::optional<toml::parse_result> attempt(std::string_view text) {
    try {
        return toml::parse(text);
    } catch (const AssertionFailed&) {
        return std::nullopt;
    }
}

/// The parser reads line by line: the first so many lines that it stumbles over.
unsigned stumbling_line(std::string_view text) {
    std::vector<std::size_t> ends;
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) ends.push_back(at + 1);
    const auto found = std::ranges::partition_point(ends, [&](std::size_t end) { return attempt(text.substr(0, end)).has_value(); });
    return static_cast<unsigned>(found - ends.begin()) + 1;
}

}  // namespace

void toml_assertion_failed() { throw AssertionFailed(); }

std::expected<toml::table, TomlProblem> parse_toml(std::string_view text) {
    if (const auto fault = base::toml_fault(text)) return std::unexpected(TomlProblem{fault->line, std::string(fault->text)});
    auto parsed = attempt(text);
    if (!parsed) return std::unexpected(TomlProblem{stumbling_line(text), "a value is not understood; texts belong between quotes"});
    if (!*parsed) {
        return std::unexpected(TomlProblem{parsed->error().source().begin.line, std::string(parsed->error().description())});
    }
    return std::move(*parsed).table();
}

}  // namespace sekisho::store
