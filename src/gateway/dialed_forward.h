// DialedForward: a direct-tcpip channel whose destination the gateway dials itself, or has dialled by the last hop of a route. Accepted
// once that has answered. Owned by FrontHop; loop thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/route_dial.h"
#include "gateway/socket_forward.h"
#include "net/dialer.h"

namespace sekisho::gateway {

class DialedForward final : public SocketForward {
public:
    /// What was decided about it.
    struct Plan {
        net::Endpoint place;  // a name, or an address
        std::vector<std::string> via;  // hops on the way; empty: directly
        model::RecordLevel level;
        model::Contents contents;
        model::OnFailure on_failure;
    };

    DialedForward(FrontHop& front, ssh::ChannelId channel, Plan plan);

    void front_gone() override;

private:
    Result<void> judge(const std::string& name, const net::Endpoint& place);
    void dial();
    void reached(Result<std::unique_ptr<net::Stream>> stream);
    void reject(ssh::OpenFailure reason, const Error& error);

    Plan m_plan;
    std::string m_destination;
    std::unique_ptr<net::Dial> m_dial;
    std::unique_ptr<RouteDial> m_route;
    bool m_forbidden = false;  // the name has no address that may be reached by name
};

}  // namespace sekisho::gateway
