// The part of the API that shows a live session while it runs.
#include "web/json.h"
#include "web/watch_feed.h"

namespace sekisho::web {

/// Who watches is in the audit before anything is shown.
Response Api::watch_session(const Call& call) {
    if (!m_live) return refuse(409, "no gateway is running here, so no session can be watched");
    const bool sealed = !m_config.recording.seal_to.empty();
    const std::string& permitted = m_config.admin.watch;
    if (permitted == "nobody" || (permitted == "unsealed" && sealed)) {
        return refused(call.request, call.now,
            permitted == "nobody" ? "admin.watch lets nobody watch sessions"
                                  : "admin.watch lets nobody watch sessions whose recordings are sealed");
    }
    std::optional<model::Session> found;
    for (model::Session& session : m_live->live_sessions()) {
        if (session.id == call.name || (!session.audit_key.empty() && session.audit_key == call.name))
            found = std::move(session);
    }
    if (!found) return refuse(404, "no live session has this id or audit key");
    const auto kept = m_store.audit({.time = call.now,
        .kind = "session.watched",
        .session = found->id,
        .user = found->user,
        .source = call.request.actor,
        .subject = found->audit_key,
        .outcome = "ok",
        .reason = "by the admin API"});
    if (!kept) return refuse(kept.error());
    auto feed = std::make_shared<WatchFeed>();
    if (!m_live->watch_session(found->id, feed)) return refuse(404, "no live session has this id or audit key");
    Json first = to_json(*found);
    first["sealed"] = sealed;
    Response response = respond({{"event", "session"}, {"session", std::move(first)}});
    response.content_type = "application/x-ndjson";
    response.stream = std::move(feed);
    return response;
}

}  // namespace sekisho::web
