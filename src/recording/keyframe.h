// Keyframe: what all terminals of a recording show at one moment, so that a reader can begin there (docs/RECORDING_FORMAT.md,
// "Keyframes"). Made by Follower, read by Reader. Values; pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "recording/format.h"

namespace sekisho::recording {

struct Keyframe {
    enum class Kind : std::uint8_t {
        Other = 0,
        Session = 1,
        Terminal = 2
    };  // Other: a forward; Session: without a terminal
    struct Channel {
        std::uint32_t number = 0;
        Kind kind = Kind::Other;
        // of a terminal
        std::string terminal;  // TERM
        std::uint32_t columns = 0;
        std::uint32_t rows = 0;
        char32_t last_printed = 0;
        std::string repaint;
    };
    std::vector<Channel> channels;  // all that are open
    std::chrono::microseconds at{};  // every event before it has happened
};

/// Nothing where it would be larger than a block.
std::optional<Bytes> encode_keyframe(const std::vector<Keyframe::Channel>& channels);
std::optional<std::vector<Keyframe::Channel>> decode_keyframe(BytesView bytes);

}  // namespace sekisho::recording
