#include "web/json.h"

#include "base/duration.h"
#include "base/log.h"

namespace sekisho::web {
namespace {

std::string limit_text(std::chrono::seconds limit) { return limit.count() == 0 ? "" : base::duration_text(limit); }

}  // namespace

Json to_json(const model::Session& session) {
    return {{"id", session.id}, {"audit_key", session.audit_key}, {"user", session.user}, {"source", session.source},
        {"source_port", session.source_port}, {"key_fingerprint", session.key_fingerprint}, {"client", session.client},
        {"target", session.target}, {"started", base::rfc3339(session.started)},
        {"finished", session.finished ? Json(base::rfc3339(*session.finished)) : Json(nullptr)}, {"result", session.result},
        {"bytes_in", session.bytes_in}, {"bytes_out", session.bytes_out}};
}

Json to_json(const model::AuditRecord& record) {
    return {{"sequence", record.sequence}, {"time", base::rfc3339(record.time)},
        {"time_ms", base::unix_milliseconds(record.time)}, {"kind", record.kind}, {"session", record.session},
        {"user", record.user}, {"source", record.source}, {"subject", record.subject}, {"outcome", record.outcome},
        {"reason", record.reason}, {"recording", record.recording}, {"hash", base::hex(record.hash)}};
}

Json to_json(const model::User& user) {
    return {{"name", user.name}, {"email", user.email}, {"groups", user.groups}, {"keys", user.keys},
        {"locked", user.locked}, {"expires", user.expires}, {"origin", user.origin}};
}

Json to_json(const model::Target& target) {
    return {{"name", target.name}, {"address", target.address}, {"logins", target.logins},
        {"principals", target.principals},
        {"auth", model::name(target.auth)}, {"host_keys", target.host_keys}, {"host_ca", target.host_ca},
        {"trust", target.trust_first_use ? "first-use" : ""}, {"route", target.route}, {"labels", target.labels},
        {"set_env", target.set_env}, {"legacy", target.legacy}};
}

Json to_json(const model::Rule& rule) {
    Json allow = Json::array();
    for (const model::Capability capability : rule.allow) allow.push_back(model::name(capability));
    return {{"name", rule.name}, {"users", rule.users}, {"targets", rule.targets}, {"logins", rule.logins}, {"allow", allow},
        {"commands", rule.commands}, {"forward", rule.forward}, {"accept_from", rule.accept_from},
        {"sftp_read_only", rule.sftp.read_only}, {"sftp_paths", rule.sftp.paths}, {"record", model::name(rule.record)},
        {"index", model::index_words(rule.index)},
        {"record_contents", model::contents_text(rule.record_contents)},
        {"record_hidden_input", rule.record_hidden_input},
        {"on_failure", rule.on_failure ? model::name(*rule.on_failure) : ""},
        {"when", {{"from", rule.when.from}, {"hours", rule.when.hours}, {"touch", rule.when.touch}}},
        {"max_time", limit_text(rule.limits.max_time)}, {"idle_time", limit_text(rule.limits.idle_time)},
        {"max_sessions", rule.limits.max_sessions}};
}

Json to_json(const model::ClientHost& host) {
    return {{"name", host.name}, {"addresses", host.addresses}, {"keys", host.keys}, {"users", host.users}, {"accounts", host.accounts}};
}

Json to_json(const model::Route& route) { return {{"name", route.name}, {"hosts", route.hosts}, {"via", route.via}}; }

Json to_json(const model::Difference& difference) {
    Json changes = Json::array();
    for (const model::ObjectChange& object : difference.objects) {
        Json fields = Json::array();
        for (const model::FieldChange& field : object.fields) {
            fields.push_back({{"field", field.field}, {"before", field.before}, {"after", field.after}});
        }
        changes.push_back({{"change", model::name(object.change)}, {"kind", object.kind}, {"name", object.name},
            {"fields", std::move(fields)}});
    }
    return {{"changes", std::move(changes)}, {"rules_reordered", difference.rules_reordered},
        {"routes_reordered", difference.routes_reordered}};
}

Json to_json(const policy::Decision& decision) {
    return {{"allowed", decision.allowed}, {"rule", decision.rule}, {"reason", decision.reason},
        {"record", model::name(decision.record)}, {"record_contents", model::contents_text(decision.record_contents)},
        {"on_failure", decision.on_failure ? model::name(*decision.on_failure) : ""}};
}

Json parse_body(std::string_view text) {
    constexpr int kDeepest = 8;
    int depth = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_text) {
            if (c == '\\') ++i;
            in_text = c != '"';
        } else if (c == '"') {
            in_text = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kDeepest) return Json(Json::value_t::discarded);
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return Json::parse(text, nullptr, false);
}

Response respond(const Json& body, int status) {
    return {status, body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

Response refuse(int status, std::string_view text) { return respond({{"error", text}}, status); }

Response refuse(const Error& error) {
    if (!error.detail.empty()) log::error("api.failed", {{"error", error.full()}});
    return refuse(error.detail.empty() ? 409 : 500, error.full());
}

}  // namespace sekisho::web
