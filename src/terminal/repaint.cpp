// `repaint`: a screen as bytes, and equality of two. Order: what the alternate screen hides, the screen, tabulators, title, the saved
// cursor, region, modes, character sets, cursor and pen, and last what was cut in the middle of a sequence.
#include <algorithm>
#include <iterator>
#include <utility>

#include "terminal/screen.h"
#include "terminal/width.h"

namespace sekisho::terminal {

namespace {

void number(std::string& out, int value) { out += std::to_string(value); }

void color(std::string& out, Color value, int base) {
    if (value == 0) return;
    out += ';';
    number(out, base + 8);
    if ((value & kIndexed) != 0) {
        out += ";5;";
        return number(out, static_cast<int>(value & 0xff));
    }
    out += ";2";
    for (const int shift : {16, 8, 0}) {
        out += ';';
        number(out, static_cast<int>(value >> shift & 0xff));
    }
}

/// The short forms that every terminal knows, where there are some.
void short_color(std::string& out, Color value, int base) {
    if ((value & kIndexed) == 0 || (value & 0xff) > 15) return color(out, value, base);
    const int index = static_cast<int>(value & 0xff);
    out += ';';
    number(out, index < 8 ? base + index : base + 60 + index - 8);
}

}  // namespace

class Screen::Painter {
public:
    explicit Painter(const Screen& screen) : m_screen(screen) {}
    std::string out;

