// Grid: the cells of one screen, primary or alternate. A row holds cells as far as something was written; what lies behind has the
// colour that it was erased with, so that erasing a screen costs a few words and an idle one little memory. Rows move by their
// numbers. Owned by a Screen. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "terminal/cell.h"

namespace sekisho::terminal {

struct Row {
    std::vector<Cell> cells;
    Color rest = 0;  // background of what lies behind `cells`
    bool wrapped = false;  // the line goes on in the next row

    /// The cell at `x`, also behind what was written.
    Cell at(int x) const {
        return static_cast<std::size_t>(x) < cells.size() ? cells[static_cast<std::size_t>(x)] : blank(rest);
    }
    void clear(Color background) {
        cells.clear();
        rest = background;
        wrapped = false;
    }
    /// `count` cells from `x` that are about to be written. Halves of wide characters at the edges become blank.
    Cell* open(int x, int count);
    /// Cells are there up to `end` (not included).
    void fill_to(int end) {
        if (cells.size() < static_cast<std::size_t>(end)) cells.resize(static_cast<std::size_t>(end), blank(rest));
    }
    void erase(int from, int to, int columns, Color background);
    void insert(int x, int count, int columns, Color background);
    void remove(int x, int count, int columns, Color background);
    /// No half of a wide character stands at `x` without its other half to the left of it.
    void split(int x);
};

class Grid {
public:
    Grid(int columns, int rows);

    Row& row(int y) { return m_rows[m_order[static_cast<std::size_t>(y)]]; }
    const Row& row(int y) const { return m_rows[m_order[static_cast<std::size_t>(y)]]; }
    /// Rows `top` to `bottom` (included) move up by `count`; blank ones follow. Negative: down.
    void scroll(int top, int bottom, int count, Color background);
    /// `dropped`: rows that leave at the top, where it gets lower.
    void resize(int columns, int rows, int dropped);

private:
    std::vector<Row> m_rows;
    std::vector<std::uint16_t> m_order;
};

}  // namespace sekisho::terminal
