// Is the key that a target showed the one that belongs to it? Pinned keys, host certificates, keys learned at first use.
// A pure judgement with the texts for user and audit; called by TargetHop.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "identity/revocation.h"
#include "model/access.h"

namespace sekisho::gateway {

struct HostKeyJudgement {
    enum class Verdict { Trusted, Learn, Refused } verdict = Verdict::Refused;
    std::string line;    // Learn: the key to remember
    std::string reason;  // Refused: one line for audit and log
    std::string text;    // Refused: what happened, what it may mean, what to do; for the user
};

/// `learned`: lines from the store. `blob`: plain key or certificate, which the target proved to own.
HostKeyJudgement judge_host_key(const model::Target& target, const std::vector<std::string>& learned, BytesView blob,
    WallTime now, const identity::Revocation& revocation = {});

/// Host key algorithms in the order in which they should be asked for: those of keys that are known for this target first.
std::vector<std::string> preferred_host_key_algorithms(
    const model::Target& target, const std::vector<std::string>& learned, const std::vector<std::string>& all);

}  // namespace sekisho::gateway
