// GatewayPorts: where the gateway itself listens for one client: a remote forward of somebody who named no target. Others connect to
// such a port, as far as a rule names the networks that they come from (accept_from; without it only this machine), and each
// connection becomes a channel of the client (AcceptedForward). A port is closed when the client takes it back, when the connection
// ends, and within a second of when no rule permits it any more. Owned by RemoteForwards; loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/access.h"
#include "net/listener.h"
#include "net/timer.h"
#include "policy/decide.h"

namespace sekisho::gateway {

class FrontHop;

class GatewayPorts {
public:
    explicit GatewayPorts(FrontHop& front);
    ~GatewayPorts();

    /// As far as the rules and the options of the key go; `host` as the client named it.
    Result<policy::Decision> permitted(const std::string& host, std::uint16_t port) const;
    /// Listens there; `why` for the audit. Returns the port, which is the system's choice where 0 was asked for.
    Result<std::uint16_t> listen(const std::string& host, std::uint16_t port, const std::string& why);
    /// False: there is no such port.
    bool cancel(const std::string& host, std::uint16_t port);
    /// Closes all of them.
    void stop(const std::string& why);

private:
    struct Socket {
        std::string host;  // as rules are asked about it
        std::unique_ptr<net::Listener> listener;
    };
    struct Port {
        std::string host;  // as the client named it
        std::uint16_t port;
        std::vector<Socket> sockets;
        std::shared_ptr<const int> connections;  // each connection holds it

        std::string text() const;
    };

    Result<policy::Decision> judged(const std::string& host, std::uint16_t port, const std::string& connects_from) const;
    Result<void> open(Port& port, const std::string& host, const std::string& address);
    void accepted(Port& port, const std::string& host, int fd, const net::Endpoint& peer);
    void turn_away(const std::string& place, const net::Endpoint& peer, const std::string& why);
    void ended(const Port& port, const std::string& why);
    void judge_again();
    void judge_later();

    FrontHop& m_front;
    std::vector<std::unique_ptr<Port>> m_ports;
    net::Timer m_timer;
};

}  // namespace sekisho::gateway
