// EchoWatch: which of the keys that a user pressed did the target show? A gateway does not see whether the target's terminal echoes, so it
// looks at the screen: what is typed while nothing comes back is a password, and is forgotten (docs/adr/0021-screen.md says how it is told
// apart). Keys are held back until that is decided: when Enter has been answered, or, for a line that was typed where no prompt was, when
// it is shown behind one or a later line is. Control keys are never hidden. Owned by whoever feeds the Screen. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "terminal/screen.h"

namespace sekisho::terminal {

class EchoWatch {
public:
    struct Input {
        std::string bytes;
        std::uint64_t hidden = 0;  // instead of as many bytes
        std::uint64_t time_us = 0;  // when it was typed
    };

    /// `screen` shows all that the target wrote before.
    void typed(BytesView input, const Screen& screen, std::uint64_t time_us);
    /// After output was drawn; `line_ends`: what comes next is a line feed.
    void shown(const Screen& screen, bool line_ends);
    /// Something undecided waits for the end of its line: shown() has to be called in front of each line feed.
    bool waits_for_line() const { return m_enters > 0 || m_open || m_ahead > 0; }
    /// Nothing more comes: what is undecided is hidden.
    void finish();
    /// What was decided since the last call, in order.
    std::vector<Input> take();

private:
    enum class Kind : std::uint8_t { Text, Key, Enter };
    struct Item {
        Kind kind = Kind::Text;
        std::string bytes;
        std::uint64_t time_us = 0;
    };
    struct Look {
        int x = 0;
        int y = 0;
        std::string text;
        bool operator==(const Look&) const = default;
    };
    /// Decided, or a line that was typed ahead and waits to be shown.
    struct Told {
        std::vector<Input> inputs;
        std::vector<Item> ahead;
        std::string typed;  // of that line, where it is nothing but text
    };
    enum class Decision : std::uint8_t { Show, Hide, Wait };
    void add(Kind kind, char c, std::uint64_t time_us);
    static void tell(std::vector<Input>& inputs, const Item& item, bool show);
    std::vector<Input>& decided();
    void decide(Decision decision);
    void decide_line(const Screen& screen);
    void decide_ahead(Told& told, bool show);
    void look_for_ahead(const Screen& screen);
    void hide_ahead();
    void left_alternate();
    std::string front_line() const;
    bool mostly_answered(const Screen& screen) const;
    bool echoed(const Screen& screen, const Look& now) const;
    static Look look(const Screen& screen);
    void watch_from(const Screen& screen);
    void begin_line(const Screen& screen);

    std::deque<Item> m_items;  // undecided: the first is Text
    std::deque<Told> m_told;  // in order: what was decided behind a line that waits does so, too
    std::size_t m_ahead = 0;  // lines in m_told that wait
    std::size_t m_held = 0;  // bytes of text in m_items
    std::size_t m_enters = 0;  // in m_items
    std::string m_escape;
    bool m_pasting = false;
    bool m_echoing = false;  // what was typed in this line is shown
    bool m_answered = false;  // something typed in this line was, on the alternate screen
    std::size_t m_pressed = 0;  // times that undecided text of this line came
    std::size_t m_changes = 0;  // times that the screen changed after that
    bool m_open = false;  // the line feed of an Enter that was told is not on the screen yet
    bool m_shown_since = false;  // output came while an Enter was undecided
    bool m_alternate = false;  // when the screen was looked at last
    bool m_bare = false;  // no prompt stood in front of the first undecided character
    Look m_from;  // at the first undecided character
    Look m_seen;  // when the screen was looked at last
};

}  // namespace sekisho::terminal
