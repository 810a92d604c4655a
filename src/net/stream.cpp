// Order: the system (ready), reading (one recv → handler → keep the tail), writing (send → wait when short), the end.
#include "net/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/loop_state.h"

namespace sekisho::net {

namespace {

constexpr int kGathered = 1024 * 1024;
constexpr std::size_t kMostWanted = 1024;  // far below any receive buffer
constexpr std::size_t kMostTail = Loop::kScratch - 300 * 1024;

Error system_error(const char* what) {
    return Error{"the connection broke", std::string(what) + ": " + std::strerror(errno)};
}

/// Outlives its SocketStream while work for it waits for its turn.
class Socket final : public Paced, public Watched, public std::enable_shared_from_this<Socket> {
public:
    Socket(Loop& loop, int fd) : m_loop(loop), m_fd(fd) {
        const int on = 1;
        (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // not TCP: nothing to delay
        if (!m_loop.state().reactor.watch(fd, *this)) m_watch_error = errno;
    }

    // --- the system ---

    void ready(std::uint32_t events) override {
        const auto self = shared_from_this();  // the handler may destroy the stream
        if ((events & Reactor::kReadable) != 0) m_may_have = true;
        if ((events & Reactor::kNoMore) != 0) m_to_the_end = true;
        if ((events & Reactor::kWritable) != 0 && m_waiting_write) {
            m_waiting_write = false;
            if (m_handler != nullptr) m_loop.turn([&] { m_handler->stream_writable(); });
        }
        read_now();
    }

    bool wants() const { return m_may_have && !m_read_planned && !m_resting && !m_paused && !m_read_over && m_handler != nullptr; }

    void read_now() {
        if (!wants()) return;
        if (!m_patient) return m_loop.turn([&] { readable(); });
        m_read_planned = true;
        m_loop.patiently([self = shared_from_this()] {
            self->m_read_planned = false;
            self->readable();
        });
    }

    /// For what is there already, of which the system does not tell again: when everybody else who is ready had a turn.
    void read_later() {
        if (!wants()) return;
        m_read_planned = true;
        m_loop.state().reactor.again([self = shared_from_this()] {
            self->m_read_planned = false;
            self->read_now();
        });
    }

    // --- reading ---

    void start(StreamHandler& handler) {
        m_handler = &handler;
        if (m_watch_error != 0) {
            return m_loop.post([self = shared_from_this()] {
                errno = self->m_watch_error;
                self->broken(system_error("epoll_ctl"));
            });
        }
        if (!m_read_over) return wait_readable();
        // A second handler learns what the first was told.
        m_loop.post([self = shared_from_this()] {
            if (self->m_handler != nullptr) self->m_handler->stream_ended();
        });
    }

    void wait_readable() {
        if (m_resting || m_paused || m_read_over || m_handler == nullptr) return;
        wake_at(m_wanted);
        read_later();
    }

    /// What was read already and not used is not seen by the system: with a part of a packet at hand every byte counts. Bytes that are not
    /// read are acknowledged by a socket that was told to hurry before they came, and by no other: what came earlier is read at once.
    void wait_for(std::size_t bytes) {
        m_wanted = 1;
        if (bytes > 1 && m_tail.empty()) {
            acknowledge();
            std::byte first{};
            if (::recv(m_fd, &first, 1, MSG_PEEK) < 0 && errno == EAGAIN) m_wanted = static_cast<int>(std::min(bytes, kMostWanted));
        }
        if (!m_resting && !m_paused && !m_read_over) wake_at(m_wanted);
    }

    void readable() {
        if (m_paused || m_read_over || m_handler == nullptr) return;
        const MutableBytes scratch = m_loop.scratch();
        std::size_t have = m_tail.size();
        std::ranges::copy(m_tail, scratch.begin());
        const std::size_t room = std::clamp<std::size_t>(m_handler->stream_room(), 1, scratch.size() - have);
        const ssize_t n = ::recv(m_fd, scratch.data() + have, room, 0);
        if (n < 0) {
            if (errno == EAGAIN) m_may_have = false;
            if (errno == EAGAIN || errno == EINTR) return wait_readable();
            return broken(system_error("recv"));
        }
        if (n == 0) {
            m_read_over = true;
            m_handler->stream_ended();
            return;
        }
        // epoll(7): less than was asked for is all there was. An end that the system has told of already comes behind it.
        m_may_have = static_cast<std::size_t>(n) == room || m_to_the_end;
        have += static_cast<std::size_t>(n);
        const std::size_t used = m_handler->stream_read(scratch.first(have));
        if (m_handler == nullptr) return;
        keep(scratch.subspan(used, have - used));
        if (m_pace.read(static_cast<std::size_t>(n), static_cast<std::size_t>(n) == room, m_loop.now())) {
            wake_at(kGathered);
            m_resting = true;
            return m_loop.state().pacer.rest(shared_from_this());
        }
        wait_readable();
    }

    /// The system tells the loop of new bytes only when so many are there: resting would be no rest if it woke at every packet.
    void wake_at(int bytes) {
        if (m_wake_at == bytes) return;
        m_wake_at = bytes;
        (void)::setsockopt(m_fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
    }

    void rested() override {
        m_resting = false;
        if (m_handler != nullptr) readable();
    }

    void keep(BytesView rest) {
        if (rest.empty()) {
            // An idle connection holds no buffer.
            if (m_tail.capacity() != 0) base::Bytes().swap(m_tail);
            return;
        }
        if (rest.size() > kMostTail)
            return broken(Error{"the connection broke", "more unused input than the longest packet"});
        m_tail.assign(rest.begin(), rest.end());
    }

    // --- writing ---

    /// MSG_MORE in `flags`: the system keeps the rest of a segment until close() sends it, with the end in the same packet.
    Result<std::size_t> send(BytesView bytes, int flags = 0) {
        if (m_fd < 0) return fail("the connection is closed");
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const ssize_t n = ::send(m_fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | flags);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) {
                wait_writable();
                break;
            }
            if (n < 0) return std::unexpected(system_error("send"));
            sent += static_cast<std::size_t>(n);
            m_pace.sent(static_cast<std::size_t>(n));
            // A short count means that the socket's buffer is full; asking again would only cost a call.
            if (sent < bytes.size()) {
                wait_writable();
                break;
            }
        }
        return sent;
    }

