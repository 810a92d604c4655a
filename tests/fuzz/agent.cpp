// The user's agent, as it answers us: a stream in pieces of any size, cut into answers, which are read as a list of keys and as a
// signature.
#include <cstdlib>

#include "gateway/agent_protocol.h"
#include "tests/fuzz/fuzz_input.h"
#include "wire/limits.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sekisho;
    fuzz::Input input(data, size);
    gateway::AgentAnswers answers;
    while (!input.empty()) {
        const Bytes piece = input.piece();
        const auto answer = answers.take(piece);
        if (!answer) return 0;
        if (!*answer) continue;
        if ((*answer)->empty() || (*answer)->size() > wire::limits::kAgentAnswer) std::abort();
        if (const auto keys = gateway::parse_agent_identities(**answer)) {
            if (keys->size() > wire::limits::kAgentIdentities) std::abort();
        }
        (void)gateway::parse_agent_signature(**answer);
    }
    return 0;
}
