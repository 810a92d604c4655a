// The API's own description: OpenAPI 3.1, from the table of routes and the table of fields.
#include <fmt/format.h>

#include "model/access_fields.h"
#include "web/json.h"
#include "web/routes.h"

namespace sekisho::web {
namespace {

Json text() { return {{"type", "string"}}; }
Json count() { return {{"type", "integer"}, {"minimum", 0}}; }
Json flag() { return {{"type", "boolean"}}; }
Json time() { return {{"type", "string"}, {"format", "date-time"}}; }
Json one_of(std::vector<std::string> words) { return {{"type", "string"}, {"enum", std::move(words)}}; }
Json nullable(const Json& schema) {
    const Json null{{"type", "null"}};
    return {{"oneOf", Json::array({schema, null})}};
}
Json list(const Json& item) { return {{"type", "array"}, {"items", item}}; }
Json reference(std::string_view name) { return {{"$ref", fmt::format("#/components/schemas/{}", name)}}; }

/// Every property is there, and no other.
Json object(const Json& properties) {
    Json required = Json::array();
    for (const auto& [name, schema] : properties.items()) required.push_back(name);
    return {{"type", "object"}, {"properties", properties}, {"required", required}, {"additionalProperties", false}};
}

Json body_object(const Json& properties, const std::vector<std::string>& required = {}) {
    Json schema{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
    if (!required.empty()) schema["required"] = required;
    return schema;
}

Json field_schema(const model::AccessField& field, bool answer) {
    std::vector<std::string> words(field.words.begin(), field.words.end());
    Json item = words.empty() ? text() : one_of(words);
    Json schema;
    switch (field.type) {
        case model::FieldType::Flag: schema = flag(); break;
        case model::FieldType::Number: schema = count(); break;
        case model::FieldType::Pairs: schema = {{"type", "object"}, {"additionalProperties", text()}}; break;
        case model::FieldType::Texts: schema = list(item); break;
        case model::FieldType::Text:
            if (!words.empty() && answer) words.emplace_back();  // not set
            schema = words.empty() ? text() : one_of(words);
            break;
    }
    schema["description"] = field.help;
    return schema;
}

/// An object as it is answered, or as a body that changes it: there null takes a field out.
Json access_schema(std::string_view kind, bool answer) {
    Json properties = Json::object();
    Json tables = Json::object();
    for (const model::AccessField& field : model::access_fields(kind)) {
        const std::size_t dot = field.name.find('.');
        const Json schema = answer ? field_schema(field, true) : nullable(field_schema(field, false));
        if (dot == std::string_view::npos)
            properties[std::string(field.name)] = schema;
        else
            tables[std::string(field.name.substr(0, dot))][std::string(field.name.substr(dot + 1))] = schema;
    }
    if (answer && kind == "user") {
        properties["origin"] = text();
        properties["origin"]["description"] = "where users_from keeps the user; empty: made here";
    }
    for (const auto& [name, inner] : tables.items())
        properties[name] = answer ? object(inner) : nullable(body_object(inner));
    return answer ? object(properties) : body_object(properties);
}

Json with_version(std::string_view name, const Json& schema) {
    return object({{"version", count()}, {std::string(name), schema}});
}

Json schemas() {
    Json all;
    for (const auto& [kind, title] : {std::pair("user", "User"), std::pair("target", "Target"), std::pair("rule", "Rule"),
             std::pair("client_host", "ClientHost"), std::pair("route", "Route")}) {
        const std::string name = title;
        all[name] = access_schema(kind, true);
        all[name + "Fields"] = access_schema(kind, false);
        all[name + "s"] = with_version(std::string(kind) + "s", list(reference(name)));
        all["One" + name] = with_version(kind, reference(name));
    }
    all["Error"] = object({{"error", text()}});
    all["Access"] = object({{"version", count()}, {"users", list(reference("User"))}, {"targets", list(reference("Target"))},
        {"rules", list(reference("Rule"))}, {"client_hosts", list(reference("ClientHost"))},
        {"routes", list(reference("Route"))}});
    all["Session"] = object({{"id", text()}, {"audit_key", text()}, {"user", text()}, {"source", text()},
        {"source_port", count()}, {"key_fingerprint", text()}, {"client", text()}, {"target", text()}, {"started", time()},
        {"finished", nullable(time())}, {"result", text()}, {"bytes_in", count()}, {"bytes_out", count()},
        {"live", flag()}});
    all["Sessions"] = object({{"sessions", list(reference("Session"))}, {"gateway", flag()}});
    const Json hit = body_object({{"kind", one_of({"command", "file"})}, {"time", time()}, {"session", text()}, {"audit_key", text()},
                                     {"user", text()}, {"source", text()}, {"target", text()}, {"channel", count()},
                                     {"how", one_of({"exec", "typed"})}, {"text", text()}, {"operation", text()}, {"path", text()},
                                     {"other_path", text()}, {"bytes_read", count()}, {"bytes_written", count()},
                                     {"sha256", text()}, {"result", text()}, {"via", text()}},
        {"kind", "time", "session", "audit_key", "user", "source", "target", "channel"});
    const Json session = object({{"id", text()}, {"audit_key", text()}, {"user", text()}, {"source", text()},
        {"source_port", count()}, {"key_fingerprint", text()}, {"client", text()}, {"target", text()}, {"started", time()},
        {"finished", nullable(time())}, {"result", text()}, {"bytes_in", count()}, {"bytes_out", count()}});
    all["Found"] = object({{"sessions", list(session)}, {"hits", list(hit)}});
    all["Ended"] = object({{"ended", text()}});
    all["AuditRecord"] = object({{"sequence", count()}, {"time", time()}, {"time_ms", count()}, {"kind", text()},
        {"session", text()}, {"user", text()}, {"source", text()}, {"subject", text()}, {"outcome", text()}, {"reason", text()},
        {"recording", text()}, {"hash", text()}});
    all["AuditRecords"] = object({{"records", list(reference("AuditRecord"))}, {"more", flag()}});
    all["Recordings"] =
        object({{"recordings", list(object({{"audit_key", text()}, {"session", text()}, {"user", text()}, {"target", text()},
                                   {"started", time()}, {"finished", nullable(time())}, {"result", text()},
                                   {"shipping", one_of({"local", "shipped", "verified", "removed", "expiring", "expired"})},
                                   {"size", nullable(count())}}))}});
    all["Penalties"] = object({{"penalties", list(object({{"network", text()}, {"reason", text()}, {"seconds_left", count()},
                                                 {"enforced", flag()}}))},
        {"gateway", flag()}});
    const Json mail{{"id", text()}, {"state", one_of({"waiting", "dead"})}, {"to", text()}, {"subject", text()}, {"made", time()},
        {"attempts", count()}, {"next", nullable(time())}, {"error", text()}};
    Json whole_mail = mail;
    whole_mail["from"] = whole_mail["text"] = text();
    all["Mails"] = object({{"mails", list(object(mail))}});
    all["Mail"] = object(whole_mail);
    all["ChangedMails"] = object({{"mails", list(text())}});
    all["Ca"] = object({{"user_ca", text()}, {"user_ca_next", text()}, {"user_ca_old", text()}, {"host_ca", text()},
        {"evidence_key", text()}, {"host_keys", list(text())}, {"listen", list(text())}});
    std::vector<std::string> steps;
    for (const auto& [name, step] : model::kCaSteps) steps.emplace_back(name);
    all["CaStep"] = body_object({{"step", one_of(steps)}}, {"step"});
    all["AccessFiles"] = body_object({{"files", list(body_object({{"name", text()}, {"text", text()}}, {"name", "text"}))},
                                         {"dry_run", flag()}, {"prune", flag()}, {"version", count()}},
        {"files"});
    const Json field = object({{"field", text()}, {"before", text()}, {"after", text()}});
    all["Change"] = object({{"changes", list(object({{"change", one_of({"added", "changed", "removed"})},
                                            {"kind", one_of({"user", "target", "rule", "client_host", "route"})},
                                            {"name", text()}, {"fields", list(field)}}))},
        {"rules_reordered", flag()}, {"routes_reordered", flag()}, {"warnings", list(text())}, {"version", count()},
        {"applied", flag()}});
    all["Explanation"] =
        object({{"user", text()}, {"login", text()}, {"target", text()}, {"route", text()}, {"via", list(text())},
            {"decisions", list(object({{"allowed", flag()}, {"rule", text()}, {"reason", text()}, {"record", text()},
                              {"record_contents", text()}, {"on_failure", text()}, {"capability", text()}}))}});
    all["Group"] = object({{"name", text()}, {"users", list(text())}});
    all["Groups"] = with_version("groups", list(reference("Group")));
    all["OneGroup"] = with_version("group", reference("Group"));
    all["GroupUsers"] = body_object({{"users", list(text())}}, {"users"});
    all["GroupChange"] = body_object({{"add", list(text())}, {"remove", list(text())}});
    const Json key =
        object({{"fingerprint", text()}, {"type", text()}, {"options", text()}, {"comment", text()}, {"line", text()}});
    all["Keys"] = with_version("keys", list(key));
    all["KeyChange"] = body_object({{"options", nullable(text())}, {"comment", nullable(text())}});
    all["Secrets"] = object({{"seal_to", text()},
        {"secrets", list(object({{"target", text()}, {"login", text()}, {"kind", one_of({"key", "password"})},
                        {"fingerprint", text()}, {"public_key", text()}, {"set_by", text()}, {"set_at", time()}}))},
        {"warnings", list(text())}});
    all["SealedSecret"] =
        body_object({{"kind", one_of({"key", "password"})}, {"login", text()}, {"sealed", text()}}, {"kind", "sealed"});
    return all;
}

Json content(const Content& what) {
    Json media = Json::object();
    if (!what.schema.empty()) media["schema"] = reference(what.schema);
    return {{std::string(what.type), std::move(media)}};
}

Json parameters(const Api::Route& route) {
    Json all = Json::array();
    const std::size_t open = route.path.find('{');
    if (open != std::string_view::npos) {
        all.push_back({{"name", route.path.substr(open + 1, route.path.find('}') - open - 1)}, {"in", "path"},
            {"required", true}, {"schema", text()}});
    }
    for (const Parameter& parameter : route.query) {
        const Json schema = parameter.type == Parameter::Type::Number ? count()
                            : parameter.type == Parameter::Type::Flag ? one_of({"0", "1", "false", "true"})
                                                                      : text();
        all.push_back({{"name", parameter.name}, {"in", "query"}, {"required", parameter.required},
            {"description", parameter.help}, {"schema", schema}});
    }
    return all;
}

/// Whoever has one of these roles.
Json roles(Permission needs) {
    switch (needs) {
        case Permission::Look: return Json::array({"admin", "auditor", "operator"});
        case Permission::ReadRecordings: return Json::array({"admin", "auditor"});
        case Permission::EndSessions: return Json::array({"admin", "operator"});
        case Permission::Change: return Json::array({"admin"});
    }
    return Json::array();
}

Json operation(const Api::Route& route) {
    Json op{{"operationId", route.id}, {"summary", route.summary}, {"parameters", parameters(route)},
        {"x-roles", roles(route.needs)},
        {"responses", {{"200", {{"description", "Done"}, {"content", content(route.answer)}}},
                          {"default", {{"description", "Refused or failed, with a sentence that says why"},
                                          {"content", content({"application/json", "Error"})}}}}}};
    if (!route.kind.empty()) op["tags"] = Json::array({std::string(route.kind)});
    if (!route.body.empty()) {
        Json types = Json::object();
        for (const Content& one : route.body) types.update(content(one));
        op["requestBody"] = {{"required", true}, {"content", std::move(types)}};
    }
    return op;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

}  // namespace

Response Api::describe(const Call&) {
    Json paths;
    for (const Route& route : routes()) paths[std::string(route.path)][lower(route.method)] = operation(route);
    return respond({{"openapi", "3.1.0"},
        {"info",
            {{"title", "Sekisho admin API"}, {"version", "1"},
                {"description",
                    "Spoken on the Unix socket admin.socket. Whoever connects is known by their account: x-roles says which "
                    "roles an operation is for."}}},
        {"servers", Json::array({Json{
                        {"url", "http://gateway"}, {"description", "curl --unix-socket ADMIN_SOCKET http://gateway/…"}}})},
        {"paths", std::move(paths)}, {"components", {{"schemas", schemas()}}}});
}

}  // namespace sekisho::web
