#include "notify/one_line.h"

#include <cstdint>

namespace sekisho::notify {
namespace {

constexpr std::string_view kMore = "\xe2\x80\xa6";  // …

unsigned byte(std::string_view text, std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; }

std::uint32_t code_point(std::string_view character) {
    const unsigned first = byte(character, 0);
    if (character.size() == 1) return first;
    std::uint32_t code = first & (0xffU >> (character.size() + 1));
    for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(character, i) & 0x3fU);
    return code;
}

bool harmful(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029  // line ends
           || code == 0x061c || code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);  // direction
}

}  // namespace

std::size_t character_bytes(std::string_view text) {
    const unsigned first = byte(text, 0);
    if (text.empty()) return 0;
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(text, i) & 0xc0U) != 0x80U) return 0;
    }
    const std::uint32_t code = code_point(text.substr(0, size));
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool no_character = (code >= 0xd800 && code < 0xe000) || code > 0x10ffff;
    return overlong || no_character ? 0 : size;
}

std::string one_line(std::string_view text, std::size_t most) {
    std::string out;
    std::size_t room = 0;  // up to where `out` has room for the sign that something is missing
    while (!text.empty()) {
        const std::size_t size = character_bytes(text);
        const std::string_view character = text.substr(0, size == 0 ? 1 : size);
        text.remove_prefix(character.size());
        if (size == 0)
            out += '?';
        else if (harmful(code_point(character)))
            out += '_';
        else
            out += character;
        if (out.size() > most) {
            out.resize(room);
            return out += kMore;
        }
        if (out.size() + kMore.size() <= most) room = out.size();
    }
    return out;
}

}  // namespace sekisho::notify
