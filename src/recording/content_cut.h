// ContentCut: what a recording keeps of one channel's bytes where a rule wants less than all: the first of each direction, and of the
// whole a count and a SHA-256 that stand in the recording when the channel closes (event 9). Owned by Track; under its mutex.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "model/contents.h"
#include "recording/recorder.h"

namespace sekisho::recording {

class ContentCut {
public:
    explicit ContentCut(std::uint64_t most) : m_most(most) {}

    /// The part of `bytes` that is kept.
    BytesView keep(Stream stream, BytesView bytes);
    /// One JSON text for each stream of which something was left out. Ends the hashes.
    std::vector<std::string> digests();

private:
    struct One {
        std::uint64_t bytes = 0;
        std::optional<crypto::Hash> hash;
    };
    std::uint64_t m_most;
    std::array<One, 3> m_streams;  // not Notice, which is the gateway's own text and always kept
};

}  // namespace sekisho::recording
