// Bytes in: runs of plain text, characters of several bytes, and where sequences begin.
#include "terminal/screen.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sekisho::terminal {

namespace {

constexpr std::size_t kSkipFrom = 8 * 1024;      // pieces this large may have parts that nobody will ever see
constexpr std::size_t kSkipAgain = 1024;     // behind what cannot be skipped, before it is tried again
constexpr std::size_t kPartialMost = 4 * 1024;   // of a sequence; a longer one is stepped over
constexpr char32_t kReplacement = 0xfffd;

int bounded(int value, int least, int most) { return std::clamp(value, least, most); }

}  // namespace

Screen::Screen(int columns, int rows)
    : m_columns(bounded(columns, 2, kColumnsMost)), m_rows(bounded(rows, 1, kRowsMost)), m_primary(m_columns, m_rows),
      m_bottom(m_rows - 1), m_tabs(static_cast<std::size_t>(m_columns)) {
    reset();
}

void Screen::feed(BytesView output) {
    while (output.size() >= kSkipFrom) {
        const Invisible found = invisible(output);
        const std::size_t piece = std::min(output.size(), std::max(found.plain, found.skip) + kSkipAgain);
        const char* at = base::text_view(output).data();
        feed_bytes(at + found.skip, at + piece);
        output = output.subspan(piece);
    }
    const std::string_view rest = base::text_view(output);
    feed_bytes(rest.data(), rest.data() + rest.size());
}

void Screen::feed_bytes(const char* at, const char* end) {
    std::string joined;
    if (!m_partial.empty()) {
        joined = std::exchange(m_partial, {});
        joined.append(at, end);
        at = joined.data();
        end = at + joined.size();
    }
    while (at != end) {
        if (m_skipping != Skipping::Nothing) {
            at = skip_string(at, end);
            continue;
        }
        const auto c = static_cast<unsigned char>(*at);
        const char* next = nullptr;
        if (c == 0x1b) {
            next = escape(at, end);
        } else if (c < 0x20 || c == 0x7f) {
            control(*at);
            next = at + 1;
        } else if (c < 0x80) {
            next = plain(at, end);
        } else {
            next = character(at, end);
        }
        if (next == nullptr) return keep_partial(at, end);
        at = next;
    }
}

void Screen::keep_partial(const char* at, const char* end) {
    m_partial.assign(at, end);
    if (m_partial.size() <= kPartialMost) return;
    const char kind = m_partial[1];
    m_skipping = kind == '[' ? Skipping::Csi : kind == ']' ? Skipping::Osc : Skipping::String;
    if (m_partial.back() == '\x1b') {  // may be the end of the string
        m_partial = "\x1b";
    } else {
        m_partial.clear();
    }
}

// The rest of a sequence that was too long to be kept: nothing is done with it.
const char* Screen::skip_string(const char* at, const char* end) {
    for (; at != end; ++at) {
        const char c = *at;
        if (c == '\x18' || c == '\x1a') break;
        if (c == '\x1b') {
            m_skipping = Skipping::Nothing;
            return at;  // ESC \ by itself does nothing; anything else ends the string, too
        }
        if (m_skipping == Skipping::Osc && c == '\a') break;
        if (m_skipping == Skipping::Csi && c >= 0x40 && c <= 0x7e) break;
    }
    if (at == end) return end;
    m_skipping = Skipping::Nothing;
    return at + 1;
}

const char* Screen::plain(const char* at, const char* end) {
    const char* stop = at;
    while (stop != end && static_cast<unsigned char>(*stop) >= 0x20 && static_cast<unsigned char>(*stop) < 0x7f) ++stop;
    const bool graphics = m_charsets.sets[m_charsets.left] == Charset::Graphics;
    if (graphics || mode(Mode::Insert)) {
        for (; at != stop; ++at) print(static_cast<unsigned char>(*at));
    } else {
        print_run(at, static_cast<std::size_t>(stop - at));
    }
    return stop;
}

// Unicode 15, table 3-7: what can be no character is U+FFFD, one for each byte that could have begun one.
const char* Screen::character(const char* at, const char* end) {
    const auto byte = [&](std::ptrdiff_t i) { return static_cast<unsigned char>(at[i]); };
    const unsigned first = byte(0);
    std::ptrdiff_t size = 0;
    unsigned low = 0x80;
    unsigned high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        size = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        size = 3;
        if (first == 0xe0) low = 0xa0;
        if (first == 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
        size = 4;
        if (first == 0xf0) low = 0x90;
        if (first == 0xf4) high = 0x8f;
    }
    if (size == 0) {
        print(kReplacement);
        return at + 1;
    }
    char32_t c = first & (0x7fU >> size);
    for (std::ptrdiff_t i = 1; i < size; ++i) {
        if (at + i == end) return nullptr;
        const unsigned next = byte(i);
        if (next < low || next > high) {
            print(kReplacement);
            return at + i;
        }
        low = 0x80;
        high = 0xbf;
        c = c << 6 | (next & 0x3f);
    }
    if (c >= 0xa0) print(c);  // U+0080 to U+009F are controls, which UTF-8 terminals leave alone
    return at + size;
}

void append_utf8(std::string& out, char32_t c) {
    const auto put = [&](unsigned value) { out += static_cast<char>(value); };
    const auto u = static_cast<unsigned>(c);
    if (u < 0x80) return put(u);
    if (u < 0x800) {
        put(0xc0 | u >> 6);
    } else if (u < 0x10000) {
        put(0xe0 | u >> 12);
        put(0x80 | (u >> 6 & 0x3f));
    } else {
        put(0xf0 | u >> 18);
        put(0x80 | (u >> 12 & 0x3f));
        put(0x80 | (u >> 6 & 0x3f));
    }
    put(0x80 | (u & 0x3f));
}

void Screen::resize(int columns, int rows) {
    columns = bounded(columns, 2, kColumnsMost);
    rows = bounded(rows, 1, kRowsMost);
    if (columns == m_columns && rows == m_rows) return;
    const int dropped = std::max(0, m_y - rows + 1);
    if (on_scrolled && !m_alternate) {
        for (int y = 0; y < dropped; ++y) on_scrolled(row_text(y), m_primary.row(y).wrapped);
    }
    m_primary.resize(columns, rows, dropped);
    if (m_alternate) m_alternate->resize(columns, rows, dropped);
    m_y -= dropped;
    for (int x = m_columns; x < columns; ++x) m_tabs.push_back(x % 8 == 0);
    m_tabs.resize(static_cast<std::size_t>(columns));
    m_columns = columns;
    m_rows = rows;
    m_top = 0;
    m_bottom = rows - 1;
    m_x = std::min(m_x, columns - 1);
    m_wraps = false;
    m_last = 0;
    for (Saved& saved : m_saved) {
        saved.x = std::min(saved.x, columns - 1);
        saved.y = std::min(saved.y, rows - 1);
    }
}

std::size_t Screen::memory() const {
    std::size_t bytes = sizeof(Screen) + m_partial.capacity() + m_marks.size() * 128;
    for (const Grid* grid : {&m_primary, static_cast<const Grid*>(m_alternate.get())}) {
        if (grid == nullptr) continue;
        for (int y = 0; y < m_rows; ++y) bytes += sizeof(Row) + grid->row(y).cells.capacity() * sizeof(Cell);
    }
    return bytes;
}

}  // namespace sekisho::terminal
