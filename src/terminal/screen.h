// Screen: what a terminal shows after it was sent some bytes: cells, cursor, pen, modes, title. Told of output and of sizes, it answers
// with text, and with `repaint`: bytes that bring a fresh terminal of its size to the same state. A recording's keyframes are made of
// those, commands are read from it (docs/adr/0021-screen.md). Sequences as in ECMA-48 and xterm's ctlseqs, UTF-8 only; what answers,
// rings or moves a window is left out. Bounded: 512 by 256 cells, sequences of 4 KiB. Owned by whoever follows a channel. Pure.
#pragma once

#include <array>
#include <bitset>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "terminal/grid.h"

namespace sekisho::terminal {

class Screen {
public:
    static constexpr int kColumnsMost = 512;
    static constexpr int kRowsMost = 256;

    /// What is beyond the bounds counts as the bound; at least 2 columns and 1 row.
    Screen(int columns, int rows);
    Screen(Screen&&) noexcept = default;
    Screen& operator=(Screen&&) noexcept = default;

    /// What the target wrote, in pieces of any size.
    void feed(BytesView output);
    void resize(int columns, int rows);

    int columns() const { return m_columns; }
    int rows() const { return m_rows; }
    int cursor_column() const { return m_x; }
    int cursor_row() const { return m_y; }
    bool cursor_visible() const { return mode(Mode::CursorVisible); }
    bool alternate() const { return m_alternate != nullptr; }
    const std::string& title() const { return m_title; }
    Cell cell(int column, int row) const { return grid().row(row).at(column); }
    /// A row as UTF-8, without the blanks at its end.
    std::string row_text(int row) const;
    /// Part of a row, its blanks kept; columns from `from` to `to` (not included).
    std::string text(int row, int from, int to) const;
    /// All rows, each with a line end; empty ones at the end left out.
    std::string text() const;
    /// The first and last row of the line that goes through `row`: rows that were filled to the edge belong together.
    std::pair<int, int> line_of(int row) const;
    /// That line, as one.
    std::string line_text(int row) const;
    /// The line that the cursor is in, up to the cursor.
    std::string before_cursor() const;

    /// Told each line of the primary screen that leaves at the top, as UTF-8. `goes_on`: the next row belongs to it.
    std::function<void(std::string text, bool goes_on)> on_scrolled;

    /// Brings a fresh terminal of this size to this state, but for what it answers to and who is told. Nothing where that cannot be
    /// said in bytes.
    std::optional<std::string> repaint() const;
    /// What `repaint` cannot say: the character that a repetition (REP) would repeat.
    char32_t last_printed() const { return m_last; }
    /// A screen from what those two gave.
    static Screen restored(int columns, int rows, std::string_view repaint, char32_t last_printed);
    bool operator==(const Screen& other) const;

    /// Bytes of memory, about.
    std::size_t memory() const;

private:
    std::string joined(int first, int last) const;  // rows of one line, without the last
    enum class Mode : std::uint8_t {
        CursorKeys,
        ReverseVideo,
        Wrap,
        CursorBlink,
        CursorVisible,
        Keypad,
        MouseX10,
        MouseClicks,
        MouseDrags,
        MouseMoves,
        Focus,
        MouseUtf8,
        MouseSgr,
        AlternateScroll,
        MouseUrxvt,
        BracketedPaste,
        Origin,
        Insert,
        NewLine,
        Count
    };
    struct KnownMode {
        int number;  // of DEC private modes
        Mode mode;
    };
    using Modes = std::bitset<static_cast<std::size_t>(Mode::Count)>;
    enum class Charset : std::uint8_t { Ascii, Graphics };
    struct Charsets {
        std::array<Charset, 4> sets{};
        std::uint8_t left = 0;  // SO and SI
        bool operator==(const Charsets&) const = default;
    };
    struct Saved {
        int x = 0;
        int y = 0;
        Pen pen;
        Charsets charsets;
        bool origin = false;
        bool operator==(const Saved&) const = default;
    };
    struct Param {
        int value = -1;  // -1: left out
        bool part = false;  // stands behind a colon
    };
    struct Csi {
        char leader = 0;  // one of < = > ?
        char between = 0;  // an intermediate byte
        char last = 0;
        std::span<const Param> params;
        int at(std::size_t i, int usual) const { return i < params.size() && params[i].value > 0 ? params[i].value : usual; }
    };
    enum class Skipping : std::uint8_t { Nothing, String, Osc, Csi };

