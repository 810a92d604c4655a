// LiveSessions: the sessions that run now, as the admin API sees them: facts and counters that any thread may read, and a way
// to ask the session's own loop to end it. Entered and left by SessionRecord. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/live.h"
#include "model/session.h"

namespace sekisho::gateway {

/// What a user who was removed hears.
inline constexpr const char* kUserRemoved = "Your user was removed from this gateway.";

/// One writer (the session's loop), any readers.
struct LiveSession {
    model::Session facts;  // does not change once the session was entered
    std::atomic<std::uint64_t> bytes_in{0};
    std::atomic<std::uint64_t> bytes_out{0};
    /// Asks the loop to end the session with a text for its user.
    std::function<void(const std::string& text)> end;
    /// Asks the loop to show the session to somebody.
    std::function<void(std::shared_ptr<model::SessionWatcher>)> watch;
    std::set<std::string> rules;  // that it is counted under; of LiveSessions, behind its mutex

    static void add(std::atomic<std::uint64_t>& counter, std::uint64_t count) {
        counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    /// The facts with the counters of this moment.
    model::Session now() const;
};

class LiveSessions {
public:
    void enter(std::shared_ptr<LiveSession> session);
    void leave(const std::string& id);
    std::vector<model::Session> list() const;
    std::size_t count() const;
    bool end(const std::string& id_or_audit_key, const std::string& text);
    bool watch(const std::string& id, std::shared_ptr<model::SessionWatcher> watcher);
    /// Counts the session `id` among those of its user under `rule`, from now until stop_counting; false, and not counted, where `most`
    /// others are there already.
    bool count_under(const std::string& id, const std::string& rule, std::uint32_t most);
    /// It is over, though its end is not stored yet: counted under no rule any more.
    void stop_counting(const std::string& id);

private:
    mutable std::mutex m_mutex;
    std::unordered_map<std::string, std::shared_ptr<LiveSession>> m_sessions;
};

}  // namespace sekisho::gateway
