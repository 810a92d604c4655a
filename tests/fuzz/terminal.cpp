// The terminal model, on whatever a target writes: it stays bounded, pieces make no difference, what may be left out is never missed, and a
// screen that is painted anew is the same. Bytes 0 and 1 are a size; 0xff in the middle cuts a piece, 0xfe followed by two bytes
// resizes, and 0xfd repeats what came since the last cut until there is enough to leave some out.
#include <cstdlib>

#include "terminal/screen.h"

namespace {

using namespace sekisho;
using terminal::Screen;

void expect(bool holds) {
    if (!holds) std::abort();
}

void check(const Screen& screen) {
    expect(screen.cursor_column() < screen.columns() && screen.cursor_row() < screen.rows());
    (void)screen.text();
    (void)screen.line_text(screen.cursor_row());
    const auto paint = screen.repaint();
    if (!paint) return;
    const Screen again = Screen::restored(screen.columns(), screen.rows(), *paint, screen.last_printed());
    expect(again == screen);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > 1 << 16) return 0;
    const int columns = data[0] % 140;
    const int rows = data[1] % 70;
    Screen whole(columns, rows);
    Screen bytewise(columns, rows);
    Screen drawn(columns, rows);  // never leaves anything out
    drawn.on_scrolled = [](const std::string&, bool) {};
    Bytes piece;
    const auto feed = [&] {
        whole.feed(piece);
        drawn.feed(piece);
        for (const std::byte& b : piece) bytewise.feed({&b, 1});
        piece.clear();
        check(whole);
    };
    for (std::size_t i = 2; i < size; ++i) {
        if (data[i] == 0xff) {
            feed();
        } else if (data[i] == 0xfe && i + 2 < size) {
            feed();
            for (Screen* screen : {&whole, &bytewise, &drawn}) screen->resize(data[i + 1], data[i + 2] % 70);
            i += 2;
        } else if (data[i] == 0xfd && !piece.empty()) {
            const Bytes unit = piece;
            while (piece.size() < 20'000) piece.insert(piece.end(), unit.begin(), unit.end());
            feed();
        } else {
            piece.push_back(static_cast<std::byte>(data[i]));
        }
    }
    feed();
    expect(whole == bytewise);
    expect(whole == drawn);
    return 0;
}