    void wait_writable() {
        m_waiting_write = true;
        // Most connections never meet a full buffer, and need not hear that theirs is not.
        if (!std::exchange(m_watches_room, true)) (void)m_loop.state().reactor.watch_room(m_fd, *this);
    }

    void pause() { m_paused = true; }
    void resume() {
        if (!m_paused) return;
        m_paused = false;
        wait_readable();
    }
    void acknowledge() {
        const int on = 1;
        (void)::setsockopt(m_fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    }
    void be_patient(bool on) { m_patient = on; }
    void end_sending() { ::shutdown(m_fd, SHUT_WR); }

    // --- the end ---

    void broken(const Error& error) {
        m_read_over = true;
        if (m_handler != nullptr) m_handler->stream_broken(error);
    }

    void close() {
        m_handler = nullptr;
        m_loop.state().reactor.unwatch(m_fd, *this);
        ::close(std::exchange(m_fd, -1));
    }

    int fd() const { return m_fd; }

private:
    Loop& m_loop;
    int m_fd;
    int m_watch_error = 0;
    StreamHandler* m_handler = nullptr;
    base::Bytes m_tail;
    Pace m_pace;
    bool m_may_have = false;      // bytes or the end, as far as the system has told
    bool m_to_the_end = false;    // it will tell nothing more: read until nothing is left
    bool m_read_planned = false;
    bool m_resting = false;  // with the loop's pacer
    int m_wanted = 1;
    int m_wake_at = 1;
    bool m_waiting_write = false;
    bool m_watches_room = false;
    bool m_patient = false;
    bool m_paused = false;
    bool m_read_over = false;
};

class SocketStream final : public Stream {
public:
    SocketStream(Loop& loop, int fd) : m_socket(std::make_shared<Socket>(loop, fd)) {}
    ~SocketStream() override { m_socket->close(); }

    void start(StreamHandler& handler) override { m_socket->start(handler); }
    Result<std::size_t> send(BytesView bytes) override { return m_socket->send(bytes); }
    Result<std::size_t> send_last(BytesView bytes) override { return m_socket->send(bytes, MSG_MORE); }
    void pause() override { m_socket->pause(); }
    void resume() override { m_socket->resume(); }
    void acknowledge() override { m_socket->acknowledge(); }
    void wait_for(std::size_t bytes) override { m_socket->wait_for(bytes); }
    void be_patient(bool on) override { m_socket->be_patient(on); }
    void end_sending() override { m_socket->end_sending(); }
    Endpoint peer() const override { return peer_of(m_socket->fd()); }
    Endpoint local() const override { return local_of(m_socket->fd()); }

private:
    std::shared_ptr<Socket> m_socket;
};

}  // namespace

std::unique_ptr<Stream> make_socket_stream(Loop& loop, int fd) { return std::make_unique<SocketStream>(loop, fd); }

}  // namespace sekisho::net
