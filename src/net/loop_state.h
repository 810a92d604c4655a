// What a Loop is made of, for the other files of net.
#pragma once

#include <memory>
#include <vector>

#include "net/loop.h"
#include "net/pacer.h"
#include "net/reactor.h"

namespace sekisho::net {

struct Loop::State {
    explicit State(Loop& loop) : pacer(loop, reactor) {}
    Reactor reactor;
    std::vector<std::byte> scratch;
    Pacer pacer;
};

}  // namespace sekisho::net
