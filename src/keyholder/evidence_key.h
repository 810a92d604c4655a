// EvidenceKey: the key that signs evidence, in the keyholder: positions of the chain of audit records and roots over recordings
// (evidence/statement.h). It signs no position below one that it signed before, nor another hash at the same one, and says in each
// signature what the last one was; a file beside the key keeps that over restarts. Made where it is missing. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "evidence/statement.h"
#include "keyholder/messages.h"
#include "keys/private_key.h"

namespace sekisho::keyholder {

class EvidenceKey {
public:
    /// Without a key: everything is refused.
    EvidenceKey() = default;
    /// For tests: a key without files.
    explicit EvidenceKey(keys::PrivateKey key);
    /// Before the sandbox. Where the file is missing and cannot be made: without a key. An empty path: the same.
    static Result<EvidenceKey> load(const std::string& path);

    /// Nothing without a key.
    std::optional<keys::PublicKey> public_key() const;
    /// SignedCheckpoint.
    Result<Bytes> sign(const SignCheckpoint& wanted, WallTime now) const;
    /// SignedRoot.
    Result<Bytes> sign(const SignRecordings& wanted, WallTime now) const;

private:
    struct State;
    std::shared_ptr<State> m_state;
};

}  // namespace sekisho::keyholder
