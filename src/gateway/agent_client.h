// AgentClient: our side of the user's own agent, through an auth-agent@openssh.com channel that we open on the front hop.
// Used to sign in to targets whose auth is `agent`: the private key never leaves the user's machine. Protocol:
// draft-miller-ssh-agent. One question at a time; every answer is bounded. Owned by TargetSignIn; loop thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway/agent_protocol.h"
#include "gateway/hop.h"

namespace sekisho::gateway {

class AgentClient final : public ChannelSink {
public:
    using Identity = AgentIdentity;

    /// Opens the channel. Questions may be asked at once.
    explicit AgentClient(Hop& front);
    ~AgentClient();
    AgentClient(const AgentClient&) = delete;
    AgentClient& operator=(const AgentClient&) = delete;

    void identities(std::function<void(Result<std::vector<Identity>>)> done);
    /// `algorithm` chooses the RSA hash. The answer is an SSH signature blob.
    void sign(BytesView blob, BytesView data, std::string_view algorithm, std::function<void(Result<Bytes>)> done);

    /// The front hop ended: ask nothing more of it.
    void front_gone() { m_gone = true; }

private:
    void channel_event(Hop& hop, ssh::Event& event) override;
    void ask(Bytes message, std::function<void(Result<Bytes>)> done);
    void received(BytesView bytes);
    void failed(const Error& error);

    Hop& m_front;
    ssh::ChannelId m_channel;
    Bytes m_question;  // waits until the channel is open
    AgentAnswers m_answers;
    std::function<void(Result<Bytes>)> m_done;
    bool m_open = false;
    bool m_gone = false;
    std::optional<Error> m_problem;
};

}  // namespace sekisho::gateway
