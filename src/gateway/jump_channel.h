// JumpChannel: a direct-tcpip channel to a target's SSH port, as `ssh -J gateway login@target` opens it. The gateway answers the
// handshake inside itself, in the target's name (host_certificates), and what runs there is a session like any other: decided,
// recorded, signed in to the target by the gateway. Owned by FrontHop; loop thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gateway/channel_pipe.h"
#include "gateway/front_channel.h"
#include "gateway/inside.h"

namespace sekisho::gateway {

class FrontHop;

class JumpChannel final : public FrontChannel {
public:
    struct Plan {
        std::string target;
        std::string name;  // of the target, as the client knows it
        std::string where;  // with the port, for people
    };

    JumpChannel(FrontHop& front, ssh::ChannelId channel, Plan plan);
    ~JumpChannel() override;

    void front_gone() override;
    bool end(const std::string&) override { return false; }  // the session inside is told by its own connection
    void credit_released() override {}

private:
    void begin(Result<std::vector<PresentedKey>> host_keys);
    void over();

    FrontHop& m_front;
    ssh::ChannelId m_channel;
    Plan m_plan;
    std::shared_ptr<ChannelPipe> m_pipe;
    std::optional<std::uint32_t> m_number;  // in the recording
    std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
    bool m_front_gone = false;
};

/// The plan for a client that wants to connect to `host`:`port`, when that is a target on which it may have a session under any of
/// its logins.
std::optional<JumpChannel::Plan> jump_to(FrontHop& front, const std::string& host, std::uint16_t port);

}  // namespace sekisho::gateway
