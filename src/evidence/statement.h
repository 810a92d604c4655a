// What the evidence key signs, and nothing else: positions of the chain of audit records, and roots over recordings that ended. The
// keyholder makes the signatures (keyholder/evidence_key), whoever has the public half checks them, without a gateway. Ed25519 over the
// bytes that message() gives. Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/chain.h"
#include "keys/public_key.h"

namespace sekisho::evidence {

using Signature = std::array<std::byte, 64>;

/// "The chain has this hash at this position; when I signed last, it had that one at that position."
struct Checkpoint {
    std::uint64_t sequence = 0;
    Digest hash{};
    std::uint64_t before = 0;  // the position that the same key signed last, as far as its holder knows; 0: none
    Digest before_hash{};
    WallTime time{};  // the keyholder's, in milliseconds
    friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// "So many recordings ended, and this is the root over their last checksums."
struct RecordingsRoot {
    std::uint32_t count = 0;
    Digest root{};
    WallTime time{};
    friend bool operator==(const RecordingsRoot&, const RecordingsRoot&) = default;
};

Bytes message(const Checkpoint& checkpoint);
Bytes message(const RecordingsRoot& root);

template <class Statement>
struct Signed {
    Statement statement;
    std::string key;  // fingerprint of the key that signed
    Signature signature{};
};

/// The raw signature in an SSH signature blob of Ed25519.
std::optional<Signature> raw_signature(BytesView blob);

/// Public evidence keys that somebody trusts. Ed25519 only.
class EvidenceKeys {
public:
    /// Lines as in KEY.pub; empty ones and those that begin with # are left out. At least one.
    static Result<EvidenceKeys> parse(std::string_view text);
    Result<void> add(const keys::PublicKey& key);
    bool empty() const { return m_keys.empty(); }
    bool knows(std::string_view fingerprint) const { return find(fingerprint) != nullptr; }

    template <class Statement>
    bool verify(const Signed<Statement>& signed_one) const {
        return verify(signed_one.key, message(signed_one.statement), signed_one.signature);
    }

private:
    struct Known {
        std::string fingerprint;
        keys::PublicKey key;
    };
    const Known* find(std::string_view fingerprint) const;
    bool verify(std::string_view fingerprint, BytesView message, const Signature& signature) const;

    std::vector<Known> m_keys;
};

/// A checkpoint is itself an audit record, right behind the one that it signs.
inline constexpr std::string_view kCheckpointKind = "audit.checkpoint";
model::AuditRecord checkpoint_record(const Signed<Checkpoint>& checkpoint);
/// Nothing where the record is malformed.
std::optional<Signed<Checkpoint>> read_checkpoint(const model::AuditRecord& record);

/// "SEQUENCE:HASH", as people keep a position elsewhere.
std::string position_text(std::uint64_t sequence, const Digest& hash);
std::optional<ChainHead> parse_position(std::string_view text);

}  // namespace sekisho::evidence
