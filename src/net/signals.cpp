#include "net/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <vector>

#include "base/assert.h"
#include "net/loop_state.h"

namespace sekisho::net {

namespace {

std::atomic<int> g_pipe{-1};  // where the handler writes; one Signals at a time

void handle(int number) {
    const int error = errno;
    const auto byte = static_cast<unsigned char>(number);
    if (::write(g_pipe.load(std::memory_order_relaxed), &byte, 1) < 0) {
        // A full pipe has signals enough for whoever reads it.
    }
    errno = error;
}

}  // namespace

struct Signals::State final : Watched, std::enable_shared_from_this<Signals::State> {
    State(Loop& owner, std::function<void(int)> function) : loop(owner), arrived(std::move(function)) {
        SEKISHO_ASSERT(::pipe2(pipe, O_CLOEXEC | O_NONBLOCK) == 0);
        SEKISHO_ASSERT(loop.state().reactor.watch(pipe[0], *this));
        SEKISHO_ASSERT(g_pipe.exchange(pipe[1]) == -1);
    }
    ~State() {
        for (const int number : numbers) (void)std::signal(number, SIG_DFL);
        g_pipe = -1;
        loop.state().reactor.unwatch(pipe[0], *this);
        ::close(pipe[0]);
        ::close(pipe[1]);
    }

    void take(int number) {
        struct sigaction action {};
        action.sa_handler = handle;
        action.sa_flags = SA_RESTART;
        sigfillset(&action.sa_mask);
        SEKISHO_ASSERT(::sigaction(number, &action, nullptr) == 0);
        numbers.push_back(number);
    }

    void ready(std::uint32_t) override {
        const auto self = shared_from_this();
        unsigned char number = 0;
        while (::read(pipe[0], &number, 1) == 1) {
            loop.turn([&] { arrived(number); });
        }
    }

    Loop& loop;
    std::function<void(int)> arrived;
    std::vector<int> numbers;
    int pipe[2] = {-1, -1};
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers, std::function<void(int)> arrived)
    : m_state(std::make_shared<State>(loop, std::move(arrived))) {
    for (const int number : numbers) m_state->take(number);
}

Signals::~Signals() = default;

}  // namespace sekisho::net
