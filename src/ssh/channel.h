// Channel: the state of one channel — windows both ways, what waits for the peer, which ends have been said.
// Owned by Channels; pure bookkeeping, no message is sent here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <string>

#include "base/bytes.h"
#include "ssh/types.h"
#include "wire/limits.h"

namespace sekisho::ssh {

/// What waits to leave on a channel, in order: data of a stream, a request, EOF.
struct Outgoing {
    enum class Kind { Data, Request, Eof };
    Kind kind = Kind::Data;
    DataStream stream = DataStream::Main;
    Bytes bytes;           // Data: room, data, room (so that it is sealed from here); Request: the whole payload
    std::size_t sent = 0;  // of Data

    static constexpr std::size_t kRoomBefore = 18;  // headers of a packet and of CHANNEL_EXTENDED_DATA
    static constexpr std::size_t kRoomBehind = 20;  // padding
    static constexpr std::size_t kDataMost = 64 * 1024;

    static Outgoing data(DataStream stream, BytesView bytes);
    /// Adds to data that waits already: many small writes must not cost a piece each. False: it is full.
    bool append(BytesView more);
    std::size_t data_size() const { return bytes.size() - kRoomBefore - kRoomBehind; }
    MutableBytes unsent() { return MutableBytes(bytes).subspan(kRoomBefore + sent, data_size() - sent); }
};

/// The receive side: how much the peer may still send. Credited by the owner, grown while the peer uses it up.
class ReceiveWindow {
public:
    std::uint32_t left() const { return m_left; }
    /// The peer sent `n` bytes. False: more than it was allowed.
    [[nodiscard]] bool take(std::size_t n) {
        if (n > m_left) return false;
        m_left -= static_cast<std::uint32_t>(n);
        m_outstanding += n;
        return true;
    }
    /// The owner is done with `n` bytes.
    void credit(std::size_t n) {
        n = std::min(n, m_outstanding);
        m_outstanding -= n;
        m_credited += n;
    }
    /// How much to grant the peer now: nothing until it is worth a message. `budget` bounds growth and is reduced by it.
    std::uint32_t grant(std::uint64_t& budget);
    /// Growth to give back to the budget when the channel ends.
    std::uint64_t grown() const { return m_size - wire::limits::kWindowInitial; }

private:
    std::uint32_t m_size = wire::limits::kWindowInitial;  // what the peer has at most in flight
    std::uint32_t m_left = wire::limits::kWindowInitial;
    std::size_t m_outstanding = 0;  // received, not yet credited by the owner
    std::size_t m_credited = 0;     // credited, not yet granted
};

struct Channel {
    enum class State { AwaitsDecision, AwaitsConfirmation, Open };

    explicit Channel(State initial) : state(initial) {}

    State state;
    std::uint32_t peer_id = 0;
    std::uint32_t peer_window = 0;
    std::uint32_t peer_most_packet = 0;
    ReceiveWindow receive;

    std::list<Outgoing> waiting;
    std::size_t waiting_data = 0;
    std::size_t waiting_requests = 0;

    std::uint32_t replies_owed = 0;      // requests of the peer that the owner must answer
    std::uint32_t replies_expected = 0;  // our requests that the peer must answer
    bool eof_received = false;
    bool close_received = false;
    bool eof_queued = false;
    bool close_queued = false;
    bool close_sent = false;

    /// The peer may still be sent something.
    bool sendable() const { return state == State::Open && !close_sent; }
};

}  // namespace sekisho::ssh
