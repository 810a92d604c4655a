// SessionLimits: how long one session may last and be silent, by the rules under which its channels were opened; the tightest of them
// counts. Owned by the front hop, which ends the session when it is told. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "model/access.h"
#include "net/timer.h"

namespace sekisho::gateway {

class SessionLimits {
public:
    /// `bytes`: what has passed in both directions so far. `end`: ends the session with a text for its user; called once.
    SessionLimits(net::Loop& loop, std::function<std::uint64_t()> bytes, std::function<void(const std::string&)> end);

    /// A channel begins under this rule, in a session that has lasted for `lasted`.
    void begin_under(const std::string& rule, const model::Limits& limits, Duration lasted);

private:
    void watch();

    net::Loop& m_loop;
    std::function<std::uint64_t()> m_bytes;
    std::function<void(const std::string&)> m_end;
    net::Timer m_over;
    net::Timer m_look;
    std::optional<TimePoint> m_end_at;
    std::chrono::seconds m_idle_time{0};
    std::string m_idle_rule;
    std::uint64_t m_seen = 0;
    TimePoint m_moved{};  // when bytes were last seen to pass
};

}  // namespace sekisho::gateway
