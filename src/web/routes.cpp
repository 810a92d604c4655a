#include "web/routes.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/log.h"
#include "base/nearest.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

using enum Permission;
using enum Parameter::Type;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kText = "text/plain";
constexpr unsigned kRefusalsAudited = 200;  // a minute

constexpr Parameter kMost{"most", Number, "At most so many", false};
/// What listings of sessions can be narrowed to (web/filters.h).
const std::vector<Parameter> kSessionFilters{{"user", Text, "Only this user's"}, {"target", Text, "Only those to TARGET or LOGIN@TARGET"},
    {"login", Text, "Only those as this login of the target"}, {"from", Text, "Only those from this address"},
    {"since", Text, "Not before this time: with its zone, a day, or how long ago (8h)"}, {"until", Text, "Not after this time"},
    {"words", Text, "Each of them stands in what is known; \"a phrase\" is one"}};

std::vector<Parameter> with(std::vector<Parameter> some, const std::vector<Parameter>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
}

constexpr Parameter kVersion{
    "version", Number, "The version of the access that was seen: another one is refused with 409", false};
constexpr Parameter kFingerprint{"fingerprint", Text, "SHA256:… of the key", true};

std::string methods_of(std::string_view path) {
    std::string methods;
    for (const Api::Route& route : Api::routes()) {
        if (matched(route.path, path)) methods += fmt::format("{}{}", methods.empty() ? "" : " or ", route.method);
    }
    return methods;
}

std::string_view asked_for(Permission permission) {
    switch (permission) {
        case Look: return "look";
        case ReadRecordings: return "read recordings";
        case EndSessions: return "end sessions";
        case Change: return "change anything";
    }
    return "?";
}

std::string_view who_may(Permission permission) {
    switch (permission) {
        case Look: return "every role";
        case ReadRecordings: return "admin and auditor";
        case EndSessions: return "admin and operator";
        case Change: return "admin";
    }
    return "?";
}

/// What is wrong with the query; empty: nothing.
std::string wrong_query(const Api::Route& route, const Request& request) {
    std::vector<std::string> known;
    for (const Parameter& parameter : route.query) {
        known.emplace_back(parameter.name);
        if (parameter.required && request.parameter(parameter.name).empty())
            return fmt::format("{} is missing", parameter.name);
    }
    for (const auto& [name, value] : request.query) {
        if (std::ranges::find(known, name) == known.end())
            return fmt::format("there is no parameter {} here{}", name, base::did_you_mean(name, known));
    }
    return {};
}

}  // namespace

std::optional<std::string> matched(std::string_view pattern, std::string_view path) {
    const std::size_t open = pattern.find('{');
    if (open == std::string_view::npos) return pattern == path ? std::optional(std::string()) : std::nullopt;
    const std::string_view before = pattern.substr(0, open);
    const std::string_view behind = pattern.substr(pattern.find('}') + 1);
    if (path.size() <= before.size() + behind.size() || !path.starts_with(before) || !path.ends_with(behind))
        return std::nullopt;
    return std::string(path.substr(before.size(), path.size() - before.size() - behind.size()));
}

