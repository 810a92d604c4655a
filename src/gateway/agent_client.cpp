#include "gateway/agent_client.h"

#include <utility>

#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

// draft-miller-ssh-agent §5.1, §5.3
constexpr std::uint8_t kRequestIdentities = 11, kIdentitiesAnswer = 12, kSignRequest = 13, kSignResponse = 14;
constexpr std::uint32_t kRsaSha256 = 2, kRsaSha512 = 4;
constexpr std::size_t kMostAnswer = 256 * 1024;
constexpr std::uint32_t kMostIdentities = 256;

Result<std::vector<AgentClient::Identity>> parse_identities(BytesView answer) {
    wire::Reader reader(answer);
    if (reader.byte() != kIdentitiesAnswer) return fail("the agent refused to list its keys");
    const std::uint32_t count = reader.u32();
    if (count > kMostIdentities) return fail("the agent has more keys than anybody would try");
    std::vector<AgentClient::Identity> identities;
    for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
        Bytes blob = base::to_bytes(reader.string());
        identities.push_back({std::move(blob), std::string(reader.text())});
    }
    if (auto finished = reader.finish("agent's list of keys"); !finished) return std::unexpected(finished.error());
    return identities;
}

Result<Bytes> parse_signature(BytesView answer) {
    wire::Reader reader(answer);
    if (reader.byte() != kSignResponse) return fail("the agent did not sign");
    Bytes signature = base::to_bytes(reader.string());
    if (auto finished = reader.finish("agent's signature"); !finished) return std::unexpected(finished.error());
    return signature;
}

}  // namespace

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
    ask(wire::Writer().byte(kRequestIdentities).take(), [done = std::move(done)](Result<Bytes> answer) {
        done(answer ? parse_identities(*answer) : std::unexpected(answer.error()));
    });
}

void AgentClient::sign(BytesView blob, BytesView data, std::string_view algorithm, std::function<void(Result<Bytes>)> done) {
    const std::uint32_t flags = algorithm.starts_with("rsa-sha2-512")   ? kRsaSha512
                                : algorithm.starts_with("rsa-sha2-256") ? kRsaSha256
                                                                        : 0;
    ask(wire::Writer().byte(kSignRequest).string(blob).string(data).u32(flags).take(),
        [done = std::move(done)](
            Result<Bytes> answer) { done(answer ? parse_signature(*answer) : std::unexpected(answer.error())); });
}

void AgentClient::ask(Bytes message, std::function<void(Result<Bytes>)> done) {
    if (m_problem) return done(std::unexpected(*m_problem));
    m_done = std::move(done);
    m_question = wire::Writer().string(message).take();
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
    if (m_answer.size() + bytes.size() > kMostAnswer + 4) return failed(Error{"the agent's answer is too long", ""});
    m_answer.insert(m_answer.end(), bytes.begin(), bytes.end());
    if (m_answer.size() < 4) return;
    wire::Reader reader(m_answer);
    const std::uint32_t length = reader.u32();
    if (length == 0 || length > kMostAnswer) return failed(Error{"the agent's answer has an impossible length", ""});
    if (m_answer.size() - 4 < length) return;
    if (m_answer.size() - 4 > length || !m_done) return failed(Error{"the agent answers what nobody asked", ""});
    Bytes answer(m_answer.begin() + 4, m_answer.end());
    m_answer.clear();
    // The next question may be asked inside.
    std::exchange(m_done, nullptr)(std::move(answer));
}

void AgentClient::failed(const Error& error) {
    if (m_problem) return;
    m_problem = error;
    if (auto done = std::exchange(m_done, nullptr)) done(std::unexpected(error));
}

}  // namespace sekisho::gateway
