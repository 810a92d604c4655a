// Reactor: the system's side of a Loop: which descriptors are ready, which timers are due, what other threads posted. One epoll set,
// edge-triggered: a descriptor is registered once, and waiting for it again costs no call (docs/adr/0016-our-own-reactor.md says why
// no library does this here). Owned by a Loop. post() and stop() may be called from any thread; everything else belongs to the
// thread that runs it, or to whoever prepares it before.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sekisho::net {

/// Somebody with a descriptor.
class Watched {
public:
    /// What epoll says, once per change: whoever leaves something undone must remember it, or ask for again().
    virtual void ready(std::uint32_t events) = 0;

protected:
    ~Watched() = default;
};

class Reactor {
public:
    static constexpr std::uint32_t kReadable = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    static constexpr std::uint32_t kWritable = EPOLLOUT | EPOLLHUP | EPOLLERR;
    /// Nothing more will come: what is there is to be read up to its end, because no further change will tell of it.
    static constexpr std::uint32_t kNoMore = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

    using Work = std::function<void()>;
    using TimerKey = std::pair<TimePoint, std::uint64_t>;

    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// Until stop(), which holds from then on.
    void run();
    void stop();
    void post(Work work);
    /// Forgets posted work and timers. What they owned may still use this object on its way out.
    void drop();

    /// Tells `who` when `fd` has something to read, and with `to_write` when there is room as well: now and at each change, until
    /// unwatch(), which must come before either of them is gone.
    bool watch(int fd, Watched& who, bool to_write = false);
    /// From now on tells of room as well, beginning with now.
    bool watch_room(int fd, Watched& who);
    void unwatch(int fd, Watched& who);
    /// Runs `work` after a look at what has become ready meanwhile: for whoever could go on at once, but is not alone.
    void again(Work work) { m_again.push_back(std::move(work)); }

    TimerKey arm(TimePoint when, Work work);
    void disarm(const TimerKey& key) { m_timers.erase(key); }

    /// What runs now is all that was ready when this thread last looked.
    bool alone() const { return m_found == 1; }
    /// The number of that look.
    std::uint64_t looks() const { return m_looks; }

private:
    static constexpr std::size_t kEvents = 128;

    int time_left() const;
    void look();
    void run_timers();
    void run_all(std::vector<Work>& works);
    bool running() const { return !m_stopped.load(std::memory_order_relaxed); }

    int m_epoll = -1;
    int m_wake = -1;  // eventfd; edge-triggered, so that it is never read
    std::atomic<bool> m_stopped{false};

    std::mutex m_mutex;  // of the next two
    std::vector<Work> m_posted;
    bool m_asleep = false;

    std::vector<Work> m_taken;  // posted before this look
    std::vector<Work> m_again;
    std::map<TimerKey, Work> m_timers;
    std::uint64_t m_timer_number = 0;
    std::array<epoll_event, kEvents> m_events{};
    std::size_t m_event = 0, m_event_count = 0;
    std::size_t m_found = 0;
    std::uint64_t m_looks = 0;
};

}  // namespace sekisho::net
