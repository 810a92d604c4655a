#include "base/toml_guard.h"

#include <algorithm>
#include <string>

namespace sekisho::base {
namespace {

constexpr std::string_view kNameless = "a table needs a name";
constexpr std::string_view kStray = "a letter beyond ASCII belongs between quotes";
constexpr std::string_view kQuoted = "a quotation mark stands inside a word";
constexpr std::string_view kEscaped = "a letter beyond ASCII cannot follow a backslash";

bool blank(char c) { return c == ' ' || c == '\t'; }
bool beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

bool begins_a_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '"' || c == '\'';
}

// Follows the text as the parser does, up to the first thing that the parser itself refuses; what comes after that is never read.
class Walk {
public:
    explicit Walk(std::string_view text) : m_rest(text) {
        if (m_rest.starts_with("\xef\xbb\xbf")) m_rest.remove_prefix(3);  // byte order mark
    }

    std::optional<TomlFault> fault() {
        bool line_begins = true;
        while (!m_rest.empty() && m_fault.empty()) {
            const char c = m_rest.front();
            if (line_begins && m_open.empty() && nameless()) {
                m_fault = kNameless;
            } else if (beyond_ascii(c)) {
                m_fault = kStray;
            } else if (c == '"' || c == '\'') {
                m_in_word ? void(m_fault = kQuoted) : string(c);
                m_in_word = true;  // whatever comes right behind it belongs to no other text
            } else if (c == '#') {
                comment();
            } else {
                step(c);
                skip(1);
            }
            line_begins = c == '\n';
        }
        if (m_fault.empty()) return std::nullopt;
        return TomlFault{m_line, m_fault};
    }

private:
    /// Where texts may begin. In a value that began without a quotation mark the parser takes one, or a bracket, for a part of it.
    void step(char c) {
        const bool value = m_in_value;
        if (c == '\n' || c == '\r' || blank(c)) {
            m_in_word = false;
            if (c == '\n' && m_open.empty()) m_in_value = false;
        } else if (c == ',') {
            m_in_word = false;
            m_in_value = !m_open.empty() && m_open.back() == '[';
        } else if (value && (c == ']' || c == '}')) {
            m_in_word = false;
            if (!m_open.empty()) m_open.pop_back();
        } else if (!value && c == '}') {  // an empty inline table
            m_in_word = false;
            if (!m_open.empty()) m_open.pop_back();
            m_in_value = true;
        } else if (!value && (c == '=' || c == '.' || c == '[' || c == ']')) {
            m_in_word = false;
            m_in_value = c == '=';
        } else if (value && !m_in_word && (c == '[' || c == '{')) {
            m_open += c;
            m_in_value = c == '[';
        } else {
            m_in_word = true;
        }
    }

    bool at(char c) const { return !m_rest.empty() && m_rest.front() == c; }

    void skip(std::size_t count) {
        for (const char c : m_rest.substr(0, count)) m_line += c == '\n' ? 1 : 0;
        m_rest.remove_prefix(std::min(count, m_rest.size()));
    }

    std::size_t quotes(char quote) const {
        const std::size_t end = m_rest.find_first_not_of(quote);
        return end == std::string_view::npos ? m_rest.size() : end;
    }

    bool nameless() const {
        std::string_view line = without_blanks(m_rest.substr(0, m_rest.find('\n')));
        if (!line.starts_with('[')) return false;
        line = without_blanks(line.substr(1));
        if (line.starts_with('[')) line = without_blanks(line.substr(1));
        return line.empty() || !(begins_a_name(line.front()) || line.front() == ']');
    }

    static std::string_view without_blanks(std::string_view text) {
        const std::size_t begin = text.find_first_not_of(" \t");
        return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
    }

    void comment() {
        const std::size_t end = m_rest.find('\n');
        m_rest.remove_prefix(end == std::string_view::npos ? m_rest.size() : end);
    }

    void string(char quote) {
        const bool many_lines = quotes(quote) >= 3;
        skip(many_lines ? 3 : 1);
        bool continued = false;  // a line ended with a backslash, and nothing but blanks came since
        while (!m_rest.empty() && m_fault.empty()) {
            const char c = m_rest.front();
            if (c == quote) {
                const std::size_t run = quotes(quote);
                // Two quotes may end the text of a string of many lines: """" and """"" are its end, too.
                skip(many_lines ? std::min<std::size_t>(run, 5) : 1);
                if (!many_lines || run >= 3) return;
                continued = false;
            } else if (c == '\n' && !many_lines) {
                return;  // the parser refuses it here
            } else if (c == '\\' && quote == '"') {
                skip(1);
                continued = many_lines && (at(' ') || at('\t') || at('\n') || at('\r'));
                if (!m_rest.empty() && beyond_ascii(m_rest.front())) m_fault = kEscaped;
                if (!continued && m_fault.empty()) skip(1);
            } else if (beyond_ascii(c) && continued) {
                m_fault = kEscaped;
            } else {
                continued = continued && (blank(c) || c == '\n' || c == '\r');
                skip(1);
            }
        }
    }

    std::string_view m_rest;
    unsigned m_line = 1;
    std::string m_open;  // brackets of values
    bool m_in_value = false;  // rather than in a key
    bool m_in_word = false;
    std::string_view m_fault;
};

}  // namespace

std::optional<TomlFault> toml_fault(std::string_view text) { return Walk(text).fault(); }

}  // namespace sekisho::base
