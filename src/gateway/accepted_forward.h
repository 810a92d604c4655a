// AcceptedForward: a connection that came to a port where the gateway listens for a client (GatewayPorts), and the forwarded-tcpip
// channel that it becomes. Nothing is read of it before the client took the channel. Owned by FrontHop; loop thread only.
#pragma once

#include <memory>

#include "gateway/socket_forward.h"

namespace sekisho::gateway {

class AcceptedForward final : public SocketForward {
public:
    /// What was decided about it.
    struct Plan {
        recording::ChannelFacts facts;
        model::OnFailure on_failure = model::OnFailure::Refuse;
        Bytes payload;  // RFC 4254 §7.2: address and port that were connected, originator's address and port
        std::shared_ptr<const void> place;  // held as long as this connection counts among those of its port
    };

    /// `channel`: a new one of the front hop.
    AcceptedForward(FrontHop& front, ssh::ChannelId channel, std::unique_ptr<net::Stream> stream, Plan plan);
    ~AcceptedForward() override;

private:
    void channel_event(Hop& hop, ssh::Event& event) override;

    std::unique_ptr<net::Stream> m_accepted;  // until the client took the channel
    Plan m_plan;
    bool m_opening = true;
};

}  // namespace sekisho::gateway
