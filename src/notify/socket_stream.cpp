// Unix sockets and UDP.
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "notify/stream.h"

namespace sekisho::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSocketPatience = 20s;

class Socket {
public:
    Socket() = default;
    ~Socket() { close(); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    bool open() const { return m_fd >= 0; }
    int fd() const { return m_fd; }
    void close() {
        if (m_fd >= 0) ::close(m_fd);
        m_fd = -1;
    }
    /// 0, or errno.
    int connect(int family, int type, const sockaddr* address, socklen_t size) {
        close();
        m_fd = ::socket(family, type | SOCK_CLOEXEC, 0);
        if (m_fd < 0) return errno;
        // Whoever listens and does not accept would hold us: connect to a Unix socket blocks then, but for a time only.
        const timeval patience{5, 0};
        ::setsockopt(m_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        const int error = ::connect(m_fd, address, size) == 0 ? 0 : errno;
        if (error != 0) close();
        return error;
    }
    /// Bytes that the other side has not taken.
    int waiting() const {
        int bytes = 0;
        return ::ioctl(m_fd, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
    }

private:
    int m_fd = -1;
};

/// 0, or errno.
int send_all(int fd, std::string_view text, const std::atomic<bool>& stop) {
    const TimePoint until = std::chrono::steady_clock::now() + kSocketPatience;
    while (!text.empty()) {
        const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
        if (n >= 0 || errno == EINTR) continue;
        if (errno != EAGAIN && errno != ENOBUFS) return errno;
        if (stop) return ECANCELED;
        if (std::chrono::steady_clock::now() > until) return ETIMEDOUT;
        pollfd one{fd, POLLOUT, 0};
        (void)::poll(&one, 1, static_cast<int>(kPoll.count()));
    }
    return 0;
}

class LocalStream final : public Stream {
public:
    LocalStream(std::string path, bool datagrams, Form form, const std::atomic<bool>& stop)
        : m_path(std::move(path)), m_datagrams(datagrams), m_form(std::move(form)), m_stop(stop) {}

    Result<void> tell(std::span<const model::AuditRecord> records) override {
        if (!m_socket.open()) {
            sockaddr_un address{};
            address.sun_family = AF_UNIX;
            if (m_path.size() >= sizeof address.sun_path) return fail("the socket's name is too long");
            m_path.copy(address.sun_path, m_path.size());
            const int error = m_socket.connect(AF_UNIX, m_datagrams ? SOCK_DGRAM : SOCK_STREAM,
                reinterpret_cast<const sockaddr*>(&address), sizeof address);
            if (error != 0) return failed(error);
        }
        const TimePoint now = std::chrono::steady_clock::now();
        for (const auto& record : records) {
            m_doubts.told(record.sequence, now);
            if (const int error = send_all(m_socket.fd(), m_form(record), m_stop); error != 0) return failed(error);
        }
        return {};
    }

    Result<std::uint64_t> certain(std::uint64_t read) override {
        if (m_doubts.empty()) return read;
        if (!m_socket.open()) return failed(ENOTCONN);
        // The kernel counts what the receiver has not read; one that left without reading all of it is ECONNRESET.
        const bool taken = m_socket.waiting() == 0;
        char byte = 0;
        const ssize_t n = m_datagrams ? 1 : ::recv(m_socket.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return failed(errno);
        if (n == 0 && !taken) return failed(EPIPE);
        if (n == 0) m_socket.close();
        if (taken) m_doubts.clear();
        return m_doubts.certain(read);
    }

    void finish() override {
        const TimePoint until = std::chrono::steady_clock::now() + kGoodbye;
        while (m_socket.open() && m_socket.waiting() > 0 && std::chrono::steady_clock::now() < until)
            (void)::poll(nullptr, 0, 10);
    }

private:
    std::unexpected<Error> failed(int error) {
        m_socket.close();
        m_doubts.clear();
        return fail(m_path + " takes nothing", std::strerror(error));
    }

    const std::string m_path;
    const bool m_datagrams;
    const Form m_form;
    const std::atomic<bool>& m_stop;
    Socket m_socket;
    Doubts m_doubts;
};

class UdpStream final : public Stream {
public:
    UdpStream(std::string host, std::uint16_t port, Form form, const std::atomic<bool>& stop)
        : m_host(std::move(host)), m_port(std::to_string(port)), m_form(std::move(form)), m_stop(stop) {}

    Result<void> tell(std::span<const model::AuditRecord> records) override {
        // By name each time: a receiver may move, and nothing else would tell.
        if (auto found = find(); !found) return found;
        for (const auto& record : records) {
            const int error = send_all(m_socket.fd(), m_form(record), m_stop);
            // ECONNREFUSED is about a datagram before; there is nobody now.
            if (error != 0) return fail("udp://" + m_host + ":" + m_port + " takes nothing", std::strerror(error));
        }
        return {};
    }

private:
    Result<void> find() {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_DGRAM;
        addrinfo* found = nullptr;
        const int problem = ::getaddrinfo(m_host.c_str(), m_port.c_str(), &wanted, &found);
        if (problem != 0) return fail(m_host + " cannot be found", ::gai_strerror(problem));
        int error = EADDRNOTAVAIL;
        for (const addrinfo* one = found; one != nullptr && error != 0; one = one->ai_next)
            error = m_socket.connect(one->ai_family, SOCK_DGRAM, one->ai_addr, one->ai_addrlen);
        ::freeaddrinfo(found);
        if (error != 0) return fail(m_host + " cannot be reached", std::strerror(error));
        return {};
    }

    const std::string m_host, m_port;
    const Form m_form;
    const std::atomic<bool>& m_stop;
    Socket m_socket;
};

}  // namespace

std::unique_ptr<Stream> local_stream(std::string path, bool datagrams, Form form, const std::atomic<bool>& stop) {
    return std::make_unique<LocalStream>(std::move(path), datagrams, std::move(form), stop);
}

std::unique_ptr<Stream> udp_stream(std::string host, std::uint16_t port, Form form, const std::atomic<bool>& stop) {
    return std::make_unique<UdpStream>(std::move(host), port, std::move(form), stop);
}

}  // namespace sekisho::notify
