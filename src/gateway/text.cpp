#include "gateway/text.h"

#include <algorithm>

namespace sekisho::gateway {

std::string shown(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    std::ranges::replace_if(out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
    if (text.size() > most) out += "...";
    return out;
}

std::string shown_lines(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    std::erase(out, '\r');
    std::ranges::replace_if(out, [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7f; }, '?');
    if (text.size() > most) out += "...";
    return out;
}

std::string for_terminal(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 16);
    for (const char c : text) {
        if (c == '\n' && (out.empty() || out.back() != '\r')) out += '\r';
        out += c;
    }
    return out;
}

}  // namespace sekisho::gateway
