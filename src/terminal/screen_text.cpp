// What stands on the screen, as UTF-8.
#include <algorithm>

#include "terminal/screen.h"

namespace sekisho::terminal {

std::string Screen::text(int row, int from, int to) const {
    std::string out;
    const Row& line = grid().row(row);
    for (int x = std::max(from, 0); x < std::min(to, m_columns); ++x) {
        const Cell cell = line.at(x);
        if (cell.second()) continue;
        append_utf8(out, cell.glyph);
        if (cell.marks == 0) continue;
        for (const char32_t mark : m_marks[cell.marks - 1U]) append_utf8(out, mark);
    }
    return out;
}

std::string Screen::row_text(int row) const {
    std::string out = text(row, 0, static_cast<int>(grid().row(row).cells.size()));
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

std::string Screen::text() const {
    std::string out;
    std::size_t filled = 0;
    for (int y = 0; y < m_rows; ++y) {
        out += row_text(y) + "\n";
        if (out.size() > 1 && out[out.size() - 2] != '\n') filled = out.size();
    }
    out.resize(filled);
    return out;
}

std::pair<int, int> Screen::line_of(int row) const {
    int first = row;
    int last = row;
    while (first > 0 && grid().row(first - 1).wrapped) --first;
    while (last + 1 < m_rows && grid().row(last).wrapped) ++last;
    return {first, last};
}

std::string Screen::joined(int first, int last) const {
    std::string out;
    for (int y = first; y < last; ++y) {
        // A wide character that did not fit leaves the last column empty.
        const bool gap = grid().row(y + 1).at(0).wide() && grid().row(y).cells.size() < static_cast<std::size_t>(m_columns);
        out += text(y, 0, gap ? m_columns - 1 : m_columns);
    }
    return out;
}

std::string Screen::line_text(int row) const {
    const auto [first, last] = line_of(row);
    return joined(first, last) + row_text(last);
}

std::string Screen::before_cursor() const {
    return joined(line_of(m_y).first, m_y) + text(m_y, 0, m_x);
}

}  // namespace sekisho::terminal
