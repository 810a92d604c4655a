// DialedForward: a direct-tcpip channel whose destination the gateway dials itself. Accepted once that has answered. Owned by FrontHop;
// loop thread only.
#pragma once

#include <memory>
#include <string>

#include "gateway/socket_forward.h"
#include "net/dialer.h"

namespace sekisho::gateway {

class DialedForward final : public SocketForward {
public:
    DialedForward(FrontHop& front, ssh::ChannelId channel, const std::string& host, std::uint16_t port,
        model::RecordLevel level, model::OnFailure on_failure);

    void front_gone() override;

private:
    Result<void> judge(const std::string& name, const net::Endpoint& place);
    void dialed(Result<net::Dialed> dialed);
    void reject(ssh::OpenFailure reason, const Error& error);

    std::string m_destination;
    model::RecordLevel m_level;
    model::OnFailure m_on_failure;
    std::unique_ptr<net::Dial> m_dial;
    bool m_forbidden = false;  // the name has no address that may be reached by name
};

}  // namespace sekisho::gateway
