// SGR: how characters are drawn from here on (ECMA-48 §8.3.117, and what xterm adds: 256 colours, RGB, kinds of underline).
#include <algorithm>

#include "terminal/screen.h"

namespace sekisho::terminal {

void Screen::rendition(std::span<const Param> params) {
    if (params.empty()) {
        m_pen = {};
        return;
    }
    std::uint16_t& attributes = m_pen.attributes;
    const auto put = [&](int added, int removed) {
        attributes = static_cast<std::uint16_t>((attributes & ~removed) | added);
    };
    for (std::size_t i = 0; i < params.size();) {
        // A parameter with its parts: those behind colons.
        const int what = std::max(params[i].value, 0);
        std::size_t parts = 1;
        while (i + parts < params.size() && params[i + parts].part) ++parts;
        const std::span<const Param> one = params.subspan(i, parts);
        i += parts;
        if (what == 38 || what == 48 || what == 58) {
            // 38:5:n, 38:2:r:g:b, 38:2::r:g:b, and the older 38;5;n and 38;2;r;g;b
            std::array<int, 5> values{};
            std::size_t count = 0;
            if (parts > 1) {
                for (const Param& part : one.subspan(1)) {
                    if (count < values.size()) values[count++] = std::max(part.value, 0);
                }
                if (values[0] == 2 && count == 5) std::copy(values.begin() + 2, values.end(), values.begin() + 1);
            } else {
                const int kind = i < params.size() ? params[i].value : 0;
                const std::size_t wanted = kind == 5 ? 2 : kind == 2 ? 4 : 1;
                while (count < wanted && i < params.size()) values[count++] = std::max(params[i++].value, 0);
            }
            Color color = 0;
            if (values[0] == 5) {
                color = kIndexed | static_cast<Color>(values[1] & 0xff);
            } else if (values[0] == 2) {
                color = kRgb | static_cast<Color>((values[1] & 0xff) << 16 | (values[2] & 0xff) << 8 | (values[3] & 0xff));
            } else {
                continue;
            }
            if (what == 38) m_pen.foreground = color;
            if (what == 48) m_pen.background = color;
            continue;
        }
        switch (what) {
            case 0: m_pen = {}; break;
            case 1: put(kBold, 0); break;
            case 2: put(kFaint, 0); break;
            case 3: put(kItalic, 0); break;
            case 4: {
                const int kind = parts > 1 ? one[1].value : 1;
                put(kind == 0 ? 0 : kind == 2 ? kDoubleUnderline : kind >= 3 ? kCurlyUnderline : kUnderline, kUnderlines);
                break;
            }
            case 5:
            case 6: put(kBlink, 0); break;
            case 7: put(kReverse, 0); break;
            case 8: put(kConcealed, 0); break;
            case 9: put(kStruck, 0); break;
            case 21: put(kDoubleUnderline, kUnderlines); break;
            case 22: put(0, kBold | kFaint); break;
            case 23: put(0, kItalic); break;
            case 24: put(0, kUnderlines); break;
            case 25: put(0, kBlink); break;
            case 27: put(0, kReverse); break;
            case 28: put(0, kConcealed); break;
            case 29: put(0, kStruck); break;
            case 39: m_pen.foreground = 0; break;
            case 49: m_pen.background = 0; break;
            case 53: put(kOverline, 0); break;
            case 55: put(0, kOverline); break;
            default:
                if (what >= 30 && what <= 37) m_pen.foreground = kIndexed | static_cast<Color>(what - 30);
                if (what >= 40 && what <= 47) m_pen.background = kIndexed | static_cast<Color>(what - 40);
                if (what >= 90 && what <= 97) m_pen.foreground = kIndexed | static_cast<Color>(what - 90 + 8);
                if (what >= 100 && what <= 107) m_pen.background = kIndexed | static_cast<Color>(what - 100 + 8);
        }
    }
}

}  // namespace sekisho::terminal
