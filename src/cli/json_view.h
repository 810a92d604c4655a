// JsonView: reading answers of the admin API without showing the JSON library to every command. A missing or differently typed
// value reads as empty: the CLI prints what it is told and decides nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::cli {

class JsonView {
public:
    /// Nothing when `text` is not JSON.
    static std::optional<JsonView> parse(std::string_view text);

    std::string text(std::string_view key) const;
    std::uint64_t number(std::string_view key) const;
    bool flag(std::string_view key) const;
    JsonView at(std::string_view key) const;
    std::vector<JsonView> list(std::string_view key) const;
    std::vector<std::string> texts(std::string_view key) const;
    /// The members of an object whose values are texts.
    std::vector<std::pair<std::string, std::string>> pairs(std::string_view key) const;
    /// Indented, for --json.
    std::string pretty() const;

    struct State;

private:
    explicit JsonView(std::shared_ptr<const State> state) : m_state(std::move(state)) {}
    std::shared_ptr<const State> m_state;
};

/// {"files": [{"name", "text"} …], "dry_run", "prune", "version"} for POST /v1/apply.
std::string apply_body(
    const std::vector<std::pair<std::string, std::string>>& files, bool dry_run, bool prune, std::uint64_t version);

}  // namespace sekisho::cli
