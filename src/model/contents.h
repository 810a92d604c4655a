// How much a recording keeps of what sftp, scp, commands without a terminal and forwards move, where `record = "full"` keeps bytes at
// all: everything, the first N bytes of each direction, or nothing but a digest. A value of rules and decisions. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::model {

struct Contents {
    std::optional<std::uint64_t> most;  // bytes of each direction of a channel; empty: all of them

    bool all() const { return !most; }
    friend bool operator==(const Contents&, const Contents&) = default;
};

/// "full", "digest", or "first 64 KiB" (B, KiB, MiB; at most 1 GiB).
std::optional<Contents> parse_contents(std::string_view text);
std::string contents_text(const Contents& contents);

}  // namespace sekisho::model
