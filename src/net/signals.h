// Signals: SIGHUP, SIGTERM and the like as turns of a loop. Owned by gateway/serve.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "net/loop.h"

namespace sekisho::net {

class Signals {
public:
    Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int number)> arrived);
    ~Signals();

private:
    struct State;
    std::shared_ptr<State> m_state;
};

}  // namespace sekisho::net
