// Follower: what the terminals of one recording show, followed as its blocks go to disk: source of the keyframes, of the commands that were
// typed, and of which input may be recorded. It sees every event before it is compressed and sealed, on the writer's thread, never on a
// loop. A quiet terminal is put away as the bytes that paint it anew (docs/adr/0021-screen.md). Owned by a Track.
#pragma once

#include <map>
#include <memory>

#include "recording/keyframe.h"
#include "terminal/command_reader.h"
#include "terminal/echo_watch.h"
#include "terminal/screen.h"

namespace sekisho::recording {

class Follower {
public:
    /// A block of events that goes to disk. `gathered`: room that is shared with others of this thread; empty between calls of
    /// follow and settle of different recordings.
    void follow(BytesView events, std::uint64_t time_us, Bytes& gathered);
    /// Draws what was gathered. After the last block that is there.
    void settle(Bytes& gathered);
    /// So much happened since the last one that a reader should not have to play it. The next one is made after settle().
    bool keyframe_due() const;
    std::optional<Bytes> make_keyframe();
    struct Command : terminal::CommandReader::Command {
        std::uint32_t channel = 0;
    };
    /// Those whose lines ended since the last call.
    std::vector<Command> take_commands() { return std::exchange(m_commands, {}); }
    struct Input : terminal::EchoWatch::Input {
        std::uint32_t channel = 0;
    };
    /// What was typed and is recorded only now, or not at all.
    std::vector<Input> take_input() { return std::exchange(m_input, {}); }
    /// No more blocks will come.
    void finish(Bytes& gathered);
    /// Of the last event that was followed.
    std::uint64_t time_us() const { return m_time_us; }

    /// A terminal is in memory.
    bool awake() const { return m_awake; }
    /// Puts them away until they show something again.
    void rest();

private:
    struct Terminal {
        std::string name;
        std::uint32_t columns = 80;
        std::uint32_t rows = 24;
        std::optional<terminal::Screen> screen;
        std::string repaint;  // where there is no screen: it, put away
        char32_t last_printed = 0;
        std::uint32_t channel = 0;
        terminal::CommandReader commands;
        terminal::EchoWatch echo;
    };
    struct Channel {
        bool session = false;
        model::RecordLevel level = model::RecordLevel::Metadata;
        std::unique_ptr<Terminal> terminal;
    };
    void event(std::uint8_t type, std::uint32_t number, format::Cursor payload, Bytes& gathered);
    void data(std::uint32_t number, Stream stream, BytesView bytes, bool held, Bytes& gathered);
    void request(std::uint32_t number, format::Cursor payload, Bytes& gathered);
    void apply(std::uint32_t number, std::string_view type, BytesView payload, Bytes& gathered);
    terminal::Screen& screen(Terminal& terminal);
    static bool put_away(Terminal& terminal);

    std::map<std::uint32_t, Channel> m_channels;
    void draw(Terminal& terminal, BytesView output);
    void draw_piece(Terminal& terminal, BytesView output);
    void take_decided(Terminal& terminal);

    std::vector<Command> m_commands;
    std::vector<Input> m_input;
    Terminal* m_gathering = nullptr;  // whose output was gathered
    Bytes m_request;  // the beginning of one that goes on in the next event
    std::string m_request_type;
    std::uint64_t m_time_us = 0;
    // since the last keyframe
    std::uint64_t m_keyframe_us = 0;
    std::uint64_t m_shown = 0;
    std::uint32_t m_blocks = 0;
    std::uint32_t m_terminals = 0;
    bool m_awake = false;
};

}  // namespace sekisho::recording
