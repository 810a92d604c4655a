#include "web/fetch_feed.h"

#include <utility>

namespace sekisho::web {

bool FetchFeed::take(std::string piece) {
    std::unique_lock lock(m_mutex);
    m_room.wait(lock, [this] { return m_gone || m_ended || m_waiting.size() < kMostWaiting; });
    if (m_gone || m_ended) return false;
    m_waiting += piece;
    if (m_more) m_more();
    return true;
}

/// The first outcome counts.
void FetchFeed::end(Result<void> outcome) {
    const std::lock_guard lock(m_mutex);
    if (m_ended) return;
    m_ended = true;
    m_broken = !outcome;
    m_room.notify_all();
    if (m_more) m_more();
}

std::string FetchFeed::take() {
    const std::lock_guard lock(m_mutex);
    m_room.notify_all();
    return std::exchange(m_waiting, {});
}

bool FetchFeed::over() const {
    const std::lock_guard lock(m_mutex);
    return m_ended && m_waiting.empty();
}

bool FetchFeed::broken() const {
    const std::lock_guard lock(m_mutex);
    return m_broken;
}

void FetchFeed::on_more(std::function<void()> more) {
    const std::lock_guard lock(m_mutex);
    m_more = std::move(more);
    if (m_more && (m_ended || !m_waiting.empty())) m_more();
}

void FetchFeed::leave() {
    const std::lock_guard lock(m_mutex);
    m_gone = true;
    m_more = nullptr;
    m_room.notify_all();
}

}  // namespace sekisho::web
