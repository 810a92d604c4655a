#include "web/api.h"

#include <charconv>
#include <fstream>
#include <unordered_map>

#include "web/json.h"

namespace sekisho::web {
namespace {

/// A number parameter; `otherwise` when it is missing, nothing when it is no number.
std::optional<std::uint64_t> number(const Request& request, std::string_view name, std::uint64_t otherwise) {
    const std::string& text = request.parameter(name);
    if (text.empty()) return otherwise;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

bool about_target(const model::Session& session, const std::string& target) {
    return session.target == target || session.target.ends_with("@" + target);
}

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

}  // namespace

Response Api::handle(const Request& request, WallTime now) {
    constexpr std::string_view kSessions = "/v1/sessions/";
    const bool get = request.method == "GET";
    const std::string& path = request.path;
    if (path == "/v1/apply") return request.method == "POST" ? apply(request, now) : refuse(405, "POST is wanted here");
    if (path.starts_with(kSessions) && request.method == "DELETE")
        return end_session(request, path.substr(kSessions.size()), now);
    if (!get) return refuse(405, "GET is wanted here");
    if (m_live) m_live->settle();
    if (path.starts_with(kSessions)) return session(request, path.substr(kSessions.size()));
    if (path == "/v1/sessions") return sessions(request);
    if (path == "/v1/audit") return audit(request);
    if (path == "/v1/access") return access();
    if (path == "/v1/explain") return explain(request, now);
    if (path == "/v1/recordings") return recordings(request);
    if (path == "/v1/penalties") return penalties();
    if (path == "/v1/ca") return certificate_authorities();
    return refuse(404, "there is nothing here");
}

Response Api::sessions(const Request& request) {
    const auto most = number(request, "most", 1000);
    if (!most) return refuse(400, "most is a number");
    const store::SessionFilter filter{.user = request.parameter("user"),
        .target = request.parameter("target"),
        .live_only = request.flag("live"),
        .most = *most};
    auto stored = m_store.sessions(filter);
    if (!stored) return refuse(stored.error());

    std::unordered_map<std::string, model::Session> live;
    if (m_live) {
        for (model::Session& session : m_live->live_sessions()) live.emplace(session.id, std::move(session));
    }
    Json list = Json::array();
    const auto add = [&](const model::Session& session, bool is_live) {
        list.push_back(to_json(session));
        list.back()["live"] = is_live;
    };
    // What runs is known better by the gateway: its counters, and sessions whose start is still on the way to the store.
    for (const model::Session& session : *stored) {
        const auto running = live.find(session.id);
        add(running == live.end() ? session : running->second, running != live.end());
        if (running != live.end()) live.erase(running);
    }
    for (const auto& [id, session] : live) {
        if (list.size() >= *most) break;
        const bool wanted = (filter.user.empty() || session.user == filter.user) &&
                            (filter.target.empty() || about_target(session, filter.target));
        if (wanted && *most > stored->size()) add(session, true);
    }
    return respond({{"sessions", std::move(list)}, {"gateway", m_live != nullptr}});
}

Response Api::session(const Request&, const std::string& id) {
    if (m_live) {
        for (const model::Session& session : m_live->live_sessions()) {
            if (session.id != id && (session.audit_key.empty() || session.audit_key != id)) continue;
            Json body = to_json(session);
            body["live"] = true;
            return respond(body);
        }
    }
    const auto found = m_store.session(id);
    if (!found) return refuse(found.error());
    if (!*found) return refuse(404, "no session has this id or audit key");
    Json body = to_json(**found);
    body["live"] = false;
    return respond(body);
}

Response Api::end_session(const Request& request, const std::string& id, WallTime now) {
    if (!m_live) return refuse(409, "no gateway is running here, so no session can be ended");
    const std::string& stated = request.parameter("reason");
    const std::string reason = stated.empty() ? "ended by an administrator" : "ended by an administrator: " + stated;
    const bool ended = m_live->end_session(id, reason);
    const auto audited = m_store.audit({.time = now,
        .kind = "session.end",
        .session = id,
        .source = request.actor,
        .outcome = ended ? "ok" : "failed",
        .reason = ended ? reason : "not live"});
    if (!audited) return refuse(audited.error());
    return ended ? respond({{"ended", id}}) : refuse(404, "no live session has this id or audit key");
}

Response Api::audit(const Request& request) {
    const auto after = number(request, "after", 0);
    const auto most = number(request, "most", 1000);
    if (!after || !most) return refuse(400, "after and most are numbers");
    const auto records = m_store.audit_records(
        {.kind = request.parameter("kind"), .session = request.parameter("session"), .after = *after, .most = *most});
    if (!records) return refuse(records.error());
    Json list = Json::array();
    for (const model::AuditRecord& record : *records) list.push_back(to_json(record));
    return respond({{"records", std::move(list)}});
}

Response Api::recordings(const Request& request) {
    const auto most = number(request, "most", 1000);
    if (!most) return refuse(400, "most is a number");
    const auto sessions =
        m_store.sessions({.user = request.parameter("user"), .target = request.parameter("target"), .most = *most});
    if (!sessions) return refuse(sessions.error());
    Json list = Json::array();
    for (const model::Session& session : *sessions) {
        if (session.audit_key.empty()) continue;
        list.push_back({{"audit_key", session.audit_key}, {"session", session.id}, {"user", session.user},
            {"target", session.target}, {"started", base::rfc3339(session.started)},
            {"finished", session.finished ? Json(base::rfc3339(*session.finished)) : Json(nullptr)},
            {"result", session.result}});
    }
    return respond({{"recordings", std::move(list)}});
}

Response Api::penalties() {
    Json list = Json::array();
    for (const model::SourcePenalty& one : m_live ? m_live->penalties() : std::vector<model::SourcePenalty>()) {
        list.push_back(
            {{"network", one.network}, {"reason", one.reason}, {"seconds_left", one.left.count()}, {"enforced", one.enforced}});
    }
    return respond({{"penalties", std::move(list)}, {"gateway", m_live != nullptr}});
}

Response Api::certificate_authorities() {
    const std::string user_ca = first_line(m_config.user_ca_key_path() + ".pub");
    const std::string host_ca = first_line(m_config.host_ca_key_path() + ".pub");
    if (user_ca.empty()) return refuse(404, "there is no CA yet; `sekisho init` makes it");
    Json host_keys = Json::array();
    for (const std::string& name : m_config.ssh.host_keys) {
        if (std::string line = first_line(m_config.path(name) + ".pub"); !line.empty()) host_keys.push_back(std::move(line));
    }
    return respond(
        {{"user_ca", user_ca}, {"host_ca", host_ca}, {"host_keys", std::move(host_keys)}, {"listen", m_config.ssh.listen}});
}

}  // namespace sekisho::web
