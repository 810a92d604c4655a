// AgentRelay: one agent channel that a command on the target opened, tied to one that we open on the front hop. Exists only
// while a session runs that asked for its agent and may use it. Owned by TargetHop; loop thread only.
#pragma once

#include <optional>

#include "gateway/relay.h"

namespace sekisho::gateway {

class TargetHop;

class AgentRelay final : public ChannelSink, public RelayOwner {
public:
    AgentRelay(TargetHop& owner, SessionRecord& record, Hop& target, ssh::ChannelId asked, Hop& front);
    ~AgentRelay();

    /// Closes both ends: the session that the agent belonged to is over.
    void end();
    void hop_gone(Hop& hop);
    void release_credit();

private:
    void channel_event(Hop& hop, ssh::Event& event) override;
    void relay_ended() override;

    TargetHop& m_owner;
    SessionRecord& m_record;
    Hop& m_target;
    Hop& m_front;
    ssh::ChannelId m_asked;    // on the target hop
    ssh::ChannelId m_channel;  // on the front hop
    bool m_opening = false;
    std::optional<Relay> m_relay;
};

}  // namespace sekisho::gateway
