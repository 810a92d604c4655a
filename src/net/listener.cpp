#include "net/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "net/loop_state.h"
#include "net/timer.h"

namespace sekisho::net {

namespace {
constexpr int kBacklog = 4096;
constexpr int kAcceptsPerTurn = 64;  // then others of the loop have their turn
constexpr std::chrono::milliseconds kPauseWithoutDescriptors{200};
}  // namespace

struct Listener::State final : Watched, std::enable_shared_from_this<Listener::State> {
    State(Loop& owner, int descriptor) : loop(owner), fd(descriptor), pause(owner), local(local_of(descriptor)) {}
    ~State() { close(); }

    Loop& loop;
    int fd;
    Timer pause;
    Endpoint local;
    Accepted accepted;
    bool stopped = false;

    void ready(std::uint32_t) override {
        const auto self = shared_from_this();
        if (!stopped) loop.turn([&] { accept_some(); });
    }

    void close() {
        if (fd < 0) return;
        loop.state().reactor.unwatch(fd, *this);
        ::close(std::exchange(fd, -1));
    }

    void accept_some() {
        for (int i = 0; i < kAcceptsPerTurn && !stopped; ++i) {
            sockaddr_storage storage{};
            socklen_t size = sizeof storage;
            auto* address = reinterpret_cast<sockaddr*>(&storage);
            const int accepted_fd = ::accept4(fd, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (accepted_fd >= 0) {
                accepted(accepted_fd, endpoint_of(*address));
                continue;
            }
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                log::warn_limited("accept.paused", {{"reason", std::strerror(errno)}});
                pause.after(kPauseWithoutDescriptors, [self = weak_from_this()] {
                    if (auto state = self.lock()) state->ready(0);
                });
                return;
            }
            if (errno == EAGAIN) return;
            // ECONNABORTED and the network errors of accept(2): that one connection is gone.
        }
        // The system does not tell again of those that wait.
        loop.state().reactor.again([self = shared_from_this()] { self->ready(0); });
    }
};

Listener::Listener(std::shared_ptr<State> state) : m_state(std::move(state)) {}
Listener::~Listener() { stop(); }

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string where = Endpoint{host, port}.text();
    if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
        return fail("cannot listen on " + where, ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> release(found, ::freeaddrinfo);
    const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0) {
        (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        // [::] beside 0.0.0.0 must not claim IPv4 as well.
        if (found->ai_family == AF_INET6) (void)::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (fd < 0 || ::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, kBacklog) != 0) {
        const std::string reason = std::strerror(errno);
        if (fd >= 0) ::close(fd);
        return fail("cannot listen on " + where + ": " + reason);
    }
    return std::unique_ptr<Listener>(new Listener(std::make_shared<State>(loop, fd)));
}

void Listener::start(Accepted accepted) {
    m_state->accepted = std::move(accepted);
    if (!m_state->loop.state().reactor.watch(m_state->fd, *m_state)) {
        log::error("accept.failed", {{"reason", std::strerror(errno)}});
    }
}

void Listener::stop() {
    if (m_state->stopped) return;
    m_state->stopped = true;
    m_state->close();
    m_state->pause.cancel();
}

const Endpoint& Listener::local() const { return m_state->local; }

}  // namespace sekisho::net
