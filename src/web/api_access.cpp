// The part of the API about who may do what: access, apply, explain.
#include <fmt/format.h>

#include "base/network.h"
#include "base/time_zone.h"
#include "model/route.h"
#include "policy/decide.h"
#include "store/access_file.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

struct ApplyRequest {
    std::vector<store::AccessText> files;
    bool dry_run = false;
    bool prune = false;
    std::uint64_t version = 0;  // of the access that the caller saw; 0: whatever there is
};

/// {"files": [{"name", "text"}], "dry_run", "prune", "version"}, or the text of one access file with dry_run and prune in the query.
Result<ApplyRequest> read_apply(const Request& request) {
    ApplyRequest apply{.files = {}, .dry_run = request.flag("dry_run"), .prune = request.flag("prune")};
    if (!request.body.starts_with('{')) {
        apply.files.push_back({"access", request.body});
        return apply;
    }
    const Json body = parse_body(request.body);
    const auto wrong = [] {
        return fail("the body is {\"files\": [{\"name\": …, \"text\": …}], \"dry_run\": …, \"prune\": …}");
    };
    if (!body.is_object() || !body.contains("files") || !body["files"].is_array()) return wrong();
    for (const Json& file : body["files"]) {
        if (!file.is_object() || !file.contains("name") || !file.contains("text") || !file["name"].is_string() ||
            !file["text"].is_string()) {
            return wrong();
        }
        apply.files.push_back({file["name"].get<std::string>(), file["text"].get<std::string>()});
    }
    for (const auto& [key, value] : body.items()) {
        if (key == "files") continue;
        if (key == "dry_run" && value.is_boolean())
            apply.dry_run = value.get<bool>();
        else if (key == "prune" && value.is_boolean())
            apply.prune = value.get<bool>();
        else if (key == "version" && value.is_number_unsigned())
            apply.version = value.get<std::uint64_t>();
        else
            return wrong();
    }
    return apply;
}

bool is_forward(model::Capability capability) {
    return capability == model::Capability::LocalForward || capability == model::Capability::RemoteForward ||
           capability == model::Capability::UdpForward || capability == model::Capability::SocketForward;
}

/// What `as` names; without it everything that needs no destination, or with a destination the local forward.
Result<std::vector<model::Capability>> asked_capabilities(const Request& request, bool has_destination) {
    using enum model::Capability;
    const std::string& as = request.parameter("as");
    if (as.empty() && !request.parameter("command").empty()) return std::vector{Exec};
    if (as.empty() && request.parameter("forward").starts_with('/')) return std::vector{SocketForward};
    if (as.empty() && !request.parameter("connects_from").empty()) return std::vector{RemoteForward};
    if (as.empty()) return has_destination ? std::vector{LocalForward} : std::vector{Shell, Exec, Sftp, Scp, Agent, X11};
    const auto capability = model::parse_capability(as);
    if (!capability)
        return fail(
            "as is a capability: shell, exec, sftp, scp, local-forward, remote-forward, udp-forward, socket-forward, agent, "
            "x11, vpn");
    if (is_forward(*capability) && !has_destination) return fail("a forward is asked about with its destination, host:port or /path");
    return std::vector{*capability};
}

/// "host:port" split at the last colon, the host as a client would name it: policy says what it thinks of it.
Result<std::pair<std::string, std::uint16_t>> destination(const std::string& text) {
    if (text.empty() || text.starts_with('/')) return std::pair(std::string(), std::uint16_t{0});
    const std::size_t colon = text.rfind(':');
    const auto port = colon == std::string::npos ? std::nullopt : base::parse_port(std::string_view(text).substr(colon + 1));
    if (!port) return fail("a destination is host:port");
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return std::pair(std::move(host), *port);
}

}  // namespace

Response Api::access(const Call&) {
    const auto access = m_store.access();
    if (!access) return refuse(access.error());
    return respond({{"version", access->version}, {"users", list_of(access->users)}, {"targets", list_of(access->targets)},
        {"rules", list_of(access->rules)}, {"client_hosts", list_of(access->client_hosts)},
        {"routes", list_of(access->routes)}});
}

