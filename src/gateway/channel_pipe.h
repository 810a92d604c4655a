// ChannelPipe: a channel of a hop as a net::Stream, for one SSH connection inside another: a client's jump (jump_channel), and a target
// that is reached through another one (route_dial). The stream may outlive the hop, and the channel the stream: the pipe stands
// between and lives until both are over. Credit is given for what the stream's handler was shown; while it is paused, none. Loop
// thread only.
#pragma once

#include <functional>
#include <memory>

#include "gateway/hop.h"
#include "net/stream.h"

namespace sekisho::gateway {

class ChannelPipe final : public ChannelSink, public std::enable_shared_from_this<ChannelPipe> {
public:
    struct Watch {
        /// All bytes, before they are passed on.
        std::function<void(bool from_peer, BytesView bytes)> tap = [](bool, BytesView) {};
        /// The channel is over, or its hop. The last call.
        std::function<void()> ended = [] {};
    };

    /// `channel` is open, or is accepted in this turn. `peer`: who the stream says is at the other end.
    static std::shared_ptr<ChannelPipe> make(Hop& hop, ssh::ChannelId channel, net::Endpoint peer, Watch watch);
    ~ChannelPipe();

    /// Once.
    std::unique_ptr<net::Stream> stream();
    /// Nobody is called any more.
    void unwatch() { m_watch = {}; }

private:
    class End;
    ChannelPipe(Hop& hop, ssh::ChannelId channel, net::Endpoint peer, Watch watch);

    // the hop's side
    void channel_event(Hop& hop, ssh::Event& event) override;
    void hop_lost(Hop& hop) override;
    void take(BytesView bytes);
    void deliver();
    void over();

    // the stream's side
    void start(net::StreamHandler& handler);
    Result<std::size_t> send(BytesView bytes);
    void resume();
    void end_sending();
    void close();

    net::Loop& m_loop;
    Hop* m_hop;  // nullptr: the channel is over
    ssh::ChannelId m_channel;
    net::Endpoint m_peer;
    Watch m_watch;
    net::StreamHandler* m_handler = nullptr;
    Bytes m_in;  // not used up yet, with a margin on both sides; empty when there is nothing
    std::size_t m_uncredited = 0;
    std::size_t m_queued = 0;  // of what was sent, what the hop still has
    bool m_fresh = false;  // something in m_in that the handler has not seen
    bool m_paused = false;
    bool m_blocked = false;  // send() took less than it was given
    bool m_peer_eof = false;
    bool m_eof_told = false;
    bool m_close_sent = false;
};

}  // namespace sekisho::gateway
