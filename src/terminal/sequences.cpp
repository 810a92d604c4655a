// Control characters, escape sequences, control sequences and strings: taken apart here, carried out in operations.cpp.
#include <algorithm>

#include "terminal/screen.h"

namespace sekisho::terminal {

namespace {

constexpr std::size_t kParamsMost = 32;
constexpr int kValueMost = 99'999;
constexpr std::size_t kTitleMost = 256;

bool cancels(char c) { return c == '\x18' || c == '\x1a'; }

/// Bytes of the UTF-8 character that `text` begins with; 0: it begins with none.
std::size_t character_size(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (text.size() < size) return 0;
    const auto follows = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
    return std::ranges::all_of(text.substr(1, size - 1), follows) ? size : 0;
}

}  // namespace

void Screen::control(char c) {
    m_last = 0;
    switch (c) {
        case '\b':
            if (m_x > 0) --m_x;
            m_wraps = false;
            break;
        case '\t': tabulate(1); break;
        case '\n':
        case '\v':
        case '\f':
            if (mode(Mode::NewLine)) m_x = 0;
            m_wraps = false;
            line_feed();
            break;
        case '\r':
            m_x = 0;
            m_wraps = false;
            break;
        case '\x0e': m_charsets.left = 1; break;
        case '\x0f': m_charsets.left = 0; break;
        default: break;
    }
}

// `at` stands on an escape character. Nothing: the sequence is not whole.
const char* Screen::escape(const char* at, const char* end) {
    const char* next = at + 1;
    if (next == end) return nullptr;
    switch (*next) {
        case '[': return control_sequence(next + 1, end);
        case ']':
        case 'P':
        case 'X':
        case '^':
        case '_': return control_string(next + 1, end, next);
        default: break;
    }
    char between = 0;
    std::string controls;  // carried out before the sequence that they stand in
    const auto carry_out = [&] {
        for (const char inner : controls) control(inner);
        m_last = 0;
    };
    for (; next != end; ++next) {
        const char c = *next;
        if (c == '\x1b' || static_cast<unsigned char>(c) >= 0x7f) {  // it never ends, or is no sequence
            carry_out();
            return next;
        }
        if (cancels(c)) {
            carry_out();
            return next + 1;
        }
        if (c < 0x20) {
            controls += c;
            continue;
        }
        if (c < 0x30) {
            between = between == 0 ? c : '?';
            continue;
        }
        carry_out();
        escape_sequence(between, c);
        return next + 1;
    }
    return nullptr;
}

// ECMA-48 §5.6: ends with ST, in practice OSC also with BEL. Only titles are of interest.
const char* Screen::control_string(const char* at, const char* end, const char* kind) {
    for (const char* next = at; next != end; ++next) {
        if (cancels(*next)) {
            m_last = 0;
            return next + 1;
        }
        if (*kind == ']' && *next == '\a') {
            title_of({at, next});
            return next + 1;
        }
        if (*next != '\x1b') continue;
        if (next + 1 == end) return nullptr;
        m_last = 0;
        if (next[1] != '\\') return next;
        if (*kind == ']') title_of({at, next});
        return next + 2;
    }
    return nullptr;
}

void Screen::title_of(std::string_view text) {
    m_last = 0;
    if (!text.starts_with("0;") && !text.starts_with("2;")) return;
    m_title.clear();
    text = text.substr(2, kTitleMost);
    while (!text.empty()) {
        // Only whole characters: half of one would swallow what is written behind it.
        const std::size_t size = character_size(text);
        const auto first = static_cast<unsigned char>(text.front());
        if (size > 0 && first >= 0x20 && first != 0x7f) m_title += text.substr(0, size);
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
}

// `at` stands behind CSI.
const char* Screen::control_sequence(const char* at, const char* end) {
    std::array<Param, kParamsMost> params;
    std::size_t count = 0;
    bool open = false;  // a parameter has begun
    Csi csi;
    std::string controls;  // carried out before the sequence that they stand in
    const auto begin = [&](bool part) {
        if (count < kParamsMost) params[count++] = {-1, part};
        open = true;
    };
    for (; at != end; ++at) {
        const char c = *at;
        if (c >= '0' && c <= '9') {
            if (!open) begin(false);
            int& value = params[count - 1].value;
            value = std::min(std::max(value, 0) * 10 + (c - '0'), kValueMost);
        } else if (c == ';' || c == ':') {
            if (!open) begin(false);
            if (count == kParamsMost) continue;
            begin(c == ':');
        } else if (c >= '<' && c <= '?') {
            csi.leader = csi.leader == 0 && count == 0 ? c : '!';
        } else if (c >= 0x20 && c < 0x30) {
            csi.between = csi.between == 0 ? c : '?';
        } else if (c >= 0x40 && c < 0x7f) {
            for (const char inner : controls) control(inner);
            csi.last = c;
            csi.params = std::span(params).first(count);
            const char32_t last = m_last;
            m_last = 0;
            if (c == 'b' && csi.leader == 0 && csi.between == 0) m_last = last;
            dispatch(csi);
            return at + 1;
        } else if (cancels(c) || c == '\x1b' || static_cast<unsigned char>(c) >= 0x80) {
            for (const char inner : controls) control(inner);
            m_last = 0;
            return cancels(c) ? at + 1 : at;
        } else if (c != 0x7f) {
            controls += c;
        }
    }
    return nullptr;
}

void Screen::escape_sequence(char between, char last) {
    if (between >= '(' && between <= '+') {
        m_charsets.sets[static_cast<std::size_t>(between - '(')] = last == '0' ? Charset::Graphics : Charset::Ascii;
        return;
    }
    if (between == '#') {
        if (last == '8') align();
        return;
    }
    if (between != 0) return;
    switch (last) {
        case '7': save_cursor(); break;
        case '8': restore_cursor(); break;
        case '=': set(Mode::Keypad, true); break;
        case '>': set(Mode::Keypad, false); break;
        case 'D':
            m_wraps = false;
            line_feed();
            break;
        case 'E':
            m_x = 0;
            m_wraps = false;
            line_feed();
            break;
        case 'H': m_tabs[static_cast<std::size_t>(m_x)] = true; break;
        case 'M':
            m_wraps = false;
            reverse_line_feed();
            break;
        case 'c': reset(); break;
        case 'n': m_charsets.left = 2; break;
        case 'o': m_charsets.left = 3; break;
        default: break;
    }
}

void Screen::dispatch(const Csi& csi) {
    const int one = csi.at(0, 1);
    if (csi.between != 0) {
        if (csi.between == ' ' && csi.last == 'q') m_cursor_style = static_cast<std::uint8_t>(std::min(csi.at(0, 0), 6));
        if (csi.between == '!' && csi.last == 'p') soft_reset();
        return;
    }
    if (csi.leader == '?') {
        switch (csi.last) {
            case 'h': return modes(csi, true);
            case 'l': return modes(csi, false);
            case 'J': return erase_display(csi.at(0, 0));
            case 'K': return erase_line(csi.at(0, 0));
            default: return;
        }
    }
    if (csi.leader != 0) return;
    switch (csi.last) {
        case '@':
            here().insert(m_x, one, m_columns, background());
            m_wraps = false;
            break;
        case 'A': move_by(0, -one); break;
        case 'B':
        case 'e': move_by(0, one); break;
        case 'C':
        case 'a': move_by(one, 0); break;
        case 'D': move_by(-one, 0); break;
        case 'E':
            move_by(0, one);
            m_x = 0;
            break;
        case 'F':
            move_by(0, -one);
            m_x = 0;
            break;
        case 'G':
        case '`':
            m_x = std::min(one, m_columns) - 1;
            m_wraps = false;
            break;
        case 'H':
        case 'f': move_to(csi.at(1, 1) - 1, one - 1); break;
        case 'I': tabulate(one); break;
        case 'J': erase_display(csi.at(0, 0)); break;
        case 'K': erase_line(csi.at(0, 0)); break;
        case 'L': lines(-one); break;
        case 'M': lines(one); break;
        case 'P':
            here().remove(m_x, one, m_columns, background());
            m_wraps = false;
            break;
        case 'S': scroll(m_top, m_bottom, std::min(one, m_rows)); break;
        case 'T':
            if (csi.params.size() <= 1) scroll(m_top, m_bottom, -std::min(one, m_rows));
            break;
        case 'X':
            here().erase(m_x, std::min(m_x + one, m_columns), m_columns, background());
            m_wraps = false;
            break;
        case 'Z': tabulate(-one); break;
        case 'b': repeat(one); break;
        case 'd': move_to(m_x, one - 1); break;
        case 'g':
            if (csi.at(0, 0) == 0) m_tabs[static_cast<std::size_t>(m_x)] = false;
            if (csi.at(0, 0) == 3) m_tabs.assign(m_tabs.size(), false);
            break;
        case 'h': modes(csi, true); break;
        case 'l': modes(csi, false); break;
        case 'm': rendition(csi.params); break;
        case 'r': region(one, csi.at(1, m_rows)); break;
        case 's': save_cursor(); break;
        case 'u': restore_cursor(); break;
        default: break;
    }
}

}  // namespace sekisho::terminal
