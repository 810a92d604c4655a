#include "terminal/grid.h"

#include <algorithm>
#include <numeric>

namespace sekisho::terminal {

namespace {

std::size_t index(int n) { return static_cast<std::size_t>(n); }

}  // namespace

void Row::split(int x) {
    if (x <= 0 || index(x) >= cells.size() || !cells[index(x)].second()) return;
    for (const std::size_t half : {index(x) - 1, index(x)}) cells[half] = blank(cells[half].background);
}

Cell* Row::open(int x, int count) {
    split(x);
    split(x + count);
    fill_to(x);
    if (cells.size() < index(x + count)) cells.resize(index(x + count));
    return cells.data() + x;
}

void Row::erase(int from, int to, int columns, Color background) {
    split(from);
    split(to);
    if (to >= columns) {
        wrapped = false;
        if (index(from) > cells.size() && rest != background) fill_to(from);
        if (index(from) < cells.size()) cells.resize(index(from));
        rest = background;
        return;
    }
    if (index(from) >= cells.size() && rest == background) return;
    fill_to(to);
    std::fill(cells.begin() + from, cells.begin() + to, blank(background));
}

void Row::insert(int x, int count, int columns, Color background) {
    count = std::min(count, columns - x);
    split(x);
    if (index(x) >= cells.size() && rest == background) return;
    fill_to(x);
    if (rest != background) fill_to(columns);
    if (cells.size() > index(columns - count)) {  // what is pushed over the edge is gone
        split(columns - count);
        cells.resize(index(columns - count));
    }
    cells.insert(cells.begin() + x, index(count), blank(background));
}

void Row::remove(int x, int count, int columns, Color background) {
    count = std::min(count, columns - x);
    split(x);
    split(x + count);
    if (rest != background) fill_to(columns);
    if (index(x) < cells.size()) {
        const std::size_t end = std::min(index(x + count), cells.size());
        cells.erase(cells.begin() + x, cells.begin() + static_cast<std::ptrdiff_t>(end));
    }
    rest = background;
    wrapped = false;
}

Grid::Grid(int columns, int rows) : m_rows(index(rows)), m_order(index(rows)) {
    (void)columns;
    std::iota(m_order.begin(), m_order.end(), std::uint16_t{0});
}

void Grid::scroll(int top, int bottom, int count, Color background) {
    const int height = bottom - top + 1;
    const auto first = m_order.begin() + top;
    const auto end = m_order.begin() + bottom + 1;
    if (count >= 0) {
        count = std::min(count, height);
        if (count == 0) return;
        std::rotate(first, first + count, end);
        for (int y = bottom - count + 1; y <= bottom; ++y) row(y).clear(background);
        if (top > 0) row(top - 1).wrapped = false;
    } else {
        count = std::min(-count, height);
        std::rotate(first, end - count, end);
        for (int y = top; y < top + count; ++y) row(y).clear(background);
        if (top > 0) row(top - 1).wrapped = false;
        row(bottom).wrapped = false;
    }
}

void Grid::resize(int columns, int rows, int dropped) {
    std::vector<Row> next;
    next.reserve(index(rows));
    for (int y = dropped; y < static_cast<int>(m_order.size()) && next.size() < index(rows); ++y)
        next.push_back(std::move(row(y)));
    next.resize(index(rows));
    for (Row& row : next) {
        if (row.cells.size() > index(columns)) {
            row.split(columns);
            row.cells.resize(index(columns));
        }
        row.cells.shrink_to_fit();
        row.wrapped = false;  // where it broke is no edge any more
    }
    m_rows = std::move(next);
    m_order.resize(index(rows));
    std::iota(m_order.begin(), m_order.end(), std::uint16_t{0});
}

}  // namespace sekisho::terminal
