// Replay: a recording as its user saw it: what their terminal got, when, with sizes and exits. A Reader's events, narrowed to the
// session channels or to one chosen channel. Source of play and export. One thread.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "recording/reader.h"

namespace sekisho::recording {

struct Shown {
    enum class Kind { Output, Input, Resize, Exit };
    Kind kind = Kind::Output;
    std::chrono::microseconds at{};
    std::uint32_t channel = 0;
    Stream stream = Stream::Output;
    bool to_stderr = false;     // Output: the client wrote it to its stderr
    BytesView bytes;            // Output, Input; until the next call
    std::string_view terminal;  // Resize by pty-req: TERM
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
    std::string exit;           // Exit: the status, or the signal's name
};

class Replay {
public:
    /// Without `channel`: all channels of type "session".
    Replay(Reader& reader, std::optional<std::uint32_t> channel) : m_reader(reader), m_channel(channel) {}

    std::optional<Shown> next();
    /// Channels that were shown so far.
    std::size_t channels() const { return m_shown.size(); }

private:
    bool wanted(const Event& event) const;
    std::optional<Shown> request(const Event& event);

    Reader& m_reader;
    const std::optional<std::uint32_t> m_channel;
    std::set<std::uint32_t> m_other;     // announced as something else than a session
    std::set<std::uint32_t> m_terminal;  // have a pty
    std::set<std::uint32_t> m_shown;
};

/// What a request says in a word: the command of exec, the name of a subsystem, "7" or "SIGTERM" of an exit. Empty for others.
std::string request_word(const Event& event);

struct Screen {
    std::string terminal;
    std::uint32_t columns = 80;
    std::uint32_t rows = 24;
};
/// The first terminal that the chosen channels asked for. Reads the recording from its beginning and leaves it there.
Screen first_screen(Reader& reader, std::optional<std::uint32_t> channel);

/// When each piece is to be shown: pauses shortened to `most`, everything `speed` times as fast.
class Pace {
public:
    Pace(double speed, std::chrono::microseconds most) : m_speed(speed), m_most(most) {}
    /// How long to wait before what was recorded at `at`. Zero at speed 0.
    std::chrono::microseconds wait(std::chrono::microseconds at);

private:
    const double m_speed;
    const std::chrono::microseconds m_most;
    std::chrono::microseconds m_last{};
    bool m_first = true;
};

}  // namespace sekisho::recording
