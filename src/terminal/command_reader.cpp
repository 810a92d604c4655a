#include "terminal/command_reader.h"

#include <algorithm>
#include <utility>

#include "terminal/shown_line.h"

namespace sekisho::terminal {

namespace {

constexpr std::size_t kEnteredMost = 64;
constexpr std::size_t kTypedMost = 4096;
constexpr std::size_t kTextMost = 8192;
constexpr std::size_t kEscapeMost = 32;
constexpr std::size_t kLookedThrough = 8 * 1024;  // of one piece, where only what was typed ahead is waited for
constexpr int kPastedRowsMost = 100;

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::string_view without_end(std::string_view text) { return text.substr(0, text.find_last_not_of(' ') + 1); }

/// What programs show instead of a password.
bool masked(std::string_view text) {
    std::string_view rest = text;
    while (!rest.empty()) {
        if (rest.starts_with("*")) {
            rest.remove_prefix(1);
        } else if (rest.starts_with("\u2022") || rest.starts_with("\u25cf")) {
            rest.remove_prefix(3);
        } else {
            return false;
        }
    }
    return true;
}

/// A sequence that terminals send by themselves: answers to questions, focus, the mouse.
bool no_key(std::string_view sequence) {
    if (sequence.size() < 3) return false;
    if (sequence[1] == 'P' || sequence[1] == ']' || sequence[1] == '_') return true;
    if (sequence[1] != '[') return false;
    return std::string_view("RcnytIOMm").find(sequence.back()) != std::string_view::npos;
}

/// A sequence is whole with this byte.
bool ends_sequence(std::string_view sequence) {
    if (sequence.size() < 2) return false;
    const char kind = sequence[1];
    const char last = sequence.back();
    if (kind == '[') return sequence.size() > 2 && last >= 0x40 && last <= 0x7e;
    if (kind == 'O') return sequence.size() > 2;
    if (kind == 'P' || kind == ']' || kind == '_') return last == '\a' || sequence.ends_with("\x1b\\");
    return true;
}

}  // namespace

void CommandReader::typed(BytesView input, const Screen& screen, std::uint64_t time_us) {
    if (screen.alternate()) {
        m_line.reset();
        m_escape.clear();
        return;
    }
    for (const std::byte b : input) {
        const char c = static_cast<char>(b);
        if (m_escape.empty() && c != '\x1b') {
            key(c, screen, time_us);
            continue;
        }
        m_escape += c;
        if (!ends_sequence(m_escape)) {
            if (m_escape.size() > kEscapeMost) m_escape.clear();
            continue;
        }
        const std::string sequence = std::exchange(m_escape, {});
        if (no_key(sequence)) continue;
        if (!m_line) begin(screen);
        find_late_prompt(screen);
        if (sequence == "\x1b[200~") {
            m_pasting = true;
        } else if (sequence == "\x1b[201~") {
            m_pasting = false;
        } else {
            m_line->edited = true;
        }
    }
}

void CommandReader::key(char c, const Screen& screen, std::uint64_t time_us) {
    const bool line_end = c == '\r' || c == '\n';
    if (line_end && !m_pasting) return enter(screen, time_us);
    if (c == '\x03' || c == '\x1c') {  // interrupt: the line is given up
        m_line.reset();
        m_ahead.clear();
        m_pasting = false;
        return;
    }
    if (!m_line) begin(screen);
    find_late_prompt(screen);
    if (line_end) {
        m_line->pasted = true;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || m_line->typed.size() >= kTypedMost) {
        m_line->edited = true;
    } else {
        m_line->typed += c;
    }
}

void CommandReader::begin(const Screen& screen) {
    Line line;
    // Where the line before is not over yet, no prompt is there.
    if (m_entered.empty()) line.prompt = line.before = screen.before_cursor();
    line.right = trimmed(screen.text(screen.cursor_row(), screen.cursor_column(), screen.columns()));
    m_line = std::move(line);
}

/// It was begun before there was a prompt, and stands behind one now, perhaps for the second time: the terminal itself showed it first.
void CommandReader::find_prompt(Line& line, std::string_view shown) const {
    if (!blank(line.prompt)) return;
    if (line.edited) {  // only the prompt that is known can tell
        const std::size_t known = blank(m_prompt) ? std::string::npos : shown.rfind(m_prompt);
        if (known == std::string::npos) return;
        line.before = shown.substr(0, known + m_prompt.size());
        line.prompt = m_prompt;
        return;
    }
    const auto begin = blank(line.typed) ? std::nullopt : begin_of(shown, line.typed);
    if (!begin || blank(shown.substr(0, *begin))) return;
    line.before = shown.substr(0, *begin);
    line.prompt = line.before;
    if (!blank(m_prompt) && line.before.ends_with(m_prompt)) {
        line.prompt = m_prompt;
    } else if (const auto end = end_of(line.before, line.typed); end && !blank(line.before.substr(*end))) {
        line.prompt = line.before.substr(*end);
    }
}

void CommandReader::find_late_prompt(const Screen& screen) {
    const bool next = m_entered.empty() && m_ahead.empty();  // to be shown
    if (next && blank(m_line->prompt)) find_prompt(*m_line, screen.before_cursor());
}

void CommandReader::enter(const Screen& screen, std::uint64_t time_us) {
    if (!m_line) return;  // an empty line
    find_late_prompt(screen);
    m_line->entered_us = time_us;
    m_line->at_enter = read(*m_line, screen);
    if (m_entered.size() < kEnteredMost) m_entered.push_back(std::move(*m_line));
    m_line.reset();
}

void CommandReader::shown(BytesView output, Screen& screen, std::vector<Command>& found) {
    while (waiting() && !output.empty()) {
        if (m_entered.empty() && output.size() > kLookedThrough) break;
        const auto line = std::ranges::find(output, std::byte{'\n'});
        const auto size = static_cast<std::size_t>(line - output.begin());
        screen.feed(output.first(size));
        if (size == output.size()) return;
        line_ends(screen, found);
        screen.feed(output.subspan(size, 1));
        output = output.subspan(size + 1);
    }
    screen.feed(output);
}

// What stands behind the prompt.
std::string CommandReader::read(const Line& line, const Screen& screen) {
    if (blank(line.prompt)) return {};
    std::string text = screen.line_text(screen.cursor_row());
    const auto strip = [&](std::string& whole) {
        if (whole.starts_with(line.before)) {
            whole.erase(0, line.before.size());
            return true;
        }
        if (whole != without_end(line.before)) return false;
        whole.clear();
        return true;
    };
    bool stripped = strip(text);
    if (!stripped && line.pasted) {  // its first line is further up
        std::string lines = text;
        int y = screen.line_of(screen.cursor_row()).first - 1;
        for (int left = kPastedRowsMost; y >= 0 && left > 0 && !stripped; --left) {
            std::string above = screen.line_text(y);
            stripped = strip(above);
            lines = above + "\n" + lines;
            y = screen.line_of(y).first - 1;
        }
        if (stripped) text = std::move(lines);
    }
    if (!stripped) return {};
    if (!line.right.empty() && text.ends_with(line.right)) text.resize(text.size() - line.right.size());
    text = trimmed(text);
    if (masked(text)) text.clear();
    if (!line.edited && !line.pasted && !line.typed.empty() && end_of(text, line.typed) == text.size()) text = trimmed(line.typed);
    return text.substr(0, kTextMost);
}

void CommandReader::line_ends(const Screen& screen, std::vector<Command>& found) {
    if (screen.alternate()) {
        m_entered.clear();
        return;
    }
    const std::string shown = screen.line_text(screen.cursor_row());
    if (!m_ahead.empty() && (m_entered.empty() || blank(m_entered.front().prompt))) {
        find_prompt(m_ahead.front(), shown);
        if (!blank(m_ahead.front().prompt)) {
            const Line line = std::move(m_ahead.front());
            m_ahead.pop_front();
            return find(line, read(line, screen), found);
        }
    }
    if (m_entered.empty()) return;
    Line line = std::move(m_entered.front());
    m_entered.pop_front();
    find_prompt(line, shown);
    if (!blank(line.prompt)) {
        std::string text = read(line, screen);
        if (text.empty()) text = line.at_enter;  // the prompt was painted anew
        if (text.empty()) return;
        m_ahead.clear();
        find(line, std::move(text), found);
    } else if ((line.edited || !blank(line.typed)) && m_ahead.size() < kEnteredMost) {
        m_ahead.push_back(std::move(line));
    }
}

void CommandReader::find(const Line& line, std::string text, std::vector<Command>& found) {
    m_prompt = line.prompt;
    if (!text.empty()) found.push_back({line.prompt, std::move(text), line.entered_us});
}

}  // namespace sekisho::terminal
