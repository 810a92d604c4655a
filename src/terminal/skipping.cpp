// Output that nobody will ever see: lines that have left the top before the piece they came in ends. A log file of 100 MB is mostly
// that, and need not be drawn. `invisible` is exact: what it lets out changes nothing but the pen, which it follows.
#include <algorithm>
#include <cstring>

#include "terminal/screen.h"

namespace sekisho::terminal {

namespace {

/// Is a byte of text, or one of the controls that stay on their line (bell, backspace, tabulator, line feed, return).
bool harmless(unsigned char c) { return c >= 0x20 ? c != 0x7f : (0x2780U >> c & 1) != 0; }

const char* end_of_harmless(const char* at, const char* end) {
    constexpr std::ptrdiff_t kBlock = 64;
    while (end - at >= kBlock) {
        unsigned char bad = 0;
        for (std::ptrdiff_t i = 0; i < kBlock; ++i) {
            const auto c = static_cast<unsigned char>(at[i]);
            bad |=
                static_cast<unsigned char>((c < 0x20) & (c != '\n') & (c != '\r') & (c != '\t') & (c != '\b') & (c != '\a'));
            bad |= static_cast<unsigned char>(c == 0x7f);
        }
        if (bad != 0) break;
        at += kBlock;
    }
    while (at != end && harmless(static_cast<unsigned char>(*at))) ++at;
    return at;
}

/// The end of a sequence that changes only colours or its own line; nothing where it is none.
const char* end_of_local(const char* at, const char* end) {
    if (end - at < 3 || at[1] != '[') return nullptr;
    at += 2;
    while (at != end && ((*at >= '0' && *at <= '9') || *at == ';' || *at == ':')) ++at;
    return at != end && (*at == 'm' || *at == 'K') ? at + 1 : nullptr;
}

}  // namespace

// Only text, colours and erasing within the line may be left out, for all else changes what is seen later. What is left out ends with a
// line, and twice as many line feeds follow as the screen has rows: after the first half the cursor is in the last row wherever it was,
// after the second everything above has left.
Screen::Invisible Screen::invisible(BytesView output) {
    const std::string_view text = base::text_view(output);
    const char* const end = text.data() + text.size();
    const char* at = text.data();
    while (at != end) {
        at = end_of_harmless(at, end);
        const char* next = at == end || *at != '\x1b' ? nullptr : end_of_local(at, end);
        if (next == nullptr) break;
        at = next;
    }
    Invisible found{.skip = 0, .plain = static_cast<std::size_t>(at - text.data())};
    if (!m_partial.empty() || m_skipping != Skipping::Nothing || !whole_region() || on_scrolled || mode(Mode::Insert))
        return found;
    std::size_t from = found.plain;
    for (int left = 2 * m_rows + 1; left > 0; --left) {
        const void* line = from == 0 ? nullptr : ::memrchr(text.data(), '\n', from);
        if (line == nullptr) return found;
        from = static_cast<std::size_t>(static_cast<const char*>(line) - text.data());
    }
    if (from == 0 || text[from - 1] != '\r') return found;
    found.skip = from + 1;
    const char* const stop = text.data() + found.skip;
    for (at = text.data();
        (at = static_cast<const char*>(std::memchr(at, '\x1b', static_cast<std::size_t>(stop - at)))) != nullptr;) {
        const char* next = end_of_local(at, end);
        if (next[-1] == 'm') control_sequence(at + 2, end);
        at = next;
    }
    m_last = 0;
    m_wraps = false;
    m_x = 0;
    return found;
}

}  // namespace sekisho::terminal
