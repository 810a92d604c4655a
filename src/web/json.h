// Model values as JSON, and the responses made of it. Private to web: the only header that shows nlohmann's JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "model/access.h"
#include "model/difference.h"
#include "model/session.h"
#include "policy/decide.h"
#include "web/api.h"

namespace sekisho::web {

using Json = nlohmann::json;

/// Details of the Errors of an edit, which decide about the status: 404, 409; without one 400.
inline constexpr std::string_view kMissing = "missing";
inline constexpr std::string_view kConflict = "conflict";

Json to_json(const model::Session& session);
Json to_json(const model::AuditRecord& record);
Json to_json(const model::User& user);
Json to_json(const model::Target& target);
Json to_json(const model::Rule& rule);
Json to_json(const model::ClientHost& host);
Json to_json(const model::Route& route);
Json to_json(const model::Difference& difference);
Json to_json(const policy::Decision& decision);

/// Of values that have a to_json.
template <class Items>
Json list_of(const Items& items) {
    Json list = Json::array();
    for (const auto& item : items) list.push_back(to_json(item));
    return list;
}

/// {"changes", "rules_reordered", "routes_reordered", "warnings", "version", "applied"}
Json change_body(
    const model::Difference& difference, const std::vector<std::string>& warnings, std::uint64_t version, bool applied);

/// Discarded where the text is no JSON, or nested deeper than anything that is asked here.
Json parse_body(std::string_view text);

/// Text that is not UTF-8 is shown with replacement characters, never thrown on.
Response respond(const Json& body, int status = 200);
/// {"error": text}
Response refuse(int status, std::string_view text);
/// A failure of the store: 500, or 409 for a change that came too late.
Response refuse(const Error& error);

}  // namespace sekisho::web
