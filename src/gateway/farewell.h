// Farewell: the few words for a connection that is turned away before any key exchange: our identification and one plain
// SSH_MSG_DISCONNECT (RFC 4253 §11.1), which every client shows, made once and sent in one call. Nothing is read. The socket stays
// open for a moment, because closing it with unread input resets the connection, and the client would not see the words; the
// number of those that wait is bounded. On one loop.
#pragma once

#include <array>
#include <deque>

#include "base/bytes.h"
#include "gateway/doorkeeper.h"
#include "net/timer.h"

namespace sekisho::gateway {

/// One of a few texts that are made once.
const Bytes& farewell_words(TurnedAway why);
void note_turned_away(const net::Endpoint& peer, TurnedAway why);

class Farewell {
public:
    static constexpr std::size_t kMost = 256;
    static constexpr std::chrono::milliseconds kMoment{500};

    explicit Farewell(net::Loop& loop) : m_loop(loop), m_timer(loop) {}
    ~Farewell();

    /// Takes over the socket.
    void say(int fd, const net::Endpoint& peer, TurnedAway why);

private:
    void close_old();

    struct Waiting {
        int fd;
        TimePoint until;
    };
    net::Loop& m_loop;
    net::Timer m_timer;
    std::deque<Waiting> m_waiting;
    bool m_armed = false;
};

}  // namespace sekisho::gateway