Response Api::apply(const Call& call) {
    const auto wanted = read_apply(call.request);
    if (!wanted) return refuse(400, wanted.error().text);
    const auto files = store::parse_access(wanted->files);
    if (!files) return refuse(400, files.error().text);
    const auto stored = m_store.access();
    if (!stored) return refuse(stored.error());
    if (wanted->version != 0 && wanted->version != stored->version) {
        return refuse(409, "access was changed by somebody else in the meantime; nothing was done, try again");
    }
    model::Access before = *stored;
    // Nobody looks after them there any more: from now on they are like all others.
    if (m_config.users_from.url.empty()) {
        for (model::User& user : before.users) user.origin.clear();
    }
    if (const auto elsewhere = model::kept_elsewhere(before, *files); !elsewhere.empty()) {
        return refuse(409, fmt::format("{}", fmt::join(elsewhere, "\n")));
    }
    const model::Access merged = model::merge(before, *files, wanted->prune);
    if (wanted->dry_run) {
        return respond(change_body(model::difference(*stored, merged), model::doubts(merged), stored->version, false));
    }
    bool too_late = false;
    return store_change(call, *stored, merged, model::doubts(merged), too_late);
}

Response Api::explain(const Call& call) {
    const Request& request = call.request;
    auto access = m_store.access();
    if (!access) return refuse(access.error());
    if (request.flag("anytime")) {  // what the rules give at all, at some time and from somewhere
        for (model::Rule& rule : access->rules) rule.when = {};
        access->index();
    }
    const std::string& user = request.parameter("user");
    const auto place = policy::parse_destination(*access, request.parameter("target"), {user});
    if (!place) return refuse(400, place.error().full());
    if (!place->user.empty() && place->user != user) return refuse(400, "the target names another user");
    const auto forward = destination(request.parameter("forward"));
    if (!forward) return refuse(400, forward.error().text);
    const auto capabilities = asked_capabilities(request, !request.parameter("forward").empty());
    if (!capabilities) return refuse(400, capabilities.error().text);
    const std::string& at = request.parameter("at");
    const auto time = at.empty() ? std::optional(call.now) : base::parse_rfc3339(at);
    if (!time) return refuse(400, "at is a time with its zone, for example 2026-11-23T08:00:00+09:00");

    const std::string& wanted = request.parameter("command");
    const auto command = wanted.empty() ? std::nullopt : std::optional(wanted);
    const std::string& rider = request.parameter("connects_from");
    const auto connects_from = rider.empty() || !place->target.empty() ? std::nullopt : std::optional(rider);

    Json decisions = Json::array();
    for (const model::Capability capability : *capabilities) {
        const policy::Decision decision = policy::decide(*access, {.user = user,
                                                                      .target = place->target,
                                                                      .login = place->login,
                                                                      .capability = capability,
                                                                      .command = command,
                                                                      .forward_host = forward->first,
                                                                      .forward_port = forward->second,
                                                                      .connects_from = connects_from,
                                                                      .forward_path = request.parameter("forward"),
                                                                      .source = request.parameter("from"),
                                                                      .touched = request.flag("touched"),
                                                                      .time = *time});
        Json item = to_json(decision);
        item["capability"] = model::name(capability);
        if (!decision.on_failure) item["on_failure"] = model::name(m_config.recording.on_failure);
        decisions.push_back(std::move(item));
    }
    // The way to it: the target's own route, or the first that leads there; what a target connects to is its own affair.
    Json body{{"user", user}, {"login", place->login}, {"target", place->target}, {"route", ""}, {"via", Json::array()},
        {"decisions", std::move(decisions)}};
    const model::Target* target = access->target(place->target);
    const bool own_route = target != nullptr && !target->route.empty();
    const auto address = target == nullptr ? std::nullopt : base::parse_host_port(target->address);
    const std::string host = address ? address->host : place->target.empty() ? forward->first : "";
    if (own_route) body["via"] = target->route;
    if (const auto* route = own_route ? nullptr : model::route_to(*access, host, place->target)) {
        body["route"] = route->name;
        body["via"] = route->via;
    }
    return respond(body);
}

}  // namespace sekisho::web
