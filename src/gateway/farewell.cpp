#include "gateway/farewell.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "ssh/config.h"
#include "ssh/msg_transport.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

Bytes disconnect_words(ssh::DisconnectReason reason, std::string text) {
    const Bytes payload = ssh::encode(ssh::DisconnectMessage{static_cast<std::uint32_t>(reason), std::move(text)});
    // RFC 4253 §6: length, padding of at least 4 bytes, and all of it a multiple of 8. There is nothing to hide yet.
    const std::size_t padding = 4 + (8 - (4 + 1 + payload.size() + 4) % 8) % 8;
    wire::Writer out(256);
    out.raw(base::view(ssh::Config{}.software)).raw(base::view("\r\n"));
    out.u32(static_cast<std::uint32_t>(1 + payload.size() + padding)).byte(static_cast<std::uint8_t>(padding)).raw(payload);
    for (std::size_t i = 0; i < padding; ++i) out.byte(0);
    return out.take();
}

}  // namespace

const Bytes& farewell_words(TurnedAway why) {
    using Reason = ssh::DisconnectReason;
    static const Bytes penalty = disconnect_words(Reason::HostNotAllowed,
        "Not allowed at this time: connections from your network did not sign in. Wait a while before you try again.");
    static const Bytes overflow = disconnect_words(Reason::TooManyConnections, "Not allowed at this time. Try again later.");
    static const Bytes starts = disconnect_words(
        Reason::TooManyConnections, "Not allowed at this time: too many connections are signing in. Try again in a moment.");
    static const Bytes of_source = disconnect_words(Reason::TooManyConnections,
        "Not allowed at this time: too many connections from your network are signing in. Try again in a moment.");
    static const Bytes connections = disconnect_words(
        Reason::TooManyConnections, "Not allowed at this time: the gateway has as many connections as it may have.");
    switch (why) {
        case TurnedAway::Penalty: return penalty;
        case TurnedAway::Overflow: return overflow;
        case TurnedAway::Starts: return starts;
        case TurnedAway::StartsOfSource: return of_source;
        case TurnedAway::Connections: return connections;
    }
    return penalty;
}

void note_turned_away(const net::Endpoint& peer, TurnedAway why) {
    log::warn_limited("connection.refused", {{"source", peer.address}, {"reason", std::string(name(why))}});
}

Farewell::~Farewell() {
    for (const Waiting& one : m_waiting) ::close(one.fd);
}

void Farewell::say(int fd, const net::Endpoint& peer, TurnedAway why) {
    note_turned_away(peer, why);
    const Bytes& text = farewell_words(why);
    (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)::shutdown(fd, SHUT_WR);
    if (m_waiting.size() >= kMost) {
        ::close(m_waiting.front().fd);
        m_waiting.pop_front();
    }
    m_waiting.push_back({fd, m_loop.now() + kMoment});
    if (!m_armed) close_old();
}

void Farewell::close_old() {
    const TimePoint now = m_loop.now();
    while (!m_waiting.empty() && m_waiting.front().until <= now) {
        ::close(m_waiting.front().fd);
        m_waiting.pop_front();
    }
    m_armed = !m_waiting.empty();
    if (m_armed) m_timer.after(m_waiting.front().until - now, [this] { close_old(); });
}

}  // namespace sekisho::gateway
