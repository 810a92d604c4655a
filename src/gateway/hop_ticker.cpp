#include "gateway/hop_ticker.h"

#include <algorithm>

#include "gateway/hop.h"

namespace sekisho::gateway {

void HopTicker::add(Hop& hop) {
    hop.tick_place = m_hops.size();
    m_hops.push_back(&hop);
    if (!m_armed) arm();
}

void HopTicker::remove(Hop& hop) {
    // Order does not matter; thousands of hops must not make leaving slow.
    const std::size_t place = hop.tick_place;
    if (place >= m_hops.size() || m_hops[place] != &hop) return;
    m_hops[place] = m_hops.back();
    m_hops[place]->tick_place = place;
    m_hops.pop_back();
}

void HopTicker::arm() {
    m_armed = true;
    m_timer.after(std::chrono::seconds(1), [this] {
        m_left = m_hops.size();
        tick();
    });
}

/// From the back: a tick may end a hop and so remove it from the list (never destroy it: that waits for a later turn), and the one that
/// takes its place has had its tick.
void HopTicker::tick() {
    const TimePoint now = m_loop.now();
    for (std::size_t ticked = 0; ticked < kAtOnce && m_left > 0; ++ticked) {
        m_left = std::min(m_left, m_hops.size());
        if (m_left > 0) m_hops[--m_left]->tick(now);
    }
    if (m_left > 0) return m_loop.patiently([this] { tick(); });
    m_armed = false;
    if (!m_hops.empty()) arm();
}

}  // namespace sekisho::gateway
