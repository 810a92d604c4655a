// Work on a loop's own thread, from a test's.
#pragma once

#include <future>

#include "net/loop.h"

namespace sekisho::net {

/// Runs `work` on the loop and waits for it.
template <class Work>
void on(Loop& loop, Work work) {
    std::promise<void> done;
    loop.post([&] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

}  // namespace sekisho::net
