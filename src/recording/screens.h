// Screens: what the terminals of a recording showed at a time: from the last keyframe before it and the events since. Source of
// `play --from` and `show --at`. One thread.
#pragma once

#include <map>

#include "recording/replay.h"
#include "terminal/screen.h"

namespace sekisho::recording {

class Screens {
public:
    struct Terminal {
        std::uint32_t channel = 0;
        std::string name;  // TERM
        terminal::Screen screen{80, 24};
        std::chrono::microseconds changed{};  // as far as it is known: not before the keyframe
    };

    Screens(Reader& reader, std::optional<std::uint32_t> channel)
        : m_reader(reader), m_channel(channel), m_replay(reader, channel) {}

    /// Shows everything up to `at`, and gives what comes next.
    std::optional<Shown> seek(std::chrono::microseconds at);
    Replay& replay() { return m_replay; }
    const std::map<std::uint32_t, Terminal>& terminals() const { return m_terminals; }
    /// The one that changed last; nothing where there is none.
    const Terminal* last() const;

private:
    void begin(const Keyframe& keyframe);
    void take(const Shown& shown);
    void settle();

    Reader& m_reader;
    const std::optional<std::uint32_t> m_channel;
    Replay m_replay;
    std::map<std::uint32_t, Terminal> m_terminals;
    std::uint32_t m_gathering = 0;
    Bytes m_gathered;  // output of channel m_gathering: much of it together costs less
};

}  // namespace sekisho::recording
