// CommandReader: which commands were typed in a shell, read from its screen: the line as it stands when the user presses Enter, without
// the prompt. So editing, history, completion and searches come out as what was really run, and Japanese as what was seen. Prompt is what
// stood in front of the cursor when the user began to type. Nothing is read while the alternate screen is on (an editor, a pager), and
// nothing that was not on the screen (a password). A reading, not a proof: docs/adr/0021-screen.md. Owned by whoever feeds the Screen.
// Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "terminal/screen.h"

namespace sekisho::terminal {

class CommandReader {
public:
    struct Command {
        std::string prompt;
        std::string text;  // lines of a pasted one are joined by \n
        std::uint64_t entered_us = 0;  // when Enter was pressed
    };

    /// What the user typed; `screen` shows all that the target wrote before.
    void typed(BytesView input, const Screen& screen, std::uint64_t time_us);
    /// Feeds the screen. `found` gets the commands whose lines end in `output`.
    void shown(BytesView output, Screen& screen, std::vector<Command>& found);
    /// A line was entered whose end is not on the screen yet: shown() has to be called instead of Screen::feed.
    bool waiting() const { return !m_entered.empty() || !m_ahead.empty(); }

private:
    struct Line {
        std::string prompt;
        std::string before;  // the prompt, and what stands in front of it: what the terminal itself showed while no prompt was there
        std::string right;  // what stood behind the cursor: zsh writes a second prompt there
        std::string typed;  // as long as it was only characters
        bool edited = false;  // other keys, too
        bool pasted = false;  // more lines than one
        std::string at_enter;  // as it stood when Enter was pressed, without the prompt
        std::uint64_t entered_us = 0;
    };
    void key(char c, const Screen& screen, std::uint64_t time_us);
    void begin(const Screen& screen);
    void find_prompt(Line& line, std::string_view shown) const;
    void find_late_prompt(const Screen& screen);
    void enter(const Screen& screen, std::uint64_t time_us);
    void line_ends(const Screen& screen, std::vector<Command>& found);
    void find(const Line& line, std::string text, std::vector<Command>& found);
    static std::string read(const Line& line, const Screen& screen);

    std::string m_escape;  // a sequence that a key, or the terminal itself, sends
    bool m_pasting = false;
    std::optional<Line> m_line;
    std::string m_prompt;  // of the last command
    std::deque<Line> m_entered;
    std::deque<Line> m_ahead;  // typed while no prompt was there: the shell shows them again
};

}  // namespace sekisho::terminal
