#include "gateway/agent_protocol.h"

#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

// draft-miller-ssh-agent §5.1, §5.3
constexpr std::uint8_t kRequestIdentities = 11, kIdentitiesAnswer = 12, kSignRequest = 13, kSignResponse = 14;
constexpr std::uint32_t kRsaSha256 = 2, kRsaSha512 = 4;

namespace limits = wire::limits;

}  // namespace

Bytes encode_agent_list() { return wire::Writer().u32(1).byte(kRequestIdentities).take(); }

Bytes encode_agent_sign(BytesView blob, BytesView data, std::string_view algorithm) {
    const std::uint32_t flags = algorithm.starts_with("rsa-sha2-512")   ? kRsaSha512
                                : algorithm.starts_with("rsa-sha2-256") ? kRsaSha256
                                                                        : 0;
    return wire::Writer().string(wire::Writer().byte(kSignRequest).string(blob).string(data).u32(flags).take()).take();
}

Result<std::vector<AgentIdentity>> parse_agent_identities(BytesView answer) {
    wire::Reader reader(answer);
    if (reader.byte() != kIdentitiesAnswer) return fail("the agent refused to list its keys");
    const std::uint32_t count = reader.u32();
    if (count > limits::kAgentIdentities) return fail("the agent has more keys than anybody would try");
    std::vector<AgentIdentity> identities;
    for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
        Bytes blob = base::to_bytes(reader.string());
        identities.push_back({std::move(blob), std::string(reader.text())});
    }
    if (auto finished = reader.finish("agent's list of keys"); !finished) return std::unexpected(finished.error());
    return identities;
}

Result<Bytes> parse_agent_signature(BytesView answer) {
    wire::Reader reader(answer);
    if (reader.byte() != kSignResponse) return fail("the agent did not sign");
    Bytes signature = base::to_bytes(reader.string());
    if (auto finished = reader.finish("agent's signature"); !finished) return std::unexpected(finished.error());
    return signature;
}

Result<std::optional<Bytes>> AgentAnswers::take(BytesView bytes) {
    if (m_answer.size() + bytes.size() > limits::kAgentAnswer + 4) return fail("the agent's answer is too long");
    m_answer.insert(m_answer.end(), bytes.begin(), bytes.end());
    if (m_answer.size() < 4) return std::nullopt;
    const std::uint32_t length = wire::Reader(m_answer).u32();
    if (length == 0 || length > limits::kAgentAnswer) return fail("the agent's answer has an impossible length");
    if (m_answer.size() - 4 < length) return std::nullopt;
    if (m_answer.size() - 4 > length) return fail("the agent answers what nobody asked");
    Bytes answer(m_answer.begin() + 4, m_answer.end());
    m_answer.clear();
    return answer;
}

}  // namespace sekisho::gateway
