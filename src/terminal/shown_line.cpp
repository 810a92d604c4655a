#include "terminal/shown_line.h"

namespace sekisho::terminal {

std::optional<std::size_t> begin_of(std::string_view line, std::string_view typed) {
    std::size_t at = line.size();
    for (; !blank(typed); typed.remove_suffix(1)) {
        if (typed.back() == ' ') continue;
        while (at > 0 && line[at - 1] == ' ') --at;
        if (at == 0 || line[at - 1] != typed.back()) return std::nullopt;
        --at;
    }
    return at;
}

std::optional<std::size_t> end_of(std::string_view line, std::string_view typed) {
    std::size_t at = 0;
    for (const char c : typed) {
        if (c == ' ') continue;
        while (at < line.size() && line[at] == ' ') ++at;
        if (at == line.size() || line[at] != c) return std::nullopt;
        ++at;
    }
    return at;
}

}  // namespace sekisho::terminal
