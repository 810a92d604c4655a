// Order: keys → search → screen.
#include "gateway/menu.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMostText = 100;
constexpr std::size_t kMostEscape = 16;
constexpr unsigned kMostColumns = 500, kMostRows = 200;
constexpr std::size_t kAround = 4;  // lines that are no places: title, search, a blank one, keys

struct Words {
    std::string_view title, search, keys, nothing, none_found, more;
};

constexpr Words kEnglish{"{} at the gateway: {} open", "Search: ", "Up/Down choose   Enter connects   Ctrl-C leaves",
    "No rule opens a target to you for a session now.", "Nothing is called that.", "... and more; name it: ssh gateway LOGIN@TARGET"};
constexpr Words kJapanese{"{} さん、関所へようこそ（行き先 {} 件）", "検索: ", "↑↓ 選ぶ   Enter 接続   Ctrl-C 終了",
    "いま入れる対象はありません。", "該当する行き先はありません。", "…ほかにもあります: ssh gateway ログイン名@対象"};

const Words& words(Menu::Language language) { return language == Menu::Language::Japanese ? kJapanese : kEnglish; }

struct Letter {
    std::string_view bytes;
    unsigned columns = 1;
};

/// Wide letters as terminals show them (Unicode TR 11, the blocks that are wide as a whole).
bool wide(char32_t c) {
    constexpr std::array<std::pair<char32_t, char32_t>, 9> kWide{{{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff},
        {0xfe30, 0xfe6f}, {0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}}};
    return std::ranges::any_of(kWide, [&](const auto& range) { return c >= range.first && c <= range.second; });
}

/// The first letter; what is no UTF-8, or no letter, as a question mark.
Letter first_letter(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) >= 0x20 && byte(0) < 0x7f) return {text.substr(0, 1), 1};
    const std::size_t size = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : byte(0) >= 0xc2 ? 2 : 1;
    if (size == 1 || size > text.size() || byte(0) > 0xf4) return {"?", 1};
    char32_t code = byte(0) & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {"?", 1};
        code = (code << 6) | (byte(i) & 0x3f);
    }
    if (code < 0xa0) return {text.substr(0, size), 0};  // C1 controls: counted, and left out below
    return {text.substr(0, size), wide(code) ? 2U : 1U};
}

std::size_t letter_size(std::string_view text) {
    const Letter letter = first_letter(text);
    return letter.bytes == "?" ? 1 : letter.bytes.size();
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

/// Every word of `text` occurs in `place`.
bool meets(std::string_view place, std::string_view text) {
    while (true) {
        const std::size_t begin = text.find_first_not_of(' ');
        if (begin == std::string_view::npos) return true;
        text.remove_prefix(begin);
        const std::size_t end = std::min(text.find(' '), text.size());
        if (place.find(text.substr(0, end)) == std::string_view::npos) return false;
        text.remove_prefix(end);
    }
}

}  // namespace

Menu::Menu(std::string user, std::vector<Item> items, bool more, Language language)
    : m_user(std::move(user)), m_items(std::move(items)), m_more(more), m_language(language) {
    search();
}

Menu::Language Menu::language_of(std::string_view locale) { return locale.starts_with("ja") ? Language::Japanese : Language::English; }

void Menu::resize(unsigned columns, unsigned rows) {
    // 0: the client does not know.
    m_columns = columns == 0 ? 80 : std::clamp(columns, 10U, kMostColumns);
    m_rows = rows == 0 ? 24 : std::clamp(rows, static_cast<unsigned>(kAround) + 1, kMostRows);
    move(0);
}

// --- keys ---

std::size_t Menu::type(std::string_view keys) {
    std::size_t taken = 0;
    while (taken < keys.size() && m_state == State::Open) {
        const char one = keys[taken++];
        if (!escape(one)) key(one);
    }
    return taken;
}

/// ESC [ A, ESC O A: what keys beside the letters send (ECMA-48, DEC). Unknown ones do nothing.
bool Menu::escape(char one) {
    if (m_escape.empty() && one != '\x1b') return false;
    m_escape += one;
    if (m_escape.size() < 3) {
        if (m_escape.size() == 2 && one != '[' && one != 'O') m_escape.clear();
        return true;
    }
    const bool final = one >= '@' && one <= '~';
    if (!final && m_escape.size() < kMostEscape) return true;
    const std::string sequence = std::exchange(m_escape, {}).substr(2);
    const auto page_by = static_cast<std::ptrdiff_t>(page());
    const auto all = static_cast<std::ptrdiff_t>(m_found.size());
    if (sequence == "A") move(-1);
    if (sequence == "B") move(1);
    if (sequence == "5~") move(-page_by);
    if (sequence == "6~") move(page_by);
    if (sequence == "H" || sequence == "1~") move(-all);
    if (sequence == "F" || sequence == "4~") move(all);
    return true;
}

