#include "model/pattern.h"

#include <algorithm>

namespace sekisho::model {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool mark(char c) { return c == '-' || c == '_' || c == '.'; }

bool is_lower_name(std::string_view text, std::size_t most, bool may_start_with_digit) {
    if (text.empty() || text.size() > most) return false;
    if (!lower(text[0]) && !(may_start_with_digit && digit(text[0]))) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return lower(c) || digit(c) || mark(c); });
}

/// No shell reads this as the end of a command or the beginning of anything but more of its words.
bool only_makes_words(char c) {
    constexpr std::string_view kMarks = " '_-./:,@%+=~";
    return lower(c) || (c >= 'A' && c <= 'Z') || digit(c) || (static_cast<unsigned char>(c) & 0x80) != 0 ||
           kMarks.find(c) != std::string_view::npos;
}

/// `stands`: may a wildcard stand for this character?
template <class Stands>
bool matches(std::string_view pattern, std::string_view text, Stands stands) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;  // the last '*' seen, and where its text began
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.size() && (pattern[p] == '?' ? stands(text[t]) : pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos && stands(text[star_text])) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

}  // namespace

bool is_user_name(std::string_view text) { return is_lower_name(text, 64, false); }
bool is_group_name(std::string_view text) { return is_lower_name(text, 64, false); }
bool is_target_name(std::string_view text) { return is_lower_name(text, 128, true); }
bool is_label_name(std::string_view text) { return is_lower_name(text, 64, false); }

bool is_login(std::string_view text) {
    constexpr std::string_view kRefused = "@%#:/\"'`*?,;{}";
    if (text.empty() || text.size() > 64 || text[0] == '-') return false;
    return std::all_of(
        text.begin(), text.end(), [&](char c) { return c > ' ' && c < 0x7f && kRefused.find(c) == std::string_view::npos; });
}

bool is_variable_name(std::string_view text) {
    if (text.empty() || text.size() > 128 || digit(text[0])) return false;
    return std::all_of(
        text.begin(), text.end(), [](char c) { return lower(c) || (c >= 'A' && c <= 'Z') || digit(c) || c == '_'; });
}

bool is_path_pattern(std::string_view text) {
    const bool control = std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
    if (!text.starts_with('/') || text.size() > 1024 || control) return false;
    if (text.ends_with("/**")) text.remove_suffix(3);
    while (!text.empty()) {
        text.remove_prefix(1);
        const std::string_view name = text.substr(0, text.find('/'));
        if (name.empty() || name == "." || name == ".." || name.find("**") != std::string_view::npos) return false;
        text.remove_prefix(name.size());
    }
    return true;
}

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?") != std::string_view::npos; }

bool matches_pattern(std::string_view pattern, std::string_view text) {
    return matches(pattern, text, [](char) { return true; });
}

bool matches_command(std::string_view pattern, std::string_view command) {
    return matches(pattern, command, only_makes_words);
}

}  // namespace sekisho::model
