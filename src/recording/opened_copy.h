// A copy of a sealed recording that needs no key any more: the same events in the same blocks, without seal, chained anew. Its facts say
// what it is a copy of. For tools, not evidence: that stays the original. Used by cli. One thread.
#pragma once

#include "recording/block_walker.h"
#include "recording/export.h"
#include "recording/seal.h"

namespace sekisho::recording {

struct OpenedCopy {
    std::uint32_t blocks = 0;
    format::Checksum original{};  // the checksum of the original's end, in the copy's facts too
    std::vector<Problem> problems;  // of the original: what is damaged there is missing here
};
/// Fails where `make_source` has no recording, a recording that is not sealed to this auditor, or not sealed at all.
Result<OpenedCopy> copy_opened(
    const std::function<Result<std::unique_ptr<Source>>()>& make_source, const crypto::X25519Pair& auditor, const Sink& out);

}  // namespace sekisho::recording
