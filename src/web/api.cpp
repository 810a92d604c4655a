#include "web/api.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <span>
#include <unordered_map>

#include "recording/folder.h"
#include "recording/source.h"
#include "web/fetch_feed.h"
#include "web/filters.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

constexpr std::uint64_t kMostRecords = 100'000;  // of the audit in one answer

/// How far their recordings are on their way to the bucket, by session.
Result<std::map<std::string, model::Shipment>> shipments_of(store::Store& store, const std::vector<model::Session>& sessions) {
    std::map<std::string, model::Shipment> found;
    store::ShipmentFilter filter{.states = {}, .verified_before = {}};
    for (const model::Session& session : sessions) {
        if (session.audit_key.empty()) continue;
        if (filter.from.empty() || session.audit_key < filter.from) filter.from = session.audit_key;
        filter.to = std::max(filter.to, session.audit_key);
    }
    if (filter.from.empty()) return found;
    auto shipments = store.shipments(filter);
    if (!shipments) return std::unexpected(shipments.error());
    for (model::Shipment& one : *shipments) found.insert_or_assign(one.session, std::move(one));
    return found;
}

/// As the store has it, of what runs and is not in the store yet.
bool matches(const model::Session& session, const store::SessionFilter& filter) {
    const std::size_t at = session.target.rfind('@');
    const std::string_view target = at == std::string::npos ? session.target : std::string_view(session.target).substr(at + 1);
    const std::string_view login = at == std::string::npos ? std::string_view() : std::string_view(session.target).substr(0, at);
    return filter.words.empty() && (filter.user.empty() || session.user == filter.user) &&
           (filter.target.empty() || target == filter.target) && (filter.login.empty() || login == filter.login) &&
           (filter.source.empty() || session.source == filter.source) && (!filter.since || session.started >= *filter.since) &&
           (!filter.until || session.started <= *filter.until);
}

}  // namespace

std::optional<std::uint64_t> number(const Request& request, std::string_view name, std::uint64_t otherwise) {
    const std::string& text = request.parameter(name);
    if (text.empty()) return otherwise;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Response Api::sessions(const Call& call) {
    const Request& request = call.request;
    const auto most = number(request, "most", 1000);
    if (!most) return refuse(400, "most is a number");
    auto filter = session_filter(request);
    if (!filter) return refuse(400, filter.error().text);
    filter->live_only = request.flag("live");
    filter->most = *most;
    auto stored = m_store.sessions(*filter);
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
        const bool wanted = matches(session, *filter);
        if (wanted && *most > stored->size()) add(session, true);
    }
    return respond({{"sessions", std::move(list)}, {"gateway", m_live != nullptr}});
}

