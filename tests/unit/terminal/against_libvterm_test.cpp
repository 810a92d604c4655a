// The same bytes into our model and into libvterm, which others wrote: cells, colours, attributes and cursor must agree. Sequences are
// drawn by lot from those that both know; where the two differ by design, the lot leaves them out (said at each).
#include <random>

#include <gtest/gtest.h>
#include <vterm.h>

#include "terminal/screen.h"

namespace sekisho::terminal {
namespace {

class Other {
public:
    Other(int columns, int rows) : m_term(vterm_new(rows, columns)), m_screen(vterm_obtain_screen(m_term)) {
        vterm_set_utf8(m_term, 1);
        vterm_screen_enable_altscreen(m_screen, 1);
        vterm_screen_reset(m_screen, 1);
    }
    ~Other() { vterm_free(m_term); }
    Other(const Other&) = delete;
    Other& operator=(const Other&) = delete;
    void feed(std::string_view text) { vterm_input_write(m_term, text.data(), text.size()); }
    VTermScreenCell cell(int x, int y) const {
        VTermScreenCell cell{};
        vterm_screen_get_cell(m_screen, {y, x}, &cell);
        return cell;
    }
    VTermPos cursor() const {
        VTermPos pos{};
        vterm_state_get_cursorpos(vterm_obtain_state(m_term), &pos);
        return pos;
    }

private:
    VTerm* m_term;
    VTermScreen* m_screen;
};

Color color_of(const VTermColor& color, std::uint8_t usual) {
    if ((color.type & usual) != 0) return 0;
    if (VTERM_COLOR_IS_INDEXED(&color)) return kIndexed | color.indexed.idx;
    return kRgb | static_cast<Color>(color.rgb.red << 16 | color.rgb.green << 8 | color.rgb.blue);
}

std::string line_of(const VTermScreenCell& cell) {
    std::string out;
    for (const std::uint32_t c : cell.chars) {
        if (c == 0) break;
        append_utf8(out, c);
    }
    if (cell.chars[0] == 0) out = " ";
    if (out == " ") return "blank|" + std::to_string(color_of(cell.bg, VTERM_COLOR_DEFAULT_BG));  // theirs keep a foreground
    int attributes = 0;
    if (cell.attrs.bold) attributes |= kBold;
    if (cell.attrs.italic) attributes |= kItalic;
    if (cell.attrs.blink) attributes |= kBlink;
    if (cell.attrs.reverse) attributes |= kReverse;
    if (cell.attrs.strike) attributes |= kStruck;
    if (cell.attrs.underline == VTERM_UNDERLINE_SINGLE) attributes |= kUnderline;
    if (cell.attrs.underline == VTERM_UNDERLINE_DOUBLE) attributes |= kDoubleUnderline;
    return out + "|" + std::to_string(attributes) + "|" + std::to_string(color_of(cell.fg, VTERM_COLOR_DEFAULT_FG)) + "|" +
           std::to_string(color_of(cell.bg, VTERM_COLOR_DEFAULT_BG));
}

std::string line_of(const Screen& screen, int x, int y) {
    const Cell cell = screen.cell(x, y);
    const std::string glyph = screen.text(y, x, x + 1);
    if (glyph == " ") return "blank|" + std::to_string(cell.background);
    return glyph + "|" + std::to_string(cell.pen().attributes) + "|" + std::to_string(cell.foreground) + "|" +
           std::to_string(cell.background);
}

/// Up and down, libvterm leaves a scroll region that the cursor is in; xterm, tmux and we stay.
std::string piece(std::mt19937& dice, int columns, int rows, bool& region) {
    const auto below = [&](int n) { return std::to_string(1 + static_cast<int>(dice() % static_cast<unsigned>(n))); };
    const auto csi = [](const std::string& rest) { return "\x1b[" + rest; };
    switch (dice() % 30) {
        case 0: return csi(below(rows) + ";" + below(columns) + "H");
        case 1: return csi(below(4) + (region ? "C" : "A"));
        case 2: return csi(below(4) + (region ? "D" : "B"));
        case 3: return csi(below(6) + "C");
        case 4: return csi(below(6) + "D");
        case 5: return csi(below(columns) + "G");
        case 6: return csi(below(rows) + "d");
        case 7: return csi(std::string(1, "012"[dice() % 3]) + "J");
        case 8: return csi(std::string(1, "012"[dice() % 3]) + "K");
        case 9: return csi(below(3) + "L");
        case 10: return csi(below(3) + "M");
        // Outside of the region libvterm leaves lines as they are, and xterm does not.
        case 11: return region ? "\r" : csi(below(5) + "P");
        case 12: return region ? "\r" : csi(below(5) + "@");
        case 13: return csi(below(5) + "X");
        case 14: return csi(below(2) + "S");
        case 15: return csi(below(2) + "T");
        case 16: return csi("3" + std::to_string(dice() % 8) + "m");
        case 17: return csi("4" + std::to_string(dice() % 8) + "m");
        case 18: return csi(std::string(dice() % 2 == 0 ? "1" : "7") + ";38;5;" + below(255) + "m");
        case 19: return csi("0m");
        case 20: return csi("38;2;1;2;" + below(200) + ";4;9m");
        case 21: return "\r\n";
        case 22: return "\x1bM";
        case 23: return "\t";
        case 24:
            return "\x1b"
                   "7" +
                   csi("1;1H") +
                   "x\x1b"
                   "8";
        case 25:
            region = true;
            // Others are ignored by xterm.
            return csi("2;" + std::to_string(3 + static_cast<int>(dice() % static_cast<unsigned>(rows - 2))) + "r");
        case 26:
            region = false;
            return csi("r");
        case 27: return "\r";
        default: {
            static constexpr std::string_view kWords[] = {"word", "text and more of it ", "x", "$ ls -la", "0123456789"};
            return std::string(kWords[dice() % std::size(kWords)]);
        }
    }
}

TEST(Screen, AgreesWithLibvterm) {
    std::mt19937 dice(20261123);
    for (int round = 0; round < 300; ++round) {
        const int columns = 10 + static_cast<int>(dice() % 40);
        const int rows = 4 + static_cast<int>(dice() % 16);
        Screen screen(columns, rows);
        Other other(columns, rows);
        std::string sent;
        bool region = false;
        for (int i = 0; i < 60; ++i) {
            std::string next = piece(dice, columns, rows, region);
            sent += next;
            screen.feed(base::view(next));
            other.feed(next);
            // Where the last column was just written, erasing and inserting leaves libvterm about to wrap, and us (and xterm) not.
            next =
                "\x1b[" + std::to_string(screen.cursor_row() + 1) + ";" + std::to_string(screen.cursor_column() + 1) + "H";
            ASSERT_EQ(other.cursor().col, screen.cursor_column()) << round << " " << sent;
            ASSERT_EQ(other.cursor().row, screen.cursor_row()) << round << " " << sent;
            if (screen.cursor_column() == columns - 1) {
                sent += next;
                screen.feed(base::view(next));
                other.feed(next);
            }
        }
        for (int y = 0; y < rows; ++y) {
            for (int x = 0; x < columns; ++x) {
                ASSERT_EQ(line_of(screen, x, y), line_of(other.cell(x, y)))
                    << round << " at " << x << "," << y << " of " << sent;
            }
        }
    }
}

TEST(Screen, JapaneseAgreesWithLibvterm) {
    const std::string text =
        "$ ls 資料\r\n議事録.txt  見積り(最終).xlsx  "
        "\u30ab\u3099イド\r\n漢字かな交じり文が行の端で折り返すとき\x1b[2;5H上書き";
    for (const int columns : {20, 21, 40}) {
        Screen screen(columns, 8);
        Other other(columns, 8);
        screen.feed(base::view(text));
        other.feed(text);
        for (int y = 0; y < 8; ++y) {
            std::string theirs;
            for (int x = 0; x < columns; ++x) {
                const VTermScreenCell cell = other.cell(x, y);
                if (cell.chars[0] == static_cast<std::uint32_t>(-1)) continue;
                const std::string glyph = line_of(cell);
                theirs += glyph.starts_with("blank") ? " " : glyph.substr(0, glyph.find('|'));
            }
            theirs.erase(theirs.find_last_not_of(' ') + 1);
            EXPECT_EQ(screen.row_text(y), theirs) << columns << " " << y;
        }
    }
}

}  // namespace
}  // namespace sekisho::terminal
