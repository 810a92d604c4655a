// InwardChannel: one channel that the target opened (agent, X11, a remote forward), tied to one that we open on the front hop.
// TargetHop lets it begin only where a session or a forward of the client asked for it. Owned by TargetHop; loop thread only.
#pragma once

#include <optional>

#include "gateway/relay.h"

namespace sekisho::gateway {

class TargetHop;

/// Agent and X11 channels belong to the sessions that asked for them, and end with the last of these.
enum class InwardKind { Agent, X11, Forward };
inline constexpr std::size_t kInwardKinds = 3;

class InwardChannel final : public ChannelSink, public RelayOwner {
public:
    /// What was decided about it.
    struct Plan {
        InwardKind kind;
        std::string type;
        Bytes payload;  // type-specific part, passed on as it came
        recording::ChannelFacts facts;
        model::OnFailure on_failure;
    };

    InwardChannel(TargetHop& owner, SessionRecord& record, Hop& target, ssh::ChannelId asked, Hop& front, Plan plan);
    ~InwardChannel();

    InwardKind kind() const { return m_plan.kind; }
    /// Closes both ends: what the channel belonged to is over.
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
    Plan m_plan;
    bool m_opening = false;
    std::optional<Relay> m_relay;
};

}  // namespace sekisho::gateway
