#include "terminal/command_reader.h"

#include <algorithm>
#include <utility>

namespace sekisho::terminal {

namespace {

constexpr std::size_t kEnteredMost = 64;
constexpr std::size_t kTypedMost = 4096;
constexpr std::size_t kTextMost = 8192;
constexpr std::size_t kEscapeMost = 32;
constexpr std::size_t kLookedThrough = 8 * 1024;  // of one piece, where only what was typed ahead is waited for
constexpr int kPastedRowsMost = 100;

bool blank(std::string_view text) { return text.find_first_not_of(' ') == std::string_view::npos; }

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

/// The line that the cursor is in, up to the cursor.
std::string before_cursor(const Screen& screen) {
    const auto [first, last] = screen.line_of(screen.cursor_row());
    std::string out;
    for (int y = first; y < screen.cursor_row(); ++y) out += screen.text(y, 0, screen.columns());
    return out + screen.text(screen.cursor_row(), 0, screen.cursor_column());
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
    if (m_entered.empty()) line.prompt = before_cursor(screen);
    line.right = trimmed(screen.text(screen.cursor_row(), screen.cursor_column(), screen.columns()));
    m_line = std::move(line);
}

void CommandReader::enter(const Screen& screen, std::uint64_t time_us) {
    if (!m_line) return;  // an empty line
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
        if (whole.starts_with(line.prompt)) {
            whole.erase(0, line.prompt.size());
            return true;
        }
        if (whole != without_end(line.prompt)) return false;
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
    return text.substr(0, kTextMost);
}

void CommandReader::line_ends(const Screen& screen, std::vector<Command>& found) {
    if (screen.alternate()) {
        m_entered.clear();
        return;
    }
    if (!m_entered.empty()) {
        Line line = std::move(m_entered.front());
        m_entered.pop_front();
        std::string text = read(line, screen);
        if (text.empty()) text = line.at_enter;  // the prompt was painted anew
        if (!text.empty()) {
            m_ahead.clear();
            found.push_back({line.prompt, std::move(text), line.entered_us});
        } else if (!line.edited && !blank(line.typed) && blank(line.prompt) && m_ahead.size() < kEnteredMost) {
            m_ahead.push_back(std::move(line));
        }
        return;
    }
    // Typed before there was a prompt: the shell shows it again behind one.
    const std::string whole = screen.line_text(screen.cursor_row());
    const std::string_view wanted = trimmed(m_ahead.front().typed);
    if (!whole.ends_with(wanted)) return;
    const std::string_view prompt = std::string_view(whole).substr(0, whole.size() - wanted.size());
    if (blank(prompt)) return;
    found.push_back({std::string(prompt), std::string(wanted), m_ahead.front().entered_us});
    m_ahead.pop_front();
}

}  // namespace sekisho::terminal
