// RefusalBudget: how many audit records strangers may cause in a second. Whoever hammers the gateway fills no disk and keeps
// no store busy; what was left out is counted in the next record. Thread-safe.
#pragma once

#include <mutex>
#include <string>

#include "base/clock.h"

namespace sekisho::gateway {

class RefusalBudget {
public:
    static constexpr unsigned kPerSecond = 50;

    bool permit(TimePoint now) {
        const std::lock_guard lock(m_mutex);
        if (now - m_second >= std::chrono::seconds(1)) {
            m_second = now;
            m_used = 0;
        }
        if (m_used < kPerSecond) {
            ++m_used;
            return true;
        }
        ++m_left_out;
        return false;
    }

    /// "" or " (and N refusals before that were not written down)"; starts counting again.
    std::string left_out() {
        const std::lock_guard lock(m_mutex);
        if (m_left_out == 0) return {};
        std::string text = " (and " + std::to_string(m_left_out);
        text += " refusals before that were not written down)";
        m_left_out = 0;
        return text;
    }

private:
    std::mutex m_mutex;
    TimePoint m_second{};
    unsigned m_used = 0;
    std::uint64_t m_left_out = 0;
};

}  // namespace sekisho::gateway
