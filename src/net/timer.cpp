#include "net/timer.h"

#include <boost/asio/steady_timer.hpp>

#include "net/asio.h"

namespace sekisho::net {

struct Timer::State {
    explicit State(Loop& owner) : loop(owner), timer(owner.state().context) {}
    Loop& loop;
    boost::asio::steady_timer timer;
    std::function<void()> work;
    std::uint64_t plan = 0;  // tells a cancelled wait that had already fired from the current one
};

Timer::Timer(Loop& loop) : m_state(std::make_shared<State>(loop)) {}

Timer::~Timer() { cancel(); }

void Timer::after(Duration delay, std::function<void()> work) {
    const std::uint64_t plan = ++m_state->plan;
    m_state->work = std::move(work);
    m_state->timer.expires_after(delay);
    m_state->timer.async_wait([state = m_state, plan](const boost::system::error_code& error) {
        if (error || state->plan != plan || !state->work) return;
        state->loop.turn([&] { std::exchange(state->work, nullptr)(); });
    });
}

void Timer::cancel() {
    ++m_state->plan;
    m_state->work = nullptr;
    m_state->timer.cancel();
}

}  // namespace sekisho::net
