// `sekisho recordings show --at` and `--commands`: the screen of a recorded terminal at a time, and what ran, as text or JSON. Positions
// of `play --from`, too.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/command.h"
#include "recording/screens.h"

namespace sekisho::cli {

struct ScreenOptions {
    std::string at;
    bool commands = false;
    std::optional<std::uint32_t> channel;
};

/// "83", "83.5", "1:23" or "1:02:30" since the start.
Result<std::chrono::microseconds> parse_position(const std::string& text);
/// Brings the reader's own terminal to where a repaint begins.
inline const std::string kFreshTerminal = "\x1b[?1049l\x1b[!p\x1b[0m\x1b[H\x1b[2J";

int show_commands(
    const Context& context, const std::string& which, const std::string& key_file, const ScreenOptions& options, bool json);
int show_screen(
    const Context& context, const std::string& which, const std::string& key_file, const ScreenOptions& options, bool json);

}  // namespace sekisho::cli
