#include "gateway/live_sessions.h"

#include <algorithm>

namespace sekisho::gateway {

model::Session LiveSession::now() const {
    model::Session session = facts;
    session.bytes_in = bytes_in.load(std::memory_order_relaxed);
    session.bytes_out = bytes_out.load(std::memory_order_relaxed);
    return session;
}

void LiveSessions::enter(std::shared_ptr<LiveSession> session) {
    const std::lock_guard lock(m_mutex);
    m_sessions[session->facts.id] = std::move(session);
}

void LiveSessions::leave(const std::string& id) {
    const std::lock_guard lock(m_mutex);
    m_sessions.erase(id);
}

std::vector<model::Session> LiveSessions::list() const {
    std::vector<model::Session> sessions;
    {
        const std::lock_guard lock(m_mutex);
        sessions.reserve(m_sessions.size());
        for (const auto& [id, session] : m_sessions) sessions.push_back(session->now());
    }
    std::ranges::sort(sessions, {}, &model::Session::started);
    return sessions;
}

std::size_t LiveSessions::count() const {
    const std::lock_guard lock(m_mutex);
    return m_sessions.size();
}

bool LiveSessions::count_under(const std::string& id, const std::string& rule, std::uint32_t most) {
    const std::lock_guard lock(m_mutex);
    const auto own = m_sessions.find(id);
    if (own == m_sessions.end()) return false;
    if (own->second->rules.contains(rule)) return true;
    const auto others = std::ranges::count_if(m_sessions, [&](const auto& one) {
        return one.second->facts.user == own->second->facts.user && one.second->rules.contains(rule);
    });
    if (static_cast<std::uint64_t>(others) >= most) return false;
    own->second->rules.insert(rule);
    return true;
}

void LiveSessions::stop_counting(const std::string& id) {
    const std::lock_guard lock(m_mutex);
    if (const auto own = m_sessions.find(id); own != m_sessions.end()) own->second->rules.clear();
}

bool LiveSessions::end(const std::string& id_or_audit_key, const std::string& text) {
    std::shared_ptr<LiveSession> found;
    {
        const std::lock_guard lock(m_mutex);
        for (const auto& [id, session] : m_sessions) {
            if (id == id_or_audit_key || (!id_or_audit_key.empty() && session->facts.audit_key == id_or_audit_key))
                found = session;
        }
    }
    if (found) found->end(text);
    return found != nullptr;
}

bool LiveSessions::watch(const std::string& id, std::shared_ptr<model::SessionWatcher> watcher) {
    std::shared_ptr<LiveSession> found;
    {
        const std::lock_guard lock(m_mutex);
        if (const auto one = m_sessions.find(id); one != m_sessions.end()) found = one->second;
    }
    if (!found || !found->watch) return false;
    found->watch(std::move(watcher));
    return true;
}

}  // namespace sekisho::gateway
