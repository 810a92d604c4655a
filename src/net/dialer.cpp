// Stages: 1 resolve (worker), 2 connect to one address after the other (loop), 3 done.
#include "net/dialer.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "net/loop_state.h"
#include "net/proxy_dial.h"
#include "net/timer.h"

namespace sekisho::net {

namespace {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    Endpoint endpoint() const { return endpoint_of(reinterpret_cast<const sockaddr&>(storage)); }
};

constexpr std::size_t kMostAddresses = 16;

bool is_address(const std::string& host) {
    in6_addr six{};
    in_addr four{};
    return ::inet_pton(AF_INET, host.c_str(), &four) == 1 || ::inet_pton(AF_INET6, host.c_str(), &six) == 1;
}

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0) {
        return fail("the name " + host + " cannot be resolved", ::gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> release(found, ::freeaddrinfo);
    std::vector<Address> result;
    for (const addrinfo* one = found; one != nullptr && result.size() < kMostAddresses; one = one->ai_next) {
        Address address;
        std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
        address.size = one->ai_addrlen;
        result.push_back(address);
    }
    if (result.empty()) return fail("the name " + host + " has no address");
    return result;
}

bool is_connected(int fd) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

class Attempt final : public Watched, public std::enable_shared_from_this<Attempt> {
public:
    Attempt(Loop& loop, std::string name, std::function<void(Result<Dialed>)> done, Judge judge)
        : m_loop(loop), m_name(std::move(name)), m_done(std::move(done)), m_judge(std::move(judge)),
          m_timer(loop) {}
    ~Attempt() { close(); }

    void begin(std::chrono::milliseconds timeout) {
        m_timer.after(timeout, [self = weak_from_this()] {
            if (auto attempt = self.lock())
                attempt->finish(fail("no answer from " + attempt->m_name + " within the time allowed"));
        });
    }

    void resolved(Result<std::vector<Address>> addresses) {
        if (!m_done) return;
        if (!addresses) return finish(std::unexpected(addresses.error()));
        m_addresses = std::move(*addresses);
        if (auto judged = leave_out_forbidden(); !judged) return finish(std::unexpected(judged.error()));
        connect_next();
    }

    void give_up() {
        m_done = nullptr;
        m_judge = nullptr;
        m_timer.cancel();
        close();
    }

private:
    /// Fails when nothing is left.
    Result<void> leave_out_forbidden() {
        if (!m_judge) return {};
        Result<void> last;
        std::erase_if(m_addresses, [&](const Address& address) {
            const auto judged = m_judge(address.endpoint());
            if (!judged) last = judged;
            return !judged;
        });
        return m_addresses.empty() ? last : Result<void>();
    }

    void connect_next() {
        while (m_next < m_addresses.size()) {
            const Address& address = m_addresses[m_next++];
            const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (fd < 0) {
                note(address, errno);
                continue;
            }
            m_fd = fd;
            const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
            const int problem = errno;
            // On this machine the answer is there before the question's call has returned.
            if (result == 0 || (problem == EINPROGRESS && is_connected(fd))) return connected(address);
            errno = problem;
            m_connecting = &address;
            if (errno == EINPROGRESS && m_loop.state().reactor.watch(fd, *this, true)) return;
            note(address, errno);
            close();
        }
        finish(fail("no connection to " + m_name + m_problems));
    }

    void ready(std::uint32_t events) override {
        if ((events & Reactor::kWritable) == 0) return;
        m_loop.state().reactor.unwatch(m_fd, *this);
        // What follows is a stranger's sign-in.
        m_loop.patiently([self = shared_from_this()] {
            if (self->m_done && self->m_fd >= 0) self->answered(*self->m_connecting);
        });
    }

    void answered(const Address& address) {
        int problem = 0;
        socklen_t size = sizeof problem;
        if (::getsockopt(m_fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0) problem = errno;
        if (problem == 0) return connected(address);
        note(address, problem);
        close();
        connect_next();
    }

    void connected(const Address& address) { finish(Dialed{std::exchange(m_fd, -1), address.endpoint()}); }

    void note(const Address& address, int problem) {
        m_problems += (m_problems.empty() ? ": " : "; ") + address.endpoint().text() + " " + std::strerror(problem);
    }

    void finish(Result<Dialed> result) {
        m_timer.cancel();
        close();
        if (auto done = std::exchange(m_done, nullptr)) done(std::move(result));
    }

    void close() {
        if (m_fd < 0) return;
        m_loop.state().reactor.unwatch(m_fd, *this);
        ::close(std::exchange(m_fd, -1));
    }

    Loop& m_loop;
    std::string m_name;
    std::function<void(Result<Dialed>)> m_done;
    Judge m_judge;
    int m_fd = -1;
    const Address* m_connecting = nullptr;
    Timer m_timer;
    std::vector<Address> m_addresses;
    std::size_t m_next = 0;
    std::string m_problems;
};

class AttemptHandle final : public Dial {
public:
    explicit AttemptHandle(std::shared_ptr<Attempt> attempt) : m_attempt(std::move(attempt)) {}
    ~AttemptHandle() override { m_attempt->give_up(); }

private:
    std::shared_ptr<Attempt> m_attempt;
};

class ProxyDial final : public Dial {
public:
    explicit ProxyDial(std::function<void(Result<Dialed>)> done)
        : m_done(std::make_shared<std::function<void(Result<Dialed>)>>(std::move(done))) {}
    ~ProxyDial() override { *m_done = nullptr; }

    std::function<void(Result<int>)> taker() {
        return [done = m_done](Result<int> fd) {
            if (!*done) {
                if (fd) ::close(*fd);
                return;
            }
            const auto take = std::exchange(*done, nullptr);
            if (!fd) return take(std::unexpected(fd.error()));
            take(Dialed{*fd, peer_of(*fd)});
        };
    }

private:
    std::shared_ptr<std::function<void(Result<Dialed>)>> m_done;
};

}  // namespace

std::unique_ptr<Dial> Dialer::dial_by_proxy(Loop& loop, const std::string& proxy, const std::string& host, std::uint16_t port,
    std::chrono::milliseconds timeout, std::function<void(Result<Dialed>)> done) {
    auto dial = std::make_unique<ProxyDial>(std::move(done));
    m_pool.run(
        loop, [proxy, host, port, timeout] { return connect_by_proxy(proxy, host, port, timeout); }, dial->taker());
    return dial;
}

std::unique_ptr<Dial> Dialer::dial(Loop& loop, const std::string& host, std::uint16_t port,
    std::chrono::milliseconds timeout, std::function<void(Result<Dialed>)> done, Judge judge) {
    auto attempt = std::make_shared<Attempt>(loop, Endpoint{host, port}.text(), std::move(done), std::move(judge));
    attempt->begin(timeout);
    // An address needs no worker: nothing is looked up, nothing can block.
    if (is_address(host)) {
        loop.post([attempt, host, port] { attempt->resolved(resolve(host, port)); });
        return std::make_unique<AttemptHandle>(std::move(attempt));
    }
    m_pool.run(
        loop, [host, port] { return resolve(host, port); },
        [attempt](Result<std::vector<Address>> addresses) { attempt->resolved(std::move(addresses)); });
    return std::make_unique<AttemptHandle>(std::move(attempt));
}

}  // namespace sekisho::net