// More words in the path stand before fewer: the first row that matches counts.
const std::vector<Api::Route>& Api::routes() {
    static const std::vector<Route> all = [] {
        std::vector<Route> r{
            {"GET", "/openapi.json", "describe", "This description", Look, &Api::describe, {}, {}, {}, {kJson, {}}},
            {"GET", "/ca.pub", "caKeys", "Lines for a target's TrustedUserCAKeys", Look, &Api::ca_text, {}, {}, {},
                {kText, {}}},
            {"GET", "/v1/ca", "showCa", "The certificate authorities and host keys", Look, &Api::certificate_authorities, {},
                {}, {}, {kJson, "Ca"}},
            {"POST", "/v1/ca", "rotateCa", "Take a step in replacing the user CA", Change, &Api::ca_step, {}, {},
                {{kJson, "CaStep"}}, {kJson, "Ca"}},
            {"GET", "/v1/sessions", "listSessions", "Live and past sessions, the newest first", Look, &Api::sessions, {},
                with(kSessionFilters, {{"live", Flag, "Only those that run"}, kMost}), {}, {kJson, "Sessions"}},
            {"GET", "/v1/watch/{id}", "watchSession",
                "A live session as its user sees it, a line of JSON for each thing that happens, until it ends", ReadRecordings,
                &Api::watch_session, {}, {}, {}, {"application/x-ndjson", {}}},
            {"GET", "/v1/sessions/{id}", "showSession", "One session, by id or audit key", Look, &Api::session, {}, {}, {},
                {kJson, "Session"}},
            {"DELETE", "/v1/sessions/{id}", "endSession", "End a live session", EndSessions, &Api::end_session, {},
                {{"reason", Text, "What its user is told"}}, {}, {kJson, "Ended"}},
            {"GET", "/v1/audit", "listAudit", "Audit records in their order: the newest, or those behind a number", Look, &Api::audit, {},
                {{"kind", Text, "Only of this kind"}, {"session", Text, "Only of this session's id"},
                    {"after", Number, "The next records behind this number, instead of the newest"}, kMost},
                {}, {kJson, "AuditRecords"}},
            {"GET", "/v1/recordings", "listRecordings", "Sessions that were recorded, the newest first", Look,
                &Api::recordings, {},
                with(kSessionFilters, {kMost}), {}, {kJson, "Recordings"}},
            {"GET", "/v1/search", "search", "Commands and operations on files of all sessions, the newest first", ReadRecordings,
                &Api::search, {},
                with(kSessionFilters, {{"command", Text, "Stands in a command; no files are sought then"},
                                          {"path", Text, "Stands in a path; no commands are sought then"},
                                          {"sha256", Text, "Of a file that was read or written in full, hex"}, kMost}),
                {}, {kJson, "Found"}},
            {"GET", "/v1/recordings/{audit_key}/content", "readRecording",
                "A piece of a recording's file; none is behind its end", ReadRecordings, &Api::recording_content, {},
                {{"offset", Number, "Where it begins"},
                    {"most", Number, "At most so many bytes, and never more than 4 MiB"},
                    {"from_bucket", Flag, "All of it, as it is in the bucket; a body that breaks off is not whole"},
                    {"session", Text, "In the bucket: of this session, where several have the audit key"}},
                {}, {"application/octet-stream", {}}},
            {"GET", "/v1/bucket", "listBucket", "The objects in the bucket of recordings; a body that breaks off is not whole",
                ReadRecordings, &Api::bucket, {}, {}, {}, {"application/x-ndjson", {}}},
            {"GET", "/v1/penalties", "listPenalties", "Networks whose connections are turned away for a while", Look,
                &Api::penalties, {}, {}, {}, {kJson, "Penalties"}},
            {"GET", "/v1/mail", "listMails", "Mails that wait for the relay, and those that were given up", Look,
                &Api::list_mails, {}, {}, {}, {kJson, "Mails"}},
            {"POST", "/v1/mail", "testMail", "Put a mail for everybody in mail.to into the queue", Change,
                &Api::test_mail, {}, {}, {}, {kJson, "ChangedMails"}},
            {"PATCH", "/v1/mail", "retryMails", "Try all of them anew, the dead ones, too", Change, &Api::retry_mails, {},
                {}, {}, {kJson, "ChangedMails"}},
            {"PATCH", "/v1/mail/{id}", "retryMail", "Try a mail anew", Change, &Api::retry_mails, {}, {}, {},
                {kJson, "ChangedMails"}},
            {"GET", "/v1/mail/{id}", "showMail", "One mail with its text", Look, &Api::show_mail, {}, {}, {},
                {kJson, "Mail"}},
            {"DELETE", "/v1/mail/{id}", "removeMail", "Remove a mail, which nobody gets then", Change, &Api::remove_mail, {},
                {}, {}, {kJson, "ChangedMails"}},
            {"GET", "/v1/access", "showAccess", "Users, targets, rules, client hosts and routes", Look, &Api::access, {}, {},
                {}, {kJson, "Access"}},
            {"POST", "/v1/apply", "apply", "Make the access match access files", Change, &Api::apply, {},
                {{"dry_run", Flag, "Change nothing"}, {"prune", Flag, "Remove what the files do not name"}},
                {{kJson, "AccessFiles"}, {"application/toml", {}}}, {kJson, "Change"}},
            {"GET", "/v1/explain", "explain", "Which rule decides", Look, &Api::explain, {},
                {{"user", Text, "Name of the user"},
                    {"target", Text, "LOGIN@TARGET or TARGET; without it the gateway itself"}, {"as", Text, "Capability"},
                    {"from", Text, "Address that the user comes from"}, {"touched", Flag, "Signed in with a security key that was touched"},
                    {"at", Text, "Time with its zone"},
                    {"forward", Text, "Destination of a forward, or where it is listened"},
                    {"connects_from", Text, "Who connects to a port of the gateway"},
                    {"command", Text, "The command of an exec"}, {"anytime", Flag, "Whatever the time and the address"}},
                {}, {kJson, "Explanation"}},
            {"GET", "/v1/groups", "listGroups", "Groups with their users", Look, &Api::list_groups, {}, {}, {},
                {kJson, "Groups"}},
            {"GET", "/v1/groups/{name}", "showGroup", "One group", Look, &Api::show_group, {}, {}, {}, {kJson, "OneGroup"}},
            {"PUT", "/v1/groups/{name}", "setGroup", "Exactly these users are in the group", Change, &Api::set_group, {},
                {kVersion}, {{kJson, "GroupUsers"}}, {kJson, "Change"}},
            {"PATCH", "/v1/groups/{name}", "changeGroup", "Add users to the group, or remove them", Change,
                &Api::change_group, {}, {kVersion}, {{kJson, "GroupChange"}}, {kJson, "Change"}},
            {"DELETE", "/v1/groups/{name}", "removeGroup", "Nobody is in the group any more", Change, &Api::remove_group, {},
                {kVersion}, {}, {kJson, "Change"}},
            {"GET", "/v1/users/{name}/keys", "listKeys", "A user's public keys", Look, &Api::list_keys, {}, {}, {},
                {kJson, "Keys"}},
            {"POST", "/v1/users/{name}/keys", "addKeys",
                "Add keys: OpenSSH's line, RFC 4716, PEM, or a file of authorized_keys", Change, &Api::add_keys, {},
                {{"options", Text, "Options of authorized_keys for keys that state none"},
                    {"comment", Text, "For keys without a comment"}, kVersion},
                {{kText, {}}}, {kJson, "Change"}},
            {"PATCH", "/v1/users/{name}/keys", "setKey", "Other options or another comment for a key", Change, &Api::set_key,
                {}, {kFingerprint, kVersion}, {{kJson, "KeyChange"}}, {kJson, "Change"}},
            {"DELETE", "/v1/users/{name}/keys", "removeKey", "Remove a key", Change, &Api::remove_key, {},
                {kFingerprint, kVersion}, {}, {kJson, "Change"}},
            {"GET", "/v1/secrets", "listSecrets",
                "Which credentials are stored for targets, and what new ones are sealed to", Look, &Api::list_secrets, {},
                {{"target", Text, "Only this target's"}}, {}, {kJson, "Secrets"}},
            {"PUT", "/v1/secrets/{name}", "setSecret", "Store a credential for a login, sealed to the keyholder",
                Change, &Api::set_secret, {}, {}, {{kJson, "SealedSecret"}}, {kJson, "Secrets"}},
            {"DELETE", "/v1/secrets/{name}", "removeSecret", "Remove a stored credential", Change,
                &Api::remove_secret, {}, {{"login", Text, "Whose", true}, {"kind", Text, "key or password", true}}, {},
                {kJson, "Secrets"}}};
        struct Names {
            std::string_view kind, all, one, list, show, add, set, remove, many_schema, schema, change_schema;
        };
        static constexpr std::array<Names, 5> kKinds{{
            {"user", "/v1/users", "/v1/users/{name}", "listUsers", "showUser", "addUser", "setUser", "removeUser", "Users",
                "OneUser", "UserFields"},
            {"target", "/v1/targets", "/v1/targets/{name}", "listTargets", "showTarget", "addTarget", "setTarget",
                "removeTarget", "Targets", "OneTarget", "TargetFields"},
            {"rule", "/v1/rules", "/v1/rules/{name}", "listRules", "showRule", "addRule", "setRule", "removeRule", "Rules",
                "OneRule", "RuleFields"},
            {"client_host", "/v1/client_hosts", "/v1/client_hosts/{name}", "listClientHosts", "showClientHost",
                "addClientHost", "setClientHost", "removeClientHost", "ClientHosts", "OneClientHost", "ClientHostFields"},
            {"route", "/v1/routes", "/v1/routes/{name}", "listRoutes", "showRoute", "addRoute", "setRoute", "removeRoute",
                "Routes", "OneRoute", "RouteFields"},
        }};
        for (const Names& n : kKinds) {
            std::vector<Parameter> query{kVersion};
            if (n.kind == "rule" || n.kind == "route")
                query.push_back({"before", Text, "The one that comes next: of those that match, the first decides"});
            r.push_back(
                {"GET", n.all, n.list, "All of them", Look, &Api::list_objects, n.kind, {}, {}, {kJson, n.many_schema}});
            r.push_back({"GET", n.one, n.show, "One of them", Look, &Api::show_object, n.kind, {}, {}, {kJson, n.schema}});
            r.push_back({"POST", n.all, n.add, "Add one, under a name that is free", Change, &Api::add_object, n.kind, query,
                {{kJson, n.change_schema}}, {kJson, "Change"}});
            r.push_back({"PATCH", n.one, n.set, "Change fields (RFC 7396): null takes one out, what is not named stays",
                Change, &Api::set_object, n.kind, query, {{kJson, n.change_schema}}, {kJson, "Change"}});
            r.push_back({"DELETE", n.one, n.remove, "Remove it", Change, &Api::remove_object, n.kind, {kVersion}, {},
                {kJson, "Change"}});
        }
        return r;
    }();
    return all;
}

