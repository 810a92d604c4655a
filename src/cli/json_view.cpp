#include "cli/json_view.h"

#include <nlohmann/json.hpp>

namespace sekisho::cli {

using Json = nlohmann::json;

struct JsonView::State {
    std::shared_ptr<const Json> document;  // keeps `here` alive
    const Json* here;
};

namespace {

const Json kNothing;

const Json& member(const Json& json, std::string_view key) {
    if (!json.is_object()) return kNothing;
    const auto found = json.find(key);
    return found == json.end() ? kNothing : *found;
}

}  // namespace

std::optional<JsonView> JsonView::parse(std::string_view text) {
    auto document = std::make_shared<const Json>(Json::parse(text, nullptr, false));
    if (document->is_discarded()) return std::nullopt;
    const Json* here = document.get();
    return JsonView(std::make_shared<const State>(State{std::move(document), here}));
}

std::string JsonView::text(std::string_view key) const {
    const Json& value = member(*m_state->here, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::uint64_t JsonView::number(std::string_view key) const {
    const Json& value = member(*m_state->here, key);
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

bool JsonView::flag(std::string_view key) const {
    const Json& value = member(*m_state->here, key);
    return value.is_boolean() && value.get<bool>();
}

JsonView JsonView::at(std::string_view key) const {
    return JsonView(std::make_shared<const State>(State{m_state->document, &member(*m_state->here, key)}));
}

std::vector<JsonView> JsonView::list(std::string_view key) const {
    std::vector<JsonView> items;
    const Json& value = member(*m_state->here, key);
    if (!value.is_array()) return items;
    for (const Json& item : value) items.push_back(JsonView(std::make_shared<const State>(State{m_state->document, &item})));
    return items;
}

std::vector<std::string> JsonView::texts(std::string_view key) const {
    std::vector<std::string> items;
    const Json& value = member(*m_state->here, key);
    if (!value.is_array()) return items;
    for (const Json& item : value) {
        if (item.is_string()) items.push_back(item.get<std::string>());
    }
    return items;
}

std::vector<std::pair<std::string, std::string>> JsonView::pairs(std::string_view key) const {
    std::vector<std::pair<std::string, std::string>> items;
    const Json& value = member(*m_state->here, key);
    if (!value.is_object()) return items;
    for (const auto& [name, item] : value.items()) {
        if (item.is_string()) items.emplace_back(name, item.get<std::string>());
    }
    return items;
}

std::string JsonView::pretty() const { return m_state->here->dump(2, ' ', false, Json::error_handler_t::replace); }

std::string apply_body(
    const std::vector<std::pair<std::string, std::string>>& files, bool dry_run, bool prune, std::uint64_t version) {
    Json body{{"files", Json::array()}, {"dry_run", dry_run}, {"prune", prune}, {"version", version}};
    for (const auto& [name, text] : files) body["files"].push_back({{"name", name}, {"text", text}});
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sekisho::cli
