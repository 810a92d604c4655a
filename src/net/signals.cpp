#include "net/signals.h"

#include <boost/asio/signal_set.hpp>

#include "net/asio.h"

namespace sekisho::net {

struct Signals::State : std::enable_shared_from_this<Signals::State> {
    State(Loop& owner, std::function<void(int)> function)
        : loop(owner), set(owner.state().context), arrived(std::move(function)) {}
    Loop& loop;
    boost::asio::signal_set set;
    std::function<void(int)> arrived;

    void wait() {
        set.async_wait([self = shared_from_this()](const boost::system::error_code& error, int number) {
            if (error) return;
            self->wait();
            self->loop.turn([&] { self->arrived(number); });
        });
    }
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> arrived)
    : m_state(std::make_shared<State>(loop, std::move(arrived))) {
    for (const int number : numbers) m_state->set.add(number);
    m_state->wait();
}

Signals::~Signals() {
    boost::system::error_code ignored;
    m_state->set.cancel(ignored);
}

}  // namespace sekisho::net
