// The chain of audit records: each has a hash over itself and the hash of the record before it, so that one value stands for all that
// came before (ADR 20). Called by store, which gives hashes, and by whoever checks them. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/session.h"

namespace sekisho::evidence {

using Digest = std::array<std::byte, 32>;

/// The hash before the first record.
Digest chain_start();

/// SHA-256(previous ‖ u64 sequence ‖ u64 milliseconds since 1970 ‖ kind, session, user, source, subject, outcome, reason, recording: each
/// u32 length ‖ bytes). The record as it is stored: its own `hash` does not count.
Digest chain_next(const Digest& previous, const model::AuditRecord& record);

/// Where a chain ends.
struct ChainHead {
    std::uint64_t sequence = 0;  // 0: nothing is there
    Digest hash = chain_start();
    bool checkpoint = false;  // the last record is one
    friend bool operator==(const ChainHead&, const ChainHead&) = default;
};

}  // namespace sekisho::evidence
