#include "net/pacer.h"

#include <utility>

namespace sekisho::net {

void Pacer::rest(std::shared_ptr<Paced> who) {
    m_resting.push_back(std::move(who));
    if (m_resting.size() > 1) return;
    m_reactor.arm(std::chrono::steady_clock::now() + kRest, [this] { over(); });
}

void Pacer::over() {
    for (const auto& who : std::exchange(m_resting, {})) {
        m_loop.turn([&] { who->rested(); });
    }
}

bool Pace::read(std::size_t count, bool full, TimePoint now) {
    const bool pours_in = count >= kLeastRead && m_sent <= kMostAnswer;
    const bool pours_out = m_sent >= kLeastSent;
    m_quick = (pours_in || pours_out) && now - m_last < kQuickly ? m_quick + 1 : 0;
    m_last = now;
    m_sent = 0;
    return m_quick >= kQuickReads && !full;
}

}  // namespace sekisho::net
