// Order of one round: look (wait for the system, take what was posted) → descriptors → timers → posted → again.
#include "net/reactor.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/assert.h"

namespace sekisho::net {

namespace {
constexpr std::uint32_t kToRead = EPOLLIN | EPOLLRDHUP | EPOLLET;  // ERR and HUP come unasked
}

Reactor::Reactor() : m_epoll(::epoll_create1(EPOLL_CLOEXEC)), m_wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.ptr = nullptr;
    SEKISHO_ASSERT(m_epoll >= 0 && m_wake >= 0 && ::epoll_ctl(m_epoll, EPOLL_CTL_ADD, m_wake, &event) == 0);
}

Reactor::~Reactor() {
    drop();
    ::close(m_wake);
    ::close(m_epoll);
}

void Reactor::drop() {
    // What goes may post, arm and unwatch.
    for (;;) {
        std::vector<Work> works = std::exchange(m_again, {});
        std::ranges::move(std::exchange(m_taken, {}), std::back_inserter(works));
        {
            const std::lock_guard lock(m_mutex);
            std::ranges::move(std::exchange(m_posted, {}), std::back_inserter(works));
        }
        const auto timers = std::exchange(m_timers, {});
        if (works.empty() && timers.empty()) return;
    }
}

void Reactor::run() {
    while (running()) {
        look();
        for (m_event = 0; m_event < m_event_count && running(); ++m_event) {
            const epoll_event& event = m_events[m_event];
            if (event.data.ptr != nullptr) static_cast<Watched*>(event.data.ptr)->ready(event.events);
        }
        m_event_count = 0;
        run_timers();
        run_all(m_taken);
    }
}

/// Milliseconds until the first timer, -1 for ever; rounded up, so that a timer is never early and the loop does not spin before it.
int Reactor::time_left() const {
    if (m_timers.empty()) return -1;
    const auto left = m_timers.begin()->first.first - std::chrono::steady_clock::now();
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<std::int64_t>(whole, 0, std::int64_t{24} * 3600 * 1000));
}

void Reactor::look() {
    int timeout = m_again.empty() ? time_left() : 0;
    {
        const std::lock_guard lock(m_mutex);
        if (!m_posted.empty()) timeout = 0;
        m_asleep = timeout != 0;
    }
    const int count = ::epoll_wait(m_epoll, m_events.data(), static_cast<int>(m_events.size()), timeout);
    // What asked for another round comes behind what is ready now, as does what was posted.
    m_taken.swap(m_again);
    {
        const std::lock_guard lock(m_mutex);
        m_asleep = false;
        std::ranges::move(m_posted, std::back_inserter(m_taken));
        m_posted.clear();
    }
    m_event_count = static_cast<std::size_t>(std::max(count, 0));  // a signal: nothing
    const auto woken = std::count_if(m_events.begin(), m_events.begin() + static_cast<std::ptrdiff_t>(m_event_count),
        [](const epoll_event& event) { return event.data.ptr == nullptr; });
    m_found = m_event_count - static_cast<std::size_t>(woken) + m_taken.size();
    ++m_looks;
}

void Reactor::run_timers() {
    if (m_timers.empty()) return;
    const TimePoint now = std::chrono::steady_clock::now();
    while (!m_timers.empty() && m_timers.begin()->first.first <= now && running()) {
        const Work work = std::move(m_timers.extract(m_timers.begin()).mapped());
        work();
    }
}

void Reactor::run_all(std::vector<Work>& works) {
    for (std::size_t i = 0; i < works.size() && running(); ++i) {
        const Work work = std::move(works[i]);
        work();
    }
    if (running()) works.clear();
}

void Reactor::stop() {
    m_stopped.store(true, std::memory_order_relaxed);
    post([] {});
}

void Reactor::post(Work work) {
    bool asleep = false;
    {
        const std::lock_guard lock(m_mutex);
        m_posted.push_back(std::move(work));
        asleep = std::exchange(m_asleep, false);
    }
    if (asleep) (void)::eventfd_write(m_wake, 1);
}

bool Reactor::watch(int fd, Watched& who, bool to_write) {
    epoll_event event{};
    event.events = to_write ? kToRead | EPOLLOUT : kToRead;
    event.data.ptr = &who;
    return ::epoll_ctl(m_epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Reactor::watch_room(int fd, Watched& who) {
    epoll_event event{};
    event.events = kToRead | EPOLLOUT;
    event.data.ptr = &who;
    return ::epoll_ctl(m_epoll, EPOLL_CTL_MOD, fd, &event) == 0;
}

void Reactor::unwatch(int fd, Watched& who) {
    // Not left to close(): a process that was forked with the descriptor would keep the registration alive.
    (void)::epoll_ctl(m_epoll, EPOLL_CTL_DEL, fd, nullptr);
    for (std::size_t i = m_event; i < m_event_count; ++i) {
        if (m_events[i].data.ptr == &who) m_events[i].data.ptr = nullptr;
    }
}

Reactor::TimerKey Reactor::arm(TimePoint when, Work work) {
    const TimerKey key{when, ++m_timer_number};
    m_timers.emplace(key, std::move(work));
    return key;
}

}  // namespace sekisho::net
