#include "base/toml_header.h"

namespace sekisho::base {
namespace {

std::string_view without_blanks(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

bool begins_a_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '"' || c == '\'';
}

bool nameless(std::string_view line) {
    line = without_blanks(line);
    if (!line.starts_with('[')) return false;
    line = without_blanks(line.substr(1));
    if (line.starts_with('[')) line = without_blanks(line.substr(1));
    return line.empty() || !(begins_a_name(line.front()) || line.front() == ']');
}

}  // namespace

std::optional<unsigned> nameless_table_line(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // byte order mark
    for (unsigned number = 1;; ++number) {
        const std::size_t end = text.find('\n');
        if (nameless(text.substr(0, end))) return number;
        if (end == std::string_view::npos) return std::nullopt;
        text.remove_prefix(end + 1);
    }
}

}  // namespace sekisho::base
