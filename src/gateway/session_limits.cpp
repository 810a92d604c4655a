#include "gateway/session_limits.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"

namespace sekisho::gateway {

SessionLimits::SessionLimits(
    net::Loop& loop, std::function<std::uint64_t()> bytes, std::function<void(const std::string&)> end)
    : m_loop(loop), m_bytes(std::move(bytes)), m_end(std::move(end)), m_over(loop), m_look(loop) {}

void SessionLimits::begin_under(const std::string& rule, const model::Limits& limits, Duration lasted) {
    const TimePoint now = m_loop.now();
    if (limits.max_time.count() != 0) {
        const TimePoint end_at = now + std::max<Duration>(limits.max_time - lasted, Duration::zero());
        if (!m_end_at || end_at < *m_end_at) {
            m_end_at = end_at;
            const std::string text =
                fmt::format("Rule \"{}\" ends a session after {}.", rule, base::duration_text(limits.max_time));
            m_over.after(end_at - now, [this, text] { m_end(text); });
        }
    }
    if (limits.idle_time.count() != 0 && (m_idle_time.count() == 0 || limits.idle_time < m_idle_time)) {
        m_idle_time = limits.idle_time;
        m_idle_rule = rule;
        m_seen = m_bytes();
        m_moved = now;
        watch();
    }
}

/// Looks so often that a session is not silent for more than an eighth longer than it may be.
void SessionLimits::watch() {
    const TimePoint now = m_loop.now();
    if (const std::uint64_t bytes = m_bytes(); bytes != m_seen) {
        m_seen = bytes;
        m_moved = now;
    }
    if (now - m_moved >= m_idle_time) {
        return m_end(fmt::format("Rule \"{}\" ends a session after {} in which nothing was said.", m_idle_rule,
            base::duration_text(m_idle_time)));
    }
    const Duration left = m_idle_time - (now - m_moved);
    m_look.after(std::min(left, Duration(m_idle_time) / 8), [this] { watch(); });
}

}  // namespace sekisho::gateway
