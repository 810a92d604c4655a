#include "terminal/echo_watch.h"

#include <algorithm>
#include <utility>

#include "terminal/shown_line.h"

namespace sekisho::terminal {

namespace {

constexpr std::size_t kHeldMost = 4096;  // no password is longer; what is, was pasted
constexpr std::size_t kSequenceMost = 1024;
constexpr std::size_t kToldMost = 256;  // lines

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
    // It answered the line before with something else than that line.
    while (m_enters != 0 && m_shown_since) decide_line(screen);
    bool pressed = false;
    for (const std::byte b : input) {
        const char c = static_cast<char>(b);
        const auto u = static_cast<unsigned char>(c);
        if (!m_escape.empty() || c == '\x1b') {
            m_escape += c;
            if (!sequence_ends(m_escape) && m_escape.size() < kSequenceMost) continue;
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
        while (!m_items.empty()) decide(Decision::Show);
    }
    if (m_told.size() > kToldMost) hide_ahead();
}

std::vector<EchoWatch::Input> EchoWatch::take() {
    std::vector<Input> out;
    for (; !m_told.empty() && m_told.front().ahead.empty(); m_told.pop_front()) {
        std::ranges::move(m_told.front().inputs, std::back_inserter(out));
    }
    return out;
}

void EchoWatch::add(Kind kind, char c, std::uint64_t time_us) {
    if (m_items.empty() && kind != Kind::Text) {
        if (kind == Kind::Enter) m_open = true;
        return tell(decided(), {kind, {c}, time_us}, true);
    }
    if (kind == Kind::Enter) ++m_enters;
    if (kind == Kind::Text) ++m_held;
    const bool more =
        !m_items.empty() && m_items.back().kind == kind && m_items.back().time_us == time_us && kind != Kind::Enter;
    if (!more) m_items.push_back({kind, {}, time_us});
    m_items.back().bytes += c;
}

void EchoWatch::tell(std::vector<Input>& inputs, const Item& item, bool show) {
    const bool more = !inputs.empty() && (inputs.back().hidden == 0) == show && (!show || inputs.back().time_us == item.time_us);
    if (!more) inputs.push_back({{}, 0, item.time_us});
    if (show) {
        inputs.back().bytes += item.bytes;
    } else {
        inputs.back().hidden += item.bytes.size();
    }
}

std::vector<EchoWatch::Input>& EchoWatch::decided() {
    if (m_told.empty() || !m_told.back().ahead.empty()) m_told.emplace_back();
    return m_told.back().inputs;
}

/// What stands in front of the next Enter, and that.
void EchoWatch::decide(Decision decision) {
    Told waits{{}, {}, front_line()};
    bool entered = false;
    while (!m_items.empty()) {
        if (entered && m_items.front().kind == Kind::Text) break;
        Item item = std::move(m_items.front());
        m_items.pop_front();
        if (item.kind == Kind::Text) m_held -= item.bytes.size();
        if (item.kind == Kind::Enter) {
            --m_enters;
            entered = true;
        }
        if (decision == Decision::Wait) {
            waits.ahead.push_back(std::move(item));
        } else {
            tell(decided(), item, item.kind != Kind::Text || decision == Decision::Show);
        }
    }
    if (!waits.ahead.empty()) {
        m_told.push_back(std::move(waits));
        ++m_ahead;
    }
    m_shown_since = false;
    m_changes = 0;
    m_pressed = m_held == 0 ? 0 : 1;
}

/// Its end is on the screen, or something else was shown instead.
void EchoWatch::decide_line(const Screen& screen) {
    if (mostly_answered(screen)) return decide(Decision::Show);
    decide(m_bare && !screen.alternate() ? Decision::Wait : Decision::Hide);
}

/// Empty: it has other keys, too.
std::string EchoWatch::front_line() const {
    std::string text;
    for (const Item& item : m_items) {
        if (item.kind == Kind::Enter) break;
        if (item.kind == Kind::Key) return {};
        text += item.bytes;
    }
    return text;
}

void EchoWatch::decide_ahead(Told& told, bool show) {
    for (const Item& item : std::exchange(told.ahead, {})) tell(told.inputs, item, item.kind != Kind::Text || show);
    --m_ahead;
}

/// A line feed comes: behind a prompt stands, perhaps, what was typed before it was there.
void EchoWatch::look_for_ahead(const Screen& screen) {
    if (m_ahead == 0 || screen.alternate()) return;
    const std::string line = screen.line_text(screen.cursor_row());
    const auto waits = [](const Told& told) { return !told.ahead.empty(); };
    Told& first = *std::ranges::find_if(m_told, waits);
    if (!blank(first.typed) && begin_of(line, first.typed)) decide_ahead(first, true);
}

/// A line that was typed after them is shown, or there are too many.
void EchoWatch::hide_ahead() {
    for (Told& told : m_told) {
        if (!told.ahead.empty()) decide_ahead(told, false);
    }
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
void EchoWatch::watch_from(const Screen& screen) {
    m_from = m_seen = look(screen);
    m_bare = blank(screen.before_cursor());
}

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
    m_bare = true;
}

/// A full screen program ended, by the keys that came last.
void EchoWatch::left_alternate() {
    while (m_enters != 0) decide(m_answered ? Decision::Show : Decision::Hide);
    if (m_held != 0) decide(Decision::Show);
    m_answered = false;
}

void EchoWatch::shown(const Screen& screen, bool line_ends) {
    if (line_ends) look_for_ahead(screen);
    if (std::exchange(m_alternate, screen.alternate()) && !screen.alternate()) left_alternate();
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
        if (!m_bare) hide_ahead();
        decide(Decision::Show);
    } else if (!entered) {
        const bool forward = now.y == before.y && now.x > before.x;
        if (now == before || (forward && mask(screen.text(now.y, before.x, now.x)))) return;
        ++m_changes;
        if (!screen.alternate()) return;
        m_answered = true;
        decide(Decision::Show);
    } else if (line_ends || (screen.alternate() && m_answered)) {
        decide_line(screen);
    }
    if (m_held == 0 || !line_ends) return;
    begin_line(screen);
}

void EchoWatch::finish() {
    for (const char one : std::exchange(m_escape, {})) add(Kind::Key, one, m_items.empty() ? 0 : m_items.back().time_us);
    while (!m_items.empty()) decide(Decision::Hide);
    hide_ahead();
}

}  // namespace sekisho::terminal
