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
    bool new_terminal = false;  // Resize by pty-req
    std::string_view terminal;  // Resize by pty-req: TERM
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
    std::string exit;           // Exit: the status, or the signal's name
};

class Replay {
public:
    /// Without `channel`: all channels of type "session".
    Replay(Reader& reader, std::optional<std::uint32_t> channel) : m_reader(&reader), m_channel(channel) {}

    std::optional<Shown> next();
    /// From here on input stands where it was typed, not where it was decided about. Reads the recording, and begins it anew.
    void order_input();
    /// The Reader goes on behind this keyframe.
    void begin(const Keyframe& keyframe);
    /// Channels that were shown so far.
    std::size_t channels() const { return m_shown.size(); }

private:
    struct Typed {
        std::uint32_t channel = 0;
        std::chrono::microseconds at{};
        Bytes bytes;
    };
    std::optional<Shown> next_in_file();
    bool wanted(const Event& event) const;
    std::optional<Shown> request(const Event& event);

    Reader* m_reader;
    std::optional<std::uint32_t> m_channel;
    std::set<std::uint32_t> m_other;     // announced as something else than a session
    std::set<std::uint32_t> m_terminal;  // have a pty
    std::set<std::uint32_t> m_shown;
    bool m_ordered = false;
    std::vector<Typed> m_typed;
    std::size_t m_typed_shown = 0;
    std::optional<Shown> m_waiting;  // behind what was typed before it
};

/// What a request says in a word: the command of exec, the name of a subsystem, "7" or "SIGTERM" of an exit. Empty for others.
std::string request_word(const Event& event);

/// What a pty-req or window-change from the client asks for (RFC 4254 §6.2, §6.7); sizes that are nonsense count as 80 by 24. Its front
/// is enough. Nothing where that is not whole, or it is another request.
struct TerminalAsked {
    std::string_view terminal;  // TERM, of a pty-req
    std::uint32_t columns = 0;
    std::uint32_t rows = 0;
};
std::optional<TerminalAsked> terminal_asked(std::string_view type, BytesView payload);

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
    /// What is shown now was recorded at `at`.
    void begin(std::chrono::microseconds at) {
        m_last = at;
        m_first = false;
    }
    /// How long to wait before what was recorded at `at`. Zero at speed 0.
    std::chrono::microseconds wait(std::chrono::microseconds at);

private:
    const double m_speed;
    const std::chrono::microseconds m_most;
    std::chrono::microseconds m_last{};
    bool m_first = true;
};

}  // namespace sekisho::recording
