// What control sequences do to the screen: cursor, erasing, lines, modes, tabulators, saved cursors, resets.
#include <algorithm>

#include "terminal/screen.h"

namespace sekisho::terminal {

std::span<const Screen::KnownMode> Screen::known_modes() {
    static constexpr KnownMode kKnown[] = {{1, Mode::CursorKeys}, {5, Mode::ReverseVideo}, {7, Mode::Wrap},
        {9, Mode::MouseX10}, {12, Mode::CursorBlink}, {25, Mode::CursorVisible}, {66, Mode::Keypad},
        {1000, Mode::MouseClicks}, {1002, Mode::MouseDrags}, {1003, Mode::MouseMoves}, {1004, Mode::Focus},
        {1005, Mode::MouseUtf8}, {1006, Mode::MouseSgr}, {1007, Mode::AlternateScroll}, {1015, Mode::MouseUrxvt},
        {2004, Mode::BracketedPaste}};
    return kKnown;
}

// --- cursor ---

void Screen::move_to(int x, int y) {
    const bool origin = mode(Mode::Origin);
    const int top = origin ? m_top : 0;
    const int bottom = origin ? m_bottom : m_rows - 1;
    m_x = std::clamp(x, 0, m_columns - 1);
    m_y = std::clamp(y + top, top, bottom);
    m_wraps = false;
}

/// Up and down it stays within the region that it is in.
void Screen::move_by(int columns, int rows) {
    const int top = m_y >= m_top ? m_top : 0;
    const int bottom = m_y <= m_bottom ? m_bottom : m_rows - 1;
    m_x = std::clamp(m_x + columns, 0, m_columns - 1);
    if (rows != 0) m_y = std::clamp(m_y + rows, top, bottom);
    m_wraps = false;
}

void Screen::tabulate(int count) {
    const int step = count < 0 ? -1 : 1;
    for (int left = std::min(std::abs(count), m_columns); left > 0; --left) {
        int x = m_x + step;
        while (x > 0 && x < m_columns - 1 && !m_tabs[static_cast<std::size_t>(x)]) x += step;
        m_x = std::clamp(x, 0, m_columns - 1);
    }
    if (count < 0) m_wraps = false;
}

/// REP: only what was printed just before is repeated.
void Screen::repeat(int count) {
    const char32_t last = m_last;
    if (last == 0) return;
    for (int left = std::min(count, m_columns * m_rows); left > 0; --left) print(last);
    m_last = last;
}

void Screen::save_cursor() { m_saved[alternate() ? 1 : 0] = {m_x, m_y, m_pen, m_charsets, mode(Mode::Origin)}; }

void Screen::restore_cursor() {
    const Saved& saved = m_saved[alternate() ? 1 : 0];
    m_x = saved.x;
    m_y = saved.y;
    m_pen = saved.pen;
    m_charsets = saved.charsets;
    set(Mode::Origin, saved.origin);
    m_wraps = false;
}

// --- erasing, lines ---

void Screen::erase_display(int what) {
    const auto clear = [&](int first, int last) {
        for (int y = first; y <= last; ++y) grid().row(y).clear(background());
    };
    switch (what) {
        case 0:
            erase_line(0);
            clear(m_y + 1, m_rows - 1);
            break;
        case 1:
            clear(0, m_y - 1);
            erase_line(1);
            break;
        case 2:
            clear(0, m_rows - 1);
            m_wraps = false;
            break;
        default: break;  // 3: what scrolled away, which is not kept
    }
}

void Screen::erase_line(int what) {
    m_wraps = false;
    if (what == 0) {
        here().erase(m_x, m_columns, m_columns, background());
    } else if (what == 1) {
        here().erase(0, m_x + 1, m_columns, background());
    } else if (what == 2) {
        here().clear(background());
    }
    // What went on from the row above no longer does.
    if (what != 0 && m_y > 0) grid().row(m_y - 1).wrapped = false;
}

/// IL and DL.
void Screen::lines(int count) {
    if (m_y < m_top || m_y > m_bottom) return;
    grid().scroll(m_y, m_bottom, std::clamp(count, -m_rows, m_rows), background());
    m_wraps = false;
}

void Screen::region(int top, int bottom) {
    top = std::min(top, m_rows);
    bottom = std::min(bottom, m_rows);
    if (top >= bottom) return;
    m_top = top - 1;
    m_bottom = bottom - 1;
    move_to(0, 0);
}

/// DECALN.
void Screen::align() {
    m_top = 0;
    m_bottom = m_rows - 1;
    for (int y = 0; y < m_rows; ++y) {
        Row& row = grid().row(y);
        row.clear(0);
        row.cells.assign(static_cast<std::size_t>(m_columns), Cell(U'E', Pen{}));
    }
    set(Mode::Origin, false);
    move_to(0, 0);
}

// --- modes ---

void Screen::modes(const Csi& csi, bool on) {
    for (const Param& param : csi.params) {
        if (csi.leader == '?') {
            private_mode(param.value, on);
        } else if (param.value == 4) {
            set(Mode::Insert, on);
        } else if (param.value == 20) {
            set(Mode::NewLine, on);
        }
    }
}

void Screen::private_mode(int number, bool on) {
    switch (number) {
        case 6: set(Mode::Origin, on); return move_to(0, 0);
        case 47:
        case 1047: return alternate(on, false);
        case 1048: return on ? save_cursor() : restore_cursor();
        case 1049: return alternate(on, true);
        case 69: m_margins = on; return;
        default: break;
    }
    for (const KnownMode& known : known_modes()) {
        if (known.number == number) set(known.mode, on);
    }
    if (!mode(Mode::Wrap)) m_wraps = false;
}

/// `keep_cursor`: as 1049 does, which saves the cursor before and restores it afterwards.
void Screen::alternate(bool on, bool keep_cursor) {
    if (on && !m_alternate) {
        if (keep_cursor) save_cursor();
        m_alternate = std::make_unique<Grid>(m_columns, m_rows);
        m_saved[1] = {};
        m_wraps = false;
        if (background() != 0) {
            for (int y = 0; y < m_rows; ++y) m_alternate->row(y).clear(background());
        }
    } else if (!on && m_alternate) {
        m_alternate.reset();
        m_saved[1] = {};
        m_wraps = false;
        if (keep_cursor) restore_cursor();
    } else if (!on && keep_cursor) {
        restore_cursor();
    }
}

// --- resets ---

/// DECSTR.
void Screen::soft_reset() {
    m_pen = {};
    m_charsets = {};
    m_top = 0;
    m_bottom = m_rows - 1;
    m_saved[alternate() ? 1 : 0] = {};
    m_wraps = false;
    for (const Mode off : {Mode::CursorKeys, Mode::Keypad, Mode::Origin, Mode::Insert}) set(off, false);
    set(Mode::CursorVisible, true);
    set(Mode::Wrap, true);
}

/// RIS.
void Screen::reset() {
    m_alternate.reset();
    m_pen = {};
    m_charsets = {};
    m_saved = {};
    m_modes.reset();
    set(Mode::Wrap, true);
    set(Mode::CursorVisible, true);
    m_margins = false;
    m_cursor_style = 0;
    m_title.clear();
    m_last = 0;
    m_top = 0;
    m_bottom = m_rows - 1;
    for (std::size_t x = 0; x < m_tabs.size(); ++x) m_tabs[x] = x % 8 == 0;
    for (int y = 0; y < m_rows; ++y) m_primary.row(y).clear(0);
    m_marks.clear();
    m_marks_known.clear();
    m_x = m_y = 0;
    m_wraps = false;
}

}  // namespace sekisho::terminal
