#include "net/timer.h"

#include <optional>
#include <utility>

#include "net/loop_state.h"

namespace sekisho::net {

struct Timer::State {
    explicit State(Loop& owner) : loop(owner) {}
    Loop& loop;
    std::function<void()> work;
    std::optional<Reactor::TimerKey> key;
};

Timer::Timer(Loop& loop) : m_state(std::make_shared<State>(loop)) {}

Timer::~Timer() { cancel(); }

void Timer::after(Duration delay, std::function<void()> work) {
    cancel();
    m_state->work = std::move(work);
    m_state->key = m_state->loop.state().reactor.arm(std::chrono::steady_clock::now() + delay, [state = m_state] {
        state->key.reset();
        state->loop.turn([&] { std::exchange(state->work, nullptr)(); });
    });
}

void Timer::cancel() {
    m_state->work = nullptr;
    if (m_state->key) m_state->loop.state().reactor.disarm(*std::exchange(m_state->key, std::nullopt));
}

}  // namespace sekisho::net