Response Api::handle(const Request& request, WallTime now) {
    if (request.grants.none()) {
        return refused(request, now,
            "the admin socket is for root, the gateway's own account, and whom admin.admins, admin.auditors and "
            "admin.operators name");
    }
    const Route* route = nullptr;
    Call call{request, now, {}, {}};
    for (const Route& one : routes()) {
        auto name = one.method == request.method ? matched(one.path, request.path) : std::nullopt;
        if (!name) continue;
        route = &one;
        call.name = std::move(*name);
        call.kind = one.kind;
        break;
    }
    if (!route) {
        const std::string methods = methods_of(request.path);
        return methods.empty() ? refuse(404, "there is nothing here; GET /openapi.json says what there is")
                               : refuse(405, methods + " is wanted here");
    }
    if (!request.grants.has(route->needs)) {
        return refused(request, now,
            fmt::format(
                "the role {} may not {}; {} may", request.grants.role(), asked_for(route->needs), who_may(route->needs)));
    }
    if (const std::string wrong = wrong_query(*route, request); !wrong.empty()) return refuse(400, wrong);
    if (m_live && request.method == "GET") m_live->settle();
    return (this->*route->handler)(call);
}

Response Api::refused(const Request& request, WallTime now, std::string text) {
    if (now - m_minute >= std::chrono::minutes(1)) {
        if (m_refused > kRefusalsAudited)
            log::warn("admin.refused", {{"more", std::to_string(m_refused - kRefusalsAudited)}});
        m_minute = now;
        m_refused = 0;
    }
    log::warn_limited("admin.refused", {{"who", request.actor}, {"what", request.method + " " + request.path}});
    if (++m_refused <= kRefusalsAudited) {
        std::string more = m_refused == kRefusalsAudited ? "; more of this minute are in the log only" : "";
        const auto kept = m_store.audit({.time = now,
            .kind = "admin.refused",
            .source = request.actor,
            .subject = request.method + " " + request.path,
            .outcome = "refused",
            .reason = text + more});
        if (!kept) log::error("audit.failed", {{"kind", "admin.refused"}, {"reason", kept.error().full()}});
    }
    return refuse(403, text);
}

}  // namespace sekisho::web
