#include "web/watch_feed.h"

#include <utility>

#include "web/json.h"

namespace sekisho::web {
namespace {

constexpr std::size_t kOverhead = 128;  // of an item, however little it holds

std::string line_of(const Json& event) { return event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

/// Under the mutex.
void WatchFeed::put(Item item) {
    if (m_gone) return;
    const bool first = m_items.empty();
    m_waiting += item.line.size() + item.output.size() + kOverhead;
    m_items.push_back(std::move(item));
    if (first && m_more) m_more();
}

void WatchFeed::note_skipped() {
    if (m_skipped > 0) put({.line = line_of({{"event", "skipped"}, {"bytes", std::exchange(m_skipped, 0)}})});
}

void WatchFeed::channel(const model::WatchedChannel& channel) {
    const std::lock_guard lock(m_mutex);
    note_skipped();
    // Bounded although it always comes: a client that changes its size again and again is heard once a kMostWaiting.
    if (m_waiting > 2 * kMostWaiting) return;
    put({.line = line_of(
             {{"event", "channel"}, {"channel", channel.number}, {"target", channel.target}, {"terminal", channel.terminal},
                 {"columns", channel.columns}, {"rows", channel.rows}, {"bytes", channel.bytes}})});
}

void WatchFeed::output(std::uint32_t channel, BytesView bytes) {
    const std::lock_guard lock(m_mutex);
    if (m_gone) return;
    if (m_waiting + bytes.size() > kMostWaiting) {
        m_skipped += bytes.size();
        return;
    }
    note_skipped();
    put({.line = {}, .channel = channel, .output = base::to_bytes(bytes)});
}

void WatchFeed::closed(std::uint32_t channel) {
    const std::lock_guard lock(m_mutex);
    note_skipped();
    if (m_waiting > 2 * kMostWaiting) return;
    put({.line = line_of({{"event", "closed"}, {"channel", channel}})});
}

void WatchFeed::ended(std::string_view reason) {
    const std::lock_guard lock(m_mutex);
    if (m_ended) return;
    note_skipped();
    m_ended = true;
    put({.line = line_of({{"event", "end"}, {"reason", reason}})});
}

bool WatchFeed::gone() const {
    const std::lock_guard lock(m_mutex);
    return m_gone;
}

std::string WatchFeed::take() {
    std::deque<Item> items;
    {
        const std::lock_guard lock(m_mutex);
        items.swap(m_items);
        m_waiting = 0;
        if (items.empty() && m_skipped > 0)
            items.push_back({.line = line_of({{"event", "skipped"}, {"bytes", std::exchange(m_skipped, 0)}})});
    }
    std::string text;
    for (const Item& item : items) {
        text += item.output.empty()
                    ? item.line
                    : line_of({{"event", "output"}, {"channel", item.channel}, {"data", base::base64(item.output)}});
    }
    return text;
}

bool WatchFeed::over() const {
    const std::lock_guard lock(m_mutex);
    return m_ended && m_items.empty();
}

void WatchFeed::on_more(std::function<void()> more) {
    const std::lock_guard lock(m_mutex);
    m_more = std::move(more);
}

void WatchFeed::leave() {
    const std::lock_guard lock(m_mutex);
    m_gone = true;
    m_more = nullptr;
    m_items.clear();
}

}  // namespace sekisho::web
