// Timer: calls a function once, later, on its loop. Cancelled by its destructor. Loop thread only.
#pragma once

#include <functional>
#include <memory>

#include "net/loop.h"

namespace sekisho::net {

class Timer {
public:
    explicit Timer(Loop& loop);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    /// Replaces what was planned before.
    void after(Duration delay, std::function<void()> work);
    void cancel();

private:
    struct State;
    std::shared_ptr<State> m_state;
};

}  // namespace sekisho::net
