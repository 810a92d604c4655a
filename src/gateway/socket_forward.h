// SocketForward: a direct-tcpip channel whose other end is a socket that the gateway dialled. The same discipline as Relay: tap
// before forward, credit only for what the socket took, half-close both ways, and nothing read from the socket that the client
// has no window for. Owned by FrontHop; loop thread only.
#pragma once

#include <memory>
#include <string>

#include "gateway/front_channel.h"
#include "gateway/hop.h"
#include "gateway/session_record.h"
#include "net/dialer.h"

namespace sekisho::gateway {

class FrontHop;

class SocketForward final : public FrontChannel, public ChannelSink, public net::StreamHandler {
public:
    SocketForward(FrontHop& front, ssh::ChannelId channel, const std::string& host, std::uint16_t port,
        model::RecordLevel level, model::OnFailure on_failure);
    ~SocketForward() override;

    void front_gone() override;
    bool end(const std::string&) override { return false; }  // a foreign protocol speaks here
    void credit_released() override;

private:
    Result<void> judge(const std::string& name, const net::Endpoint& place);
    void dialed(Result<net::Dialed> dialed);
    void channel_event(Hop& hop, ssh::Event& event) override;
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
    std::string m_destination;
    model::RecordLevel m_level;
    model::OnFailure m_on_failure;
    std::uint32_t m_number = 0;
    std::unique_ptr<net::Dial> m_dial;
    std::unique_ptr<net::Stream> m_stream;
    Bytes m_waiting;  // for the socket; bounded by the channel's window, since it is not credited
    std::size_t m_queued = 0;  // bytes that the hop has queued for the client
    std::size_t m_withheld = 0;
    bool m_client_eof = false;
    bool m_socket_eof = false;
    bool m_forbidden = false;  // the name has no address that may be reached by name
    bool m_closed = false;
    bool m_front_gone = false;
};

}  // namespace sekisho::gateway