    static std::span<const KnownMode> known_modes();

    Grid& grid() { return m_alternate ? *m_alternate : m_primary; }
    const Grid& grid() const { return m_alternate ? *m_alternate : m_primary; }
    Row& here() { return grid().row(m_y); }
    bool mode(Mode which) const { return m_modes[static_cast<std::size_t>(which)]; }
    void set(Mode which, bool on) { m_modes[static_cast<std::size_t>(which)] = on; }
    Color background() const { return m_pen.background; }
    bool whole_region() const { return m_top == 0 && m_bottom == m_rows - 1; }

    // screen.cpp: bytes
    void feed_bytes(const char* at, const char* end);
    const char* plain(const char* at, const char* end);
    const char* character(const char* at, const char* end);
    const char* skip_string(const char* at, const char* end);
    void keep_partial(const char* at, const char* end);
    // printing.cpp
    void print_run(const char* text, std::size_t size);
    void print(char32_t c);
    void join(char32_t mark);
    void wrap();
    void line_feed();
    void reverse_line_feed();
    void scroll(int top, int bottom, int count);
    void collect_marks();
    // sequences.cpp
    const char* escape(const char* at, const char* end);
    const char* control_string(const char* at, const char* end, const char* begin);
    const char* control_sequence(const char* at, const char* end);
    void control(char c);
    void escape_sequence(char between, char last);
    void dispatch(const Csi& csi);
    void title_of(std::string_view text);
    // operations.cpp
    void move_to(int x, int y);
    void move_by(int columns, int rows);
    void erase_display(int what);
    void erase_line(int what);
    void lines(int count);
    void region(int top, int bottom);
    void modes(const Csi& csi, bool on);
    void private_mode(int number, bool on);
    void alternate(bool on, bool keep_cursor);
    void tabulate(int count);
    void repeat(int count);
    void save_cursor();
    void restore_cursor();
    void soft_reset();
    void reset();
    void align();
    // rendition.cpp
    void rendition(std::span<const Param> params);
    // skipping.cpp
    struct Invisible {
        std::size_t skip = 0;  // bytes that may be left out
        std::size_t plain = 0;  // bytes, from the same place, without anything but text and colours
    };
    Invisible invisible(BytesView output);
    // repaint.cpp
    class Painter;

    int m_columns;
    int m_rows;
    Grid m_primary;
    std::unique_ptr<Grid> m_alternate;  // while it is shown
    int m_x = 0;
    int m_y = 0;
    bool m_wraps = false;  // the last column was written: the next character begins a row
    int m_top = 0;
    int m_bottom;
    Pen m_pen;
    Charsets m_charsets;
    Modes m_modes;
    std::array<Saved, 2> m_saved{};  // of the primary and the alternate screen
    std::vector<bool> m_tabs;
    std::uint8_t m_cursor_style = 0;
    std::string m_title;
    char32_t m_last = 0;  // printed just now; 0 after anything else
    bool m_margins = false;  // left and right margins were asked for, which are not modelled
    Skipping m_skipping = Skipping::Nothing;
    std::string m_partial;  // the beginning of a sequence or a character
    std::vector<std::u32string> m_marks;  // Cell::marks counts from 1
    std::map<std::u32string, std::uint16_t> m_marks_known;
};

/// UTF-8 of one character.
void append_utf8(std::string& out, char32_t c);

}  // namespace sekisho::terminal