void Menu::key(char one) {
    constexpr char kControlC = 3, kControlD = 4, kBackspace = 8, kControlN = 14, kControlP = 16, kControlU = 21, kDelete = 127;
    switch (one) {
        case kControlC: m_state = State::Left; return;
        case kControlD:
            if (m_text.empty()) m_state = State::Left;
            return;
        case '\r':
        case '\n':
            if (!m_found.empty()) m_state = State::Chosen;
            return;
        case kControlN: return move(1);
        case kControlP: return move(-1);
        case kControlU: m_text.clear(); return search();
        case kBackspace:
        case kDelete:
            while (!m_text.empty() && (static_cast<unsigned char>(m_text.back()) & 0xc0) == 0x80) m_text.pop_back();
            if (!m_text.empty()) m_text.pop_back();
            return search();
        default: break;
    }
    if (static_cast<unsigned char>(one) < 0x20 || m_text.size() >= kMostText) return;
    m_text += one;
    search();
}

void Menu::move(std::ptrdiff_t by) {
    const auto last = static_cast<std::ptrdiff_t>(m_found.size()) - 1;
    const auto to = std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(m_cursor) + by, 0, std::max<std::ptrdiff_t>(last, 0));
    m_cursor = static_cast<std::size_t>(to);
    m_top = std::min(m_top, m_cursor);
    if (m_cursor >= m_top + page()) m_top = m_cursor + 1 - page();
}

// --- search ---

void Menu::search() {
    m_found.clear();
    const std::string text = lower(m_text);
    for (std::size_t i = 0; i < m_items.size(); ++i) {
        const Item& item = m_items[i];
        if (meets(lower(item.login + "@" + item.target + " " + item.note), text)) m_found.push_back(i);
    }
    m_cursor = m_top = 0;
}

// --- screen ---

std::size_t Menu::page() const { return m_rows - kAround; }

/// As much of `text` as fits into a line, and nothing of what the terminal showed there before.
std::string Menu::line(std::string_view text) const {
    std::string out;
    unsigned used = 0;
    while (!text.empty()) {
        const Letter letter = first_letter(text);
        if (used + letter.columns > m_columns) break;
        if (letter.columns > 0) out += letter.bytes;
        used += letter.columns;
        text.remove_prefix(letter_size(text));
    }
    return out + "\x1b[K";
}

std::string Menu::screen() {
    const Words& say = words(m_language);
    std::string out = std::exchange(m_shown, true) ? "" : "\x1b[?1049h";
    out += "\x1b[?25l\x1b[H";
    out += line(fmt::format(fmt::runtime(say.title), m_user, m_items.size())) + "\r\n";
    out += "\r\n";
    std::size_t widest = 0;
    for (const std::size_t i : m_found) widest = std::max(widest, m_items[i].login.size() + m_items[i].target.size() + 1);
    for (std::size_t row = 0; row < page(); ++row) {
        const std::size_t at = m_top + row;
        if (at < m_found.size()) {
            const Item& item = m_items[m_found[at]];
            const std::string place = fmt::format("{}@{}", item.login, item.target);
            const std::string text = line(fmt::format("{} {:<{}}  {}", at == m_cursor ? ">" : " ", place, widest, item.note));
            out += at == m_cursor ? "\x1b[7m" + text + "\x1b[0m" : text;
        } else if (row == 0) {
            out += line(m_items.empty() ? say.nothing : say.none_found);
        } else {
            out += line(at == m_found.size() && m_more ? say.more : "");
        }
        out += "\r\n";
    }
    out += line(say.keys) + "\r\n";
    // Last, so that the cursor stands where letters appear.
    return out + line(std::string(say.search) + m_text) + "\x1b[?25h";
}

std::string Menu::closing() const { return m_shown ? "\x1b[?25h\x1b[?1049l" : ""; }

}  // namespace sekisho::gateway