Response Api::session(const Call& call) {
    const std::string& id = call.name;
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

Response Api::end_session(const Call& call) {
    const Request& request = call.request;
    const std::string& id = call.name;
    if (!m_live) return refuse(409, "no gateway is running here, so no session can be ended");
    const std::string& stated = request.parameter("reason");
    const std::string reason = stated.empty() ? "ended by an administrator" : "ended by an administrator: " + stated;
    const bool ended = m_live->end_session(id, reason);
    const auto audited = m_store.audit({.time = call.now,
        .kind = "session.end",
        .session = id,
        .source = request.actor,
        .outcome = ended ? "ok" : "failed",
        .reason = ended ? reason : "not live"});
    if (!audited) return refuse(audited.error());
    return ended ? respond({{"ended", id}}) : refuse(404, "no live session has this id or audit key");
}

Response Api::audit(const Call& call) {
    const Request& request = call.request;
    const auto after = number(request, "after", 0);
    const auto most = number(request, "most", 1000);
    if (!after || !most) return refuse(400, "after and most are numbers");
    // One more than is shown tells whether there are more.
    const bool newest = request.parameter("after").empty();
    auto records = m_store.audit_records({.kind = request.parameter("kind"),
        .session = request.parameter("session"),
        .after = *after,
        .most = std::min<std::uint64_t>(*most, kMostRecords) + 1,
        .newest = newest});
    if (!records) return refuse(records.error());
    const bool more = records->size() > std::min<std::uint64_t>(*most, kMostRecords);
    if (more) records->erase(newest ? records->begin() : std::prev(records->end()));
    Json list = Json::array();
    for (const model::AuditRecord& record : *records) list.push_back(to_json(record));
    return respond({{"records", std::move(list)}, {"more", more}});
}

Response Api::recordings(const Call& call) {
    const Request& request = call.request;
    const auto most = number(request, "most", 1000);
    if (!most) return refuse(400, "most is a number");
    auto filter = session_filter(request);
    if (!filter) return refuse(400, filter.error().text);
    filter->most = *most;
    const auto sessions = m_store.sessions(*filter);
    if (!sessions) return refuse(sessions.error());
    const auto shipments = shipments_of(m_store, *sessions);
    if (!shipments) return refuse(shipments.error());
    Json list = Json::array();
    for (const model::Session& session : *sessions) {
        if (session.audit_key.empty()) continue;
        const auto shipment = shipments->find(session.id);
        const bool shipped = shipment != shipments->end();
        list.push_back({{"audit_key", session.audit_key}, {"session", session.id}, {"user", session.user},
            {"target", session.target}, {"started", base::rfc3339(session.started)},
            {"finished", session.finished ? Json(base::rfc3339(*session.finished)) : Json(nullptr)},
            {"result", session.result}, {"shipping", shipped ? model::name(shipment->second.state) : "local"},
            {"size", shipped ? Json(shipment->second.size) : Json(nullptr)}});
    }
    return respond({{"recordings", std::move(list)}});
}

Response Api::penalties(const Call&) {
    Json list = Json::array();
    for (const model::SourcePenalty& one : m_live ? m_live->penalties() : std::vector<model::SourcePenalty>()) {
        list.push_back(
            {{"network", one.network}, {"reason", one.reason}, {"seconds_left", one.left.count()}, {"enforced", one.enforced}});
    }
    return respond({{"penalties", std::move(list)}, {"gateway", m_live != nullptr}});
}

/// Not on this thread: a bucket may be slow.
Response Api::fetched(const Call& call, const std::string& audit_key) {
    if (!m_live) return refuse(409, "no gateway is running here, so nothing can be fetched from the bucket");
    const auto kept = m_store.audit({.time = call.now,
        .kind = audit_key.empty() ? "recording.bucket_listed" : "recording.read",
        .source = call.request.actor,
        .subject = audit_key,
        .outcome = "ok",
        .reason = "from the bucket, by the admin API"});
    if (!kept) return refuse(kept.error());
    auto feed = std::make_shared<FetchFeed>();
    if (const auto begun = m_live->fetch_recording(audit_key, call.request.parameter("session"), feed); !begun)
        return refuse(409, begun.error().text);
    Response response{.status = 200, .body = {}, .content_type = "application/octet-stream", .stream = {}};
    response.stream = std::move(feed);
    return response;
}

Response Api::bucket(const Call& call) {
    Response response = fetched(call, "");
    if (response.stream) response.content_type = "application/x-ndjson";
    return response;
}

/// Recordings may be read while they are written: whoever wants all of it asks until nothing more comes.
Response Api::recording_content(const Call& call) {
    constexpr std::uint64_t kMostPiece = 4U << 20;
    const auto offset = number(call.request, "offset", 0);
    const auto most = number(call.request, "most", kMostPiece);
    if (!offset || !most) return refuse(400, "offset and most are numbers");
    if (!recording::is_audit_key(call.name)) return refuse(404, "that is not an audit key");
    if (call.request.flag("from_bucket")) return fetched(call, call.name);
    const auto source = recording::open_file(recording::path_of(m_config.path(m_config.recording.dir), call.name));
    if (!source) return refuse(404, "there is no recording with this audit key here");
    if (*offset == 0) {
        const auto kept = m_store.audit({.time = call.now,
            .kind = "recording.read",
            .source = call.request.actor,
            .subject = call.name,
            .outcome = "ok",
            .reason = "by the admin API"});
        if (!kept) return refuse(kept.error());
    }
    Response response{.status = 200, .body = {}, .content_type = "application/octet-stream"};
    if (*offset >= (*source)->size()) return response;
    response.body.resize(std::min({*most, kMostPiece, (*source)->size() - *offset}));
    const auto bytes = std::as_writable_bytes(std::span(response.body.data(), response.body.size()));
    response.body.resize((*source)->read(*offset, bytes));
    return response;
}

}  // namespace sekisho::web
