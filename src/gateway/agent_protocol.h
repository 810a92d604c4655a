// The agent protocol (draft-miller-ssh-agent) as far as we ask: questions, and answers cut out of a stream. What answers is the
// user's machine, or whoever sits on it: everything is bounded. Pure; used by AgentClient.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sekisho::gateway {

struct AgentIdentity {
    Bytes blob;
    std::string comment;
};

/// With the length in front, ready to be sent.
Bytes encode_agent_list();
/// `algorithm` chooses the RSA hash.
Bytes encode_agent_sign(BytesView blob, BytesView data, std::string_view algorithm);

Result<std::vector<AgentIdentity>> parse_agent_identities(BytesView answer);
/// An SSH signature blob.
Result<Bytes> parse_agent_signature(BytesView answer);

/// Cuts answers out of the stream: one question at a time, so that more than one answer is an error.
class AgentAnswers {
public:
    /// The whole answer once it is there.
    Result<std::optional<Bytes>> take(BytesView bytes);

private:
    Bytes m_answer;
};

}  // namespace sekisho::gateway
