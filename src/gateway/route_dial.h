// RouteDial: the way to a target: a connection of the gateway's own, one through a proxy, or a channel (direct-tcpip) of the hop to the
// target before it, which the gateway signs in to like to any other: with its own host key check and its own certificate. A route of
// several hops is several of these, one inside the other. Owned by TargetHop; loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/channel_pipe.h"
#include "gateway/target_user.h"
#include "net/dialer.h"
#include "net/timer.h"

namespace sekisho::gateway {

class FrontHop;
class TargetHop;

/// Hops that one target may be away from the gateway, those of its hops' own routes counted.
inline constexpr std::size_t kMostRouteHops = 8;

class RouteDial final : public TargetUser, public ChannelSink {
public:
    using Done = std::function<void(Result<std::unique_ptr<net::Stream>>)>;

    /// `done` is called once, not inside the constructor, unless this is destroyed before. `behind`: the targets that wait for
    /// it, the first of them being where the user wants to go.
    RouteDial(FrontHop& front, std::vector<std::string> route, std::vector<std::string> behind, std::string host,
        std::uint16_t port, Done done);
    ~RouteDial();

private:
    void begin();
    void through(const std::string& target, const std::string& login, std::vector<std::string> before);
    void target_ready() override;
    void target_lost(const std::string& text) override;
    void channel_event(Hop& hop, ssh::Event& event) override;
    void dialed(Result<net::Dialed> dialed);
    void finish(Result<std::unique_ptr<net::Stream>> stream);

    FrontHop& m_front;
    std::vector<std::string> m_route;
    std::vector<std::string> m_behind;
    std::string m_host;
    std::uint16_t m_port;
    Done m_done;
    net::Timer m_timer;
    std::unique_ptr<net::Dial> m_dial;
    TargetHop* m_relay = nullptr;  // the target before, while it is needed
    ssh::ChannelId m_channel;
    bool m_opening = false;
    std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
};

}  // namespace sekisho::gateway
