#include "terminal/echo_watch.h"

#include <algorithm>
#include <utility>

namespace sekisho::terminal {

namespace {

constexpr std::size_t kHeldMost = 4096;  // no password is longer; what is, was pasted
constexpr std::size_t kEscapeMost = 1024;

bool mask(std::string_view text) {
    std::size_t marks = 0;
    while (!text.empty()) {
        const std::size_t size = text.front() == '*' ? 1 : text.starts_with("\u2022") || text.starts_with("\u25cf") ? 3 : 0;
        if (size == 0) return false;
        text.remove_prefix(size);
        ++marks;
    }
    return marks > 0;
}

bool sequence_ends(std::string_view sequence) {
    if (sequence.size() < 2) return false;
    if (sequence[1] == '[') return sequence.size() > 2 && sequence.back() >= 0x40 && sequence.back() <= 0x7e;
    if (sequence[1] == 'O') return sequence.size() > 2;
    // What a terminal answers by itself.
    if (sequence[1] == 'P' || sequence[1] == ']' || sequence[1] == '_')
        return sequence.back() == '\a' || sequence.ends_with("\x1b\\");
    return true;
}

}  // namespace

void EchoWatch::typed(BytesView input, const Screen& screen, std::uint64_t time_us) {
    // It answered the line before with something else than that line: that was not shown.
    while (m_enters != 0 && m_shown_since) decide(mostly_answered(screen));
    bool pressed = false;
    for (const std::byte b : input) {
        const char c = static_cast<char>(b);
        const auto u = static_cast<unsigned char>(c);
        if (!m_escape.empty() || c == '\x1b') {
            m_escape += c;
            if (!sequence_ends(m_escape) && m_escape.size() < kEscapeMost) continue;
            if (m_escape == "\x1b[200~") m_pasting = true;
            if (m_escape == "\x1b[201~") m_pasting = false;
            for (const char one : std::exchange(m_escape, {})) add(Kind::Key, one, time_us);
        } else if ((c == '\r' || c == '\n') && !m_pasting) {
            add(Kind::Enter, c, time_us);
            m_echoing = false;
            if (m_held == 0) m_answered = false;
        } else if (u < 0x20 || c == '\x7f') {
            add(m_pasting ? Kind::Text : Kind::Key, c, time_us);
        } else if (m_echoing) {
            add(Kind::Key, c, time_us);
        } else {
            if (m_held == 0) {
                watch_from(screen);
                if (m_open) begin_line(screen);
                if (!screen.alternate()) m_answered = false;
            }
            add(Kind::Text, c, time_us);
            pressed = true;
        }
    }
    if (pressed) ++m_pressed;
    if (m_held > kHeldMost) {
        while (!m_items.empty()) decide(true);
    }
}

void EchoWatch::add(Kind kind, char c, std::uint64_t time_us) {
    const bool decided = m_items.empty() && kind != Kind::Text;
    if (decided) {
        if (kind == Kind::Enter) m_open = true;
        if (m_decided.empty() || m_decided.back().time_us != time_us || m_decided.back().hidden != 0) {
            m_decided.push_back({{}, 0, time_us});
        }
        m_decided.back().bytes += c;
        return;
    }
    if (kind == Kind::Enter) ++m_enters;
    if (kind == Kind::Text) ++m_held;
    const bool more =
        !m_items.empty() && m_items.back().kind == kind && m_items.back().time_us == time_us && kind != Kind::Enter;
    if (!more) m_items.push_back({kind, {}, time_us});
    m_items.back().bytes += c;
}

/// What stands in front of the next Enter, and that.
void EchoWatch::decide(bool show) {
    Input hidden;
    bool entered = false;
    while (!m_items.empty()) {
        if (entered && m_items.front().kind == Kind::Text) break;
        Item item = std::move(m_items.front());
        m_items.pop_front();
        if (item.kind == Kind::Text) m_held -= item.bytes.size();
        if (item.kind == Kind::Text && !show) {
            if (hidden.hidden == 0) hidden.time_us = item.time_us;
            hidden.hidden += item.bytes.size();
            continue;
        }
        if (hidden.hidden != 0) m_decided.push_back(std::exchange(hidden, {}));
        m_decided.push_back({std::move(item.bytes), 0, item.time_us});
        if (item.kind != Kind::Enter) continue;
        --m_enters;
        entered = true;
    }
    if (hidden.hidden != 0) m_decided.push_back(hidden);
    m_shown_since = false;
    m_changes = 0;
    m_pressed = m_held == 0 ? 0 : 1;
}

/// What was not seen itself may have done something: then it is told.
bool EchoWatch::mostly_answered(const Screen& screen) const {
    if (screen.alternate()) return m_answered;
    return m_changes > 0 && m_changes * 2 >= m_pressed;
}

/// On the alternate screen others may write, too (a clock): there only the cursor and its line count.
EchoWatch::Look EchoWatch::look(const Screen& screen) {
    return {screen.cursor_column(), screen.cursor_row(),
        screen.alternate() ? screen.line_text(screen.cursor_row()) : screen.text()};
}

/// Where the next character would be shown.
void EchoWatch::watch_from(const Screen& screen) { m_from = m_seen = look(screen); }

/// The first undecided character stands where the cursor was.
bool EchoWatch::echoed(const Screen& screen, const Look& now) const {
    const std::string& typed = m_items.front().bytes;
    const bool same_row = now.y == m_from.y;
    if (same_row && now.x == m_from.x && now.text == m_from.text) return false;
    if (typed[0] == ' ') return same_row && now.x > m_from.x;  // what is empty looks like a space, too
    std::size_t size = 1;
    while (size < typed.size() && (static_cast<unsigned char>(typed[size]) & 0xc0) == 0x80) ++size;
    const int row = std::min(m_from.y, screen.rows() - 1);
    return screen.text(row, m_from.x, screen.columns()).starts_with(std::string_view(typed).substr(0, size));
}

/// What is undecided will be shown behind the line feed that comes next.
void EchoWatch::begin_line(const Screen& screen) {
    m_from = {0, std::min(screen.cursor_row() + 1, screen.rows() - 1), {}};
    m_seen = m_from;
}

void EchoWatch::shown(const Screen& screen, bool line_ends) {
    if (std::exchange(m_open, false) && line_ends) {
        if (m_held != 0) begin_line(screen);
        return;
    }
    if (m_held == 0) return;
    if (m_enters != 0) m_shown_since = true;
    const Look now = look(screen);
    const Look before = std::exchange(m_seen, now);
    const bool entered = m_enters != 0;
    if (echoed(screen, now)) {
        m_echoing = !entered;
        decide(true);
    } else if (!entered) {
        const bool forward = now.y == before.y && now.x > before.x;
        if (now == before || (forward && mask(screen.text(now.y, before.x, now.x)))) return;
        ++m_changes;
        if (!screen.alternate()) return;
        m_answered = true;
        decide(true);
    } else if (line_ends || (screen.alternate() && m_answered)) {
        decide(mostly_answered(screen));
    }
    if (m_held == 0 || !line_ends) return;
    begin_line(screen);
}

void EchoWatch::finish() {
    for (const char one : std::exchange(m_escape, {})) add(Kind::Key, one, m_items.empty() ? 0 : m_items.back().time_us);
    while (!m_items.empty()) decide(false);
}

}  // namespace sekisho::terminal
