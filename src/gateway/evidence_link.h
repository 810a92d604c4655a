// EvidenceLink: the gateway's way to the evidence key in the keyholder. Blocks for a signature, so it is for the threads that may wait: the
// store's (checkpoints) and the one that syncs recordings (their ends). Without a keyholder everything fails at once; a new one takes over
// by adopt(). Thread-safe; owned by gateway/serve.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "evidence/statement.h"
#include "keyholder/descriptors.h"
#include "keyholder/messages.h"

namespace sekisho::gateway {

class EvidenceLink {
public:
    /// The public half, as the keyholder gave it; empty: it has none.
    Result<void> has(BytesView public_key);
    const std::string& fingerprint() const { return m_fingerprint; }
    const std::string& public_line() const { return m_line; }
    /// Takes over a connected stream socket.
    void adopt(keyholder::Descriptor link);

    Result<evidence::Signed<evidence::Checkpoint>> sign(const evidence::ChainHead& head);
    Result<evidence::Signed<evidence::RecordingsRoot>> sign(const evidence::Digest& root, std::uint32_t count);
    /// False after a call that found no keyholder, or lost it: another one may be there in a moment.
    bool linked() const;

private:
    Result<Bytes> ask(const keyholder::Request& request);
    Result<Bytes> exchange(const keyholder::Request& request);

    std::string m_fingerprint;
    std::string m_line;
    mutable std::mutex m_mutex;
    keyholder::Descriptor m_link;
    std::uint64_t m_last_ticket = 0;
};

}  // namespace sekisho::gateway
