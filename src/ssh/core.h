// Core: what the layers of one engine share — configuration, time, the packet writer, the queue of events, and the hold on
// everything but the exchange's own messages while keys change. Owned by Engine::Impl; the layers keep a reference.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "ssh/config.h"
#include "ssh/events.h"
#include "ssh/packet.h"

namespace sekisho::ssh {

/// First in, first out; gives its memory back when empty.
class EventQueue {
public:
    void push(Event event) { m_events.push_back(std::move(event)); }
    std::optional<Event> pop();
    bool empty() const { return m_head == m_events.size(); }

private:
    std::vector<Event> m_events;
    std::size_t m_head = 0;
};

class Core {
public:
    Core(Config config, TimePoint start) : config(std::move(config)), now(start), writer(*this->config.random) {}

    /// A message of the layers above the exchange: sent at once, or after NEWKEYS while keys change (RFC 4253 §7.1; a peer may
    /// disconnect on any other message in between).
    void send(BytesView payload);
    /// A message of the exchange itself, or one that is legal during it (DISCONNECT, UNIMPLEMENTED).
    void send_now(BytesView payload) { writer.send(payload); }
    /// From our KEXINIT to our NEWKEYS nothing else leaves.
    void hold() { m_holding = true; }
    void release();
    bool holding() const { return m_holding; }
    /// USERAUTH_SUCCESS has passed: whatever follows it is compressed, both ways, where that was agreed on.
    void begin_compression();
    bool compression_begun() const { return m_compression_begun; }
    std::size_t held_bytes() const { return m_held_bytes; }

    Ticket new_ticket() { return Ticket{++m_last_ticket}; }

    /// The connection ends with this reason; the text goes to the peer. Remembers the first one.
    std::unexpected<Error> end(DisconnectReason reason, std::string text, std::string detail = {});

    Config config;
    TimePoint now;
    PacketWriter writer;
    EventQueue events;
    Bytes session_id;
    std::string peer_line;
    std::string host_key_algorithm;  // of the last exchange, without -cert
    DisconnectReason end_reason = DisconnectReason::ProtocolError;
    bool authenticated = false;
    bool strict = false;               // strict key exchange agreed
    bool peer_wants_ext_info = false;  // ext-info-c or ext-info-s in the first KEXINIT
    bool ext_info_in_auth = false;     // the client takes EXT_INFO while it signs in (ext-info-in-auth@openssh.com)

private:
    void write(BytesView payload);

    std::vector<Bytes> m_held;
    std::size_t m_held_bytes = 0;
    bool m_holding = false;
    bool m_compression_begun = false;
    std::uint64_t m_last_ticket = 0;
};

}  // namespace sekisho::ssh
