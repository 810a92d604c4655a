// TargetForward: a channel of the client whose other end the target opens (direct-tcpip, direct-streamlocal, tun): two channels,
// one relay. Accepted once the target has accepted, refused in its words. Owned by FrontHop; loop thread only.
#pragma once

#include <optional>
#include <string>

#include "gateway/front_channel.h"
#include "gateway/relay.h"
#include "gateway/target_hop.h"

namespace sekisho::gateway {

class FrontHop;

class TargetForward final : public FrontChannel, public ChannelSink, public RelayOwner, public TargetUser {
public:
    /// What was decided about it; `facts` with type, destination and level.
    struct Plan {
        Bytes payload;  // type-specific part, passed on as it came
        recording::ChannelFacts facts;
        model::OnFailure on_failure;
    };

    TargetForward(FrontHop& front, TargetHop& target, ssh::ChannelId channel, Plan plan);
    ~TargetForward() override;

    void join() { m_target->join(*this); }

    void front_gone() override;
    bool end(const std::string&) override { return false; }  // a foreign protocol speaks here
    void credit_released() override;

private:
    void target_ready() override;
    void target_lost(const std::string& text) override;
    void channel_event(Hop& hop, ssh::Event& event) override;
    void relay_ended() override;
    void reject(ssh::OpenFailure reason, const std::string& text);

    FrontHop& m_front;
    TargetHop* m_target;
    ssh::ChannelId m_channel;
    Plan m_plan;
    ssh::ChannelId m_target_channel;
    std::optional<Relay> m_relay;
    bool m_opening = false;
    bool m_front_gone = false;
};

}  // namespace sekisho::gateway
