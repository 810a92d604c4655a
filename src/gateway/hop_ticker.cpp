#include "gateway/hop_ticker.h"

#include "gateway/hop.h"

namespace sekisho::gateway {

void HopTicker::add(Hop& hop) {
    m_hops.push_back(&hop);
    if (!m_armed) arm();
}

void HopTicker::remove(Hop& hop) {
    // Order does not matter; thousands of hops must not make leaving slow.
    for (auto& one : m_hops) {
        if (one != &hop) continue;
        one = m_hops.back();
        m_hops.pop_back();
        return;
    }
}

void HopTicker::arm() {
    m_armed = true;
    m_timer.after(std::chrono::seconds(1), [this] { tick(); });
}

void HopTicker::tick() {
    m_armed = false;
    const TimePoint now = m_loop.now();
    // A tick may end a hop and so remove it from the list (never destroy it: that waits for a later turn).
    const std::vector<Hop*> hops = m_hops;
    for (Hop* hop : hops) hop->tick(now);
    if (!m_hops.empty()) arm();
}

}  // namespace sekisho::gateway