    void pen(const Pen& pen) {
        if (pen == m_pen) return;
        m_pen = pen;
        static constexpr std::pair<std::uint16_t, std::string_view> kCodes[] = {{kBold, ";1"}, {kFaint, ";2"},
            {kItalic, ";3"}, {kUnderline, ";4"}, {kDoubleUnderline, ";21"}, {kCurlyUnderline, ";4:3"}, {kBlink, ";5"},
            {kReverse, ";7"}, {kConcealed, ";8"}, {kStruck, ";9"}, {kOverline, ";53"}};
        out += "\x1b[0";
        for (const auto& [attribute, code] : kCodes) {
            if ((pen.attributes & attribute) != 0) out += code;
        }
        short_color(out, pen.foreground, 30);
        short_color(out, pen.background, 40);
        out += 'm';
    }
    void move(int x, int y) {
        out += "\x1b[";
        number(out, y + 1);
        out += ';';
        number(out, x + 1);
        out += 'H';
    }
    void cell(const Cell& cell) {
        pen(cell.pen());
        append_utf8(out, cell.glyph);
        if (cell.marks == 0) return;
        for (const char32_t mark : m_screen.m_marks[cell.marks - 1U]) append_utf8(out, mark);
    }
    void grid(const Grid& grid) {
        bool goes_on = false;  // the row above wrapped into this one
        for (int y = 0; y < m_screen.m_rows; ++y) {
            const Row& row = grid.row(y);
            const bool wraps = row.wrapped && y + 1 < m_screen.m_rows;
            // Where it goes on, or wraps, all its columns are written: only that makes a terminal wrap.
            int end = static_cast<int>(row.cells.size());
            if (wraps) end = m_screen.m_columns;
            if (goes_on) end = std::max(end, 1);
            if (wraps && grid.row(y + 1).at(0).wide() && row.at(m_screen.m_columns - 1) == blank(0) &&
                row.cells.size() < static_cast<std::size_t>(m_screen.m_columns)) {
                --end;
            }
            if (!goes_on && (end > 0 || row.rest != 0)) move(0, y);
            for (int x = 0; x < end; ++x) {
                const Cell at = row.at(x);
                if (!at.second()) cell(at);
            }
            if (row.rest != 0 && end < m_screen.m_columns && !wraps) {
                pen({0, row.rest, 0});
                out += "\x1b[K";
            }
            goes_on = wraps;
        }
    }
    void charsets(const Charsets& charsets) {
        for (std::size_t i = 0; i < charsets.sets.size(); ++i) {
            if (charsets.sets[i] == Charset::Ascii) continue;
            out += "\x1b";
            out += "()*+"[i];
            out += '0';
        }
        static constexpr std::string_view kShifts[] = {"", "\x0e", "\x1bn", "\x1bo"};
        out += kShifts[charsets.left];
    }
    void no_charsets(const Charsets& charsets) {
        for (std::size_t i = 0; i < charsets.sets.size(); ++i) {
            if (charsets.sets[i] == Charset::Ascii) continue;
            out += "\x1b";
            out += "()*+"[i];
            out += 'B';
        }
        if (charsets.left != 0) out += '\x0f';
    }
    void saved(const Saved& saved) {
        if (saved == Saved{}) return;
        if (saved.origin) out += "\x1b[?6h";
        move(saved.x, saved.y);
        pen(saved.pen);
        charsets(saved.charsets);
        out +=
            "\x1b"
            "7";
        no_charsets(saved.charsets);
        if (saved.origin) out += "\x1b[?6l";
    }

private:
    const Screen& m_screen;
    Pen m_pen;
};

std::optional<std::string> Screen::repaint() const {
    if (m_skipping != Skipping::Nothing || m_margins) return std::nullopt;
    Painter paint(*this);
    std::string& out = paint.out;
    paint.grid(m_primary);
    paint.saved(m_saved[0]);
    if (m_alternate) {
        paint.pen({});
        out += "\x1b[?47h";
        paint.grid(*m_alternate);
        paint.saved(m_saved[1]);
    }
    bool usual = true;
    for (std::size_t x = 0; x < m_tabs.size(); ++x) usual = usual && m_tabs[x] == (x % 8 == 0);
    if (!usual) {
        out += "\x1b[3g";
        for (std::size_t x = 0; x < m_tabs.size(); ++x) {
            if (!m_tabs[x]) continue;
            paint.move(static_cast<int>(x), 0);
            out += "\x1bH";
        }
    }
    if (!m_title.empty()) out += "\x1b]2;" + m_title + "\x1b\\";
    if (!whole_region()) out += "\x1b[" + std::to_string(m_top + 1) + ';' + std::to_string(m_bottom + 1) + 'r';
    if (m_cursor_style != 0) out += "\x1b[" + std::to_string(m_cursor_style) + " q";
    for (const auto& [number, which] : known_modes()) {
        const bool on = mode(which);
        if (which != Mode::Wrap && on != (which == Mode::CursorVisible))
            out += "\x1b[?" + std::to_string(number) + (on ? 'h' : 'l');
    }
    if (mode(Mode::NewLine)) out += "\x1b[20h";
    if (mode(Mode::Origin)) out += "\x1b[?6h";
    const int top = mode(Mode::Origin) ? m_top : 0;
    if (m_wraps) {  // only writing the last column again leaves the cursor behind it
        const Row& row = grid().row(m_y);
        const int x = m_columns - (row.at(m_columns - 1).second() ? 2 : 1);
        paint.move(x, m_y - top);
        paint.cell(row.at(x));
    } else {
        paint.move(m_x, m_y - top);
    }
    if (!mode(Mode::Wrap)) out += "\x1b[?7l";
    if (mode(Mode::Insert)) out += "\x1b[4h";
    paint.pen(m_pen);
    paint.charsets(m_charsets);
    out += m_partial;
    return std::move(out);
}

Screen Screen::restored(int columns, int rows, std::string_view repaint, char32_t last_printed) {
    Screen screen(columns, rows);
    screen.feed_bytes(repaint.data(), repaint.data() + repaint.size());
    screen.m_last = last_printed <= 0x10ffff ? last_printed : 0;
    return screen;
}

bool Screen::operator==(const Screen& other) const {
    const auto same_grid = [&](const Grid& a, const Grid& b) {
        for (int y = 0; y < m_rows; ++y) {
            const Row& one = a.row(y);
            const Row& two = b.row(y);
            if ((one.wrapped && y + 1 < m_rows) != (two.wrapped && y + 1 < m_rows)) return false;
            const auto end = static_cast<int>(std::max(one.cells.size(), two.cells.size()));
            if (end < m_columns && one.rest != two.rest) return false;
            for (int x = 0; x < end; ++x) {
                Cell left = one.at(x);
                Cell right = two.at(x);
                const auto marks = [](const Screen& screen, Cell& cell) {
                    const std::uint16_t which = std::exchange(cell.marks, std::uint16_t{0});
                    return which == 0 ? std::u32string() : screen.m_marks[which - 1U];
                };
                if (marks(*this, left) != marks(other, right) || left != right) return false;
            }
        }
        return true;
    };
    return m_columns == other.m_columns && m_rows == other.m_rows && m_x == other.m_x && m_y == other.m_y &&
           m_wraps == other.m_wraps && m_top == other.m_top && m_bottom == other.m_bottom && m_pen == other.m_pen &&
           m_charsets == other.m_charsets && m_modes == other.m_modes && m_saved == other.m_saved &&
           m_tabs == other.m_tabs && m_cursor_style == other.m_cursor_style && m_title == other.m_title &&
           m_last == other.m_last && m_margins == other.m_margins && m_skipping == other.m_skipping &&
           m_partial == other.m_partial && alternate() == other.alternate() && same_grid(m_primary, other.m_primary) &&
           (!m_alternate || same_grid(*m_alternate, *other.m_alternate));
}

}  // namespace sekisho::terminal
