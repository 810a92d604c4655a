// WatchFeed: what a live session shows, on its way to one watcher: filled on the session's loop, emptied by web/server as lines of JSON.
// It holds no more than a bound; a watcher who reads too slowly misses output and is told how much, the session never waits. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "model/live.h"
#include "web/api.h"

namespace sekisho::web {

class WatchFeed final : public model::SessionWatcher, public BodyStream {
public:
    static constexpr std::size_t kMostWaiting = 1U << 20;

    // --- on the session's loop ---
    void channel(const model::WatchedChannel& channel) override;
    void output(std::uint32_t channel, BytesView bytes) override;
    void closed(std::uint32_t channel) override;
    void ended(std::string_view reason) override;
    bool gone() const override;

    // --- on the server's thread ---
    std::string take() override;
    bool over() const override;
    void on_more(std::function<void()> more) override;
    void leave() override;

private:
    struct Item {
        std::string line;  // or
        std::uint32_t channel = 0;
        Bytes output;
    };
    void put(Item item);
    void note_skipped();

    mutable std::mutex m_mutex;
    std::deque<Item> m_items;
    std::size_t m_waiting = 0;
    std::uint64_t m_skipped = 0;
    bool m_ended = false;
    bool m_gone = false;
    std::function<void()> m_more;
};

}  // namespace sekisho::web
