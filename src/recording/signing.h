// The signed end of a recording: recordings that ended within the same moment share one signature over the root of a hash tree, and each
// carries its path to that root, in a block behind its end (docs/RECORDING_FORMAT.md, "Signature"). Written by the sync thread and by
// mark_cut, read by Reader. Thread-safe, no state.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/merkle.h"
#include "evidence/recorded.h"
#include "evidence/statement.h"

namespace sekisho::recording {

/// Who signs. Without `sign`: nobody.
struct EndSigner {
    std::string key;  // fingerprint; goes into each recording's facts, so that a missing signature shows
    /// Blocks; any thread.
    std::function<Result<evidence::Signed<evidence::RecordingsRoot>>(const evidence::Digest& root, std::uint32_t count)>
        sign;
    explicit operator bool() const { return sign != nullptr; }
};

/// What a signature block says.
struct EndSignature {
    std::string key;
    std::uint32_t count = 0;  // recordings that share it
    std::uint32_t index = 0;  // of this one
    std::vector<evidence::Digest> path;
    WallTime time{};
    evidence::Signature signature{};

    /// The statement that was signed, for a recording with this last checksum; nothing where path and index do not fit each other.
    std::optional<evidence::Signed<evidence::RecordingsRoot>> statement(const evidence::Digest& last) const;
};

std::string encode_signature(const EndSignature& signature);
/// The whole block, with zeros for its checksum.
Bytes signature_block(const EndSignature& signature, std::uint32_t number);
Result<EndSignature> decode_signature(std::string_view json);

/// One for each of the last checksums, at least one.
Result<std::vector<EndSignature>> sign_ends(const EndSigner& signer, const std::vector<evidence::Digest>& lasts);

}  // namespace sekisho::recording
