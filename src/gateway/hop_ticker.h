// HopTicker: one timer for all hops of a loop, once a second, for what need not be exact: login grace, keepalives, rekey by
// time. A timer for each of thousands of idle hops would cost memory and wake-ups. One per loop; loop thread only.
#pragma once

#include <vector>

#include "net/timer.h"

namespace sekisho::gateway {

class Hop;

class HopTicker {
public:
    explicit HopTicker(net::Loop& loop) : m_loop(loop), m_timer(loop) {}
    void add(Hop& hop);
    void remove(Hop& hop);
    void stop() { m_timer.cancel(); }

private:
    void arm();
    void tick();

    net::Loop& m_loop;
    net::Timer m_timer;
    static constexpr std::size_t kAtOnce = 256;  // then others of the loop have their turn

    std::vector<Hop*> m_hops;
    std::size_t m_left = 0;  // of this second, those before it
    bool m_armed = false;
};

}  // namespace sekisho::gateway
