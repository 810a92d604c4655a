#include "gateway/agent_client.h"

#include <utility>

namespace sekisho::gateway {

AgentClient::AgentClient(Hop& front) : m_front(front) {
    const auto channel = front.new_channel();
    if (!channel) {
        m_problem = channel.error();
        m_gone = true;
        return;
    }
    m_channel = *channel;
    front.route(m_channel, *this);
    front.submit(ssh::OpenChannel{m_channel, "auth-agent@openssh.com", {}});
}

AgentClient::~AgentClient() {
    if (m_gone) return;
    m_front.unroute(m_channel);
    m_front.submit(ssh::CloseChannel{m_channel});
}

void AgentClient::identities(std::function<void(Result<std::vector<Identity>>)> done) {
    ask(encode_agent_list(), [done = std::move(done)](Result<Bytes> answer) {
        done(answer ? parse_agent_identities(*answer) : std::unexpected(answer.error()));
    });
}

void AgentClient::sign(BytesView blob, BytesView data, std::string_view algorithm, std::function<void(Result<Bytes>)> done) {
    ask(encode_agent_sign(blob, data, algorithm), [done = std::move(done)](Result<Bytes> answer) {
        done(answer ? parse_agent_signature(*answer) : std::unexpected(answer.error()));
    });
}

void AgentClient::ask(Bytes message, std::function<void(Result<Bytes>)> done) {
    if (m_problem) return done(std::unexpected(*m_problem));
    m_done = std::move(done);
    m_question = std::move(message);
    if (m_open) m_front.write(m_channel, ssh::DataStream::Main, BytesView(m_question));
}

void AgentClient::channel_event(Hop&, ssh::Event& event) {
    if (std::holds_alternative<ssh::ChannelOpened>(event)) {
        m_open = true;
        if (!m_question.empty()) m_front.write(m_channel, ssh::DataStream::Main, BytesView(m_question));
    } else if (const auto* refused = std::get_if<ssh::ChannelOpenFailed>(&event)) {
        m_gone = true;
        failed(Error{"your client did not open its agent to us", refused->text});
    } else if (const auto* data = std::get_if<ssh::Data>(&event)) {
        m_front.submit(ssh::Credit{m_channel, data->bytes.size()});
        if (data->stream == ssh::DataStream::Main) received(data->bytes);
    } else if (const auto* asked = std::get_if<ssh::ChannelRequested>(&event)) {
        if (asked->want_reply) m_front.submit(ssh::ReplyRequest{m_channel, false});
    } else if (std::holds_alternative<ssh::CloseReceived>(event)) {
        m_front.unroute(m_channel);
        m_front.submit(ssh::CloseChannel{m_channel});
        m_gone = true;
        failed(Error{"your agent closed the connection", ""});
    }
}

void AgentClient::received(BytesView bytes) {
    if (m_problem) return;
    auto answer = m_answers.take(bytes);
    if (!answer) return failed(answer.error());
    if (!*answer) return;
    if (!m_done) return failed(Error{"the agent answers what nobody asked", ""});
    // The next question may be asked inside.
    std::exchange(m_done, nullptr)(std::move(**answer));
}

void AgentClient::failed(const Error& error) {
    if (m_problem) return;
    m_problem = error;
    if (auto done = std::exchange(m_done, nullptr)) done(std::unexpected(error));
}

}  // namespace sekisho::gateway
