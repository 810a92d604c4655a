// Characters onto the grid: runs of ASCII in one go, wide characters, marks that join the one before them, and lines that wrap.
#include <algorithm>

#include "terminal/screen.h"
#include "terminal/width.h"

namespace sekisho::terminal {

namespace {

constexpr std::size_t kMarksMost = 8;  // that join one character
constexpr std::size_t kMarksKnown = 60'000;  // different ones before those that left the screen are forgotten

// What ` to ~ are in the DEC special graphics set.
constexpr char32_t kGraphics[] =
    U"\u25c6\u2592\u2409\u240c\u240d\u240a\u00b0\u00b1\u2424\u240b\u2518\u2510\u250c\u2514\u253c\u23ba"
    U"\u23bb\u2500\u23bc\u23bd\u251c\u2524\u2534\u252c\u2502\u2264\u2265\u03c0\u2260\u00a3\u00b7";

}  // namespace

void Screen::print_run(const char* text, std::size_t size) {
    if (size == 0) return;
    const char* const end = text + size;
    const bool wrapping = mode(Mode::Wrap);
    while (text != end) {
        if (m_wraps) wrap();
        std::size_t room = static_cast<std::size_t>(m_columns - m_x);
        std::size_t left = static_cast<std::size_t>(end - text);
        if (!wrapping && left > room) {  // the last column is written over and over
            if (room > 1) {
                --room;
            } else {
                text = end - 1;
                left = 1;
            }
        }
        const std::size_t count = std::min(room, left);
        Cell* cells = here().open(m_x, static_cast<int>(count));
        Cell cell(U' ', m_pen);
        for (std::size_t i = 0; i < count; ++i) {
            cell.glyph = static_cast<unsigned char>(text[i]);
            cells[i] = cell;
        }
        text += count;
        m_x += static_cast<int>(count);
        if (m_x == m_columns) {
            m_x = m_columns - 1;
            m_wraps = wrapping;
        }
    }
    m_last = static_cast<unsigned char>(end[-1]);
}

void Screen::print(char32_t c) {
    m_last = c;
    if (c >= 0x60 && c < 0x7f && m_charsets.sets[m_charsets.left] == Charset::Graphics) c = kGraphics[c - 0x60];
    const int columns = width(c);
    if (columns == 0) return join(c);
    if (m_wraps) wrap();
    if (m_x + columns > m_columns) {  // half a character does not stand at the edge
        if (mode(Mode::Wrap)) {
            wrap();
        } else {
            m_x = m_columns - columns;
        }
    }
    Row& row = here();
    if (mode(Mode::Insert)) row.insert(m_x, columns, m_columns, background());
    Cell* cells = row.open(m_x, columns);
    cells[0] = Cell(c, m_pen, columns == 2 ? kWide : 0);
    if (columns == 2) cells[1] = Cell(U' ', m_pen, kSecond);
    m_x += columns;
    if (m_x == m_columns) {
        m_x = m_columns - 1;
        m_wraps = mode(Mode::Wrap);
    }
}

void Screen::join(char32_t mark) {
    int x = m_wraps ? m_x : m_x - 1;
    if (x < 0) return;
    Row& row = here();
    if (static_cast<std::size_t>(x) >= row.cells.size()) return;
    if (row.cells[static_cast<std::size_t>(x)].second()) --x;
    Cell& cell = row.cells[static_cast<std::size_t>(x)];
    std::u32string marks = cell.marks == 0 ? std::u32string() : m_marks[cell.marks - 1U];
    if (marks.size() >= kMarksMost) return;
    marks += mark;
    if (m_marks.size() >= kMarksKnown) collect_marks();
    if (m_marks.size() >= kMarksKnown) return;
    const auto [known, added] = m_marks_known.try_emplace(marks, static_cast<std::uint16_t>(m_marks.size() + 1));
    if (added) m_marks.push_back(std::move(marks));
    cell.marks = known->second;
}

void Screen::collect_marks() {
    std::vector<std::u32string> kept;
    std::map<std::u32string, std::uint16_t> known;
    for (Grid* grid : {&m_primary, m_alternate.get()}) {
        for (int y = 0; grid != nullptr && y < m_rows; ++y) {
            for (Cell& cell : grid->row(y).cells) {
                if (cell.marks == 0) continue;
                const std::u32string& marks = m_marks[cell.marks - 1U];
                const auto [found, added] = known.try_emplace(marks, static_cast<std::uint16_t>(kept.size() + 1));
                if (added) kept.push_back(marks);
                cell.marks = found->second;
            }
        }
    }
    m_marks = std::move(kept);
    m_marks_known = std::move(known);
}

void Screen::wrap() {
    Row& row = here();
    const bool moves = m_y == m_bottom || m_y + 1 < m_rows;
    if (moves) row.wrapped = true;
    m_x = 0;
    m_wraps = false;
    line_feed();
}

void Screen::line_feed() {
    if (m_y == m_bottom) {
        scroll(m_top, m_bottom, 1);
    } else if (m_y + 1 < m_rows) {
        ++m_y;
    }
}

void Screen::reverse_line_feed() {
    if (m_y == m_top) {
        scroll(m_top, m_bottom, -1);
    } else if (m_y > 0) {
        --m_y;
    }
}

void Screen::scroll(int top, int bottom, int count) {
    if (on_scrolled && !m_alternate && top == 0 && count > 0) {
        for (int y = 0; y < std::min(count, bottom + 1); ++y) on_scrolled(row_text(y), m_primary.row(y).wrapped);
    }
    grid().scroll(top, bottom, count, background());
}

}  // namespace sekisho::terminal
