#include "store/database.h"

namespace sekisho::store {
namespace {

/// Bytes of the well-formed UTF-8 sequence at the front (Unicode §3.9, table 3-7); 0 for none.
std::size_t sequence_size(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const auto next = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return next(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        return next(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && next(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        return next(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && next(2) && next(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string storable(std::string_view text, std::size_t most) {
    std::string out;
    while (!text.empty()) {
        if (out.size() >= most) return out + "…";
        const std::size_t size = sequence_size(text);
        if (size == 0 || text[0] == '\0') {
            out += "\xef\xbf\xbd";  // U+FFFD, the replacement character
            text.remove_prefix(1);
            continue;
        }
        out += text.substr(0, size);
        text.remove_prefix(size);
    }
    return out;
}

}  // namespace sekisho::store
