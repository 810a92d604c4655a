// Hop: one SSH connection of the gateway: an Engine and the Stream under it. Moves bytes (one read and one write in a turn,
// however many packets), keeps time (deadlines, keepalives), and gives each event to whom it belongs: events of a channel to
// the channel's sink, the others to the hop's owner. Owned by FrontHop and TargetHop; loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/hop_ticker.h"
#include "net/stream.h"
#include "ssh/engine.h"

namespace sekisho::gateway {

class Hop;

/// Takes the events of one channel.
class ChannelSink {
public:
    virtual void channel_event(Hop& hop, ssh::Event& event) = 0;
    /// The hop is over before the channel was: nothing more comes, and nothing can be sent.
    virtual void hop_lost(Hop&) {}

protected:
    ~ChannelSink() = default;
};

class HopOwner {
public:
    /// Events of the connection, and of channels that nobody took yet (ChannelOpenRequested).
    virtual void hop_event(Hop& hop, ssh::Event& event) = 0;
    /// The connection ended: the last call. The hop must not be destroyed inside it (nor inside any event).
    virtual void hop_over(Hop& hop, const std::string& reason) = 0;

protected:
    ~HopOwner() = default;
};

struct HopTimes {
    std::chrono::seconds login{60};  // authenticated by then, or over
    std::chrono::seconds keepalive{15};
    std::uint64_t keepalive_count = 3;
};

class Hop final : net::StreamHandler, net::TurnEnd {
public:
    Hop(net::Loop& loop, HopTicker& ticker, std::unique_ptr<net::Stream> stream, ssh::Config config, HopTimes times,
        HopOwner& owner);
    ~Hop();
    Hop(const Hop&) = delete;
    Hop& operator=(const Hop&) = delete;

    void start();

    // To the engine. What follows from it is sent at the end of the turn.
    void submit(ssh::Command command);
    std::size_t write(ssh::ChannelId channel, ssh::DataStream stream, MutableBytes bytes, bool scribble);
    std::size_t write(ssh::ChannelId channel, ssh::DataStream stream, BytesView bytes);
    Result<ssh::ChannelId> new_channel() { return m_engine.new_channel(); }
    /// A global request; `answered` gets the peer's answer, unless the connection ends before it.
    using GlobalAnswer = std::function<void(bool success, BytesView payload)>;
    void ask(std::string type, Bytes payload, GlobalAnswer answered);

    /// Events of this channel go to `sink` until the channel ended or unroute().
    void route(ssh::ChannelId channel, ChannelSink& sink) { m_sinks[channel] = &sink; }
    void unroute(ssh::ChannelId channel) { m_sinks.erase(channel); }

    /// Says goodbye with `text` and ends; hop_over follows at the end of the turn.
    void disconnect(ssh::DisconnectReason reason, const std::string& text);

    const ssh::Engine& engine() const { return m_engine; }
    net::Loop& loop() { return m_loop; }
    net::Stream& stream() { return *m_stream; }
    bool over() const { return m_over; }

    /// Once a second, from the ticker.
    void tick(TimePoint now);
    /// The ticker's own: where it has this hop.
    std::size_t tick_place = 0;

private:
    std::size_t stream_read(MutableBytes bytes) override;
    void stream_writable() override;
    void stream_ended() override;
    void stream_broken(const Error& error) override;
    void turn_ended() override;

    void drain();
    void dispatch(ssh::Event& event);
    void answered(const ssh::GlobalReplied& reply);
    void unanswerable(ssh::Event& event);
    void flush();
    void hurry();
    void wait();
    bool leaves_at_once() const;
    void dirty() { m_loop.at_turn_end(*this); }
    void end(std::string reason);
    void tell_sinks();

    net::Loop& m_loop;
    HopTicker& m_ticker;
    HopOwner& m_owner;
    std::unique_ptr<net::Stream> m_stream;
    ssh::Role m_role;
    ssh::Engine m_engine;
    HopTimes m_times;
    TimePoint m_started;
    TimePoint m_heard;
    std::uint64_t m_unanswered = 0;
    std::unordered_map<ssh::ChannelId, ChannelSink*> m_sinks;
    std::vector<GlobalAnswer> m_asked;  // in order; empty: a keepalive, whose answer is nobody's
    std::string m_reason;
    unsigned m_reads_to_hurry;
    std::size_t m_awaits = 1;  // as the stream knows it
    bool m_unanswered_read = false;  // bytes came in this turn and nothing was sent
    bool m_blocked = false;  // the socket took less than we had
    bool m_paused = false;  // the peer does not read what we send: we do not read what it sends
    bool m_patient = true;  // until it is signed in
    bool m_peer_left = false;
    bool m_over = false;
    bool m_told = false;
};

}  // namespace sekisho::gateway
