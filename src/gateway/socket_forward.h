// SocketForward: a channel of the client whose other end is a socket of the gateway: one that it dialled (DialedForward) or that it
// accepted at a port of its own (AcceptedForward). The same discipline as Relay: tap before forward, credit only for what the socket
// took, half-close both ways, and nothing read from the socket that the client has no window for. Owned by FrontHop; loop thread only.
#pragma once

#include <memory>
#include <string>

#include "gateway/front_channel.h"
#include "gateway/hop.h"
#include "gateway/session_record.h"
#include "net/stream.h"

namespace sekisho::gateway {

class FrontHop;

class SocketForward : public FrontChannel, public ChannelSink, public net::StreamHandler {
public:
    ~SocketForward() override;

    void front_gone() override;
    bool end(const std::string&) override { return false; }  // a foreign protocol speaks here
    void credit_released() override;

protected:
    SocketForward(FrontHop& front, ssh::ChannelId channel) : m_front(front), m_channel(channel) {}

    /// Both ends are there: it is recorded from now on. Bytes of the socket come once stream().start(*this) was called.
    void connected(std::unique_ptr<net::Stream> stream, recording::ChannelFacts facts, model::OnFailure on_failure);

    FrontHop& front() { return m_front; }
    ssh::ChannelId channel() const { return m_channel; }
    net::Stream& stream() { return *m_stream; }
    bool front_is_gone() const { return m_front_gone; }
    void channel_event(Hop& hop, ssh::Event& event) override;

private:
    std::size_t stream_read(MutableBytes bytes) override;
    void stream_writable() override;
    void stream_ended() override;
    void stream_broken(const Error& error) override;
    std::size_t stream_room() override;

    void from_client(MutableBytes bytes);
    void send_waiting();
    void credit(std::size_t count);
    void regulate();
    void close_both();
    void check_ends();

    FrontHop& m_front;
    ssh::ChannelId m_channel;
    std::uint32_t m_number = 0;
    std::unique_ptr<net::Stream> m_stream;
    Bytes m_waiting;  // for the socket; bounded by the channel's window, since it is not credited
    std::size_t m_queued = 0;  // bytes that the hop has queued for the client
    std::size_t m_withheld = 0;
    bool m_client_eof = false;
    bool m_socket_eof = false;
    bool m_closed = false;
    bool m_front_gone = false;
};

}  // namespace sekisho::gateway
