// Cell and Pen: one place of a screen, and how it is drawn. Sixteen bytes, because a screen has thousands and a gateway thousands of
// screens. Values; used by Grid and Screen.
#pragma once

#include <cstdint>

namespace sekisho::terminal {

/// 0: the terminal's own. Else kIndexed | index, or kRgb | 0xrrggbb.
using Color = std::uint32_t;
inline constexpr Color kIndexed = 1U << 24;
inline constexpr Color kRgb = 2U << 24;

enum Attribute : std::uint16_t {
    kBold = 1,
    kFaint = 2,
    kItalic = 4,
    kUnderline = 8,
    kDoubleUnderline = 16,
    kCurlyUnderline = 32,
    kBlink = 64,
    kReverse = 128,
    kConcealed = 256,
    kStruck = 512,
    kOverline = 1024,
    kWide = 1 << 14,  // of a cell, not of a pen: the character takes this cell and the next
    kSecond = 1 << 15  // the second half of a wide character
};
inline constexpr std::uint16_t kUnderlines = kUnderline | kDoubleUnderline | kCurlyUnderline;
inline constexpr std::uint16_t kOfCell = kWide | kSecond;

struct Pen {
    Color foreground = 0;
    Color background = 0;
    std::uint16_t attributes = 0;
    bool operator==(const Pen&) const = default;
};

struct Cell {
    char32_t glyph = U' ';
    Color foreground = 0;
    Color background = 0;
    std::uint16_t attributes = 0;
    std::uint16_t marks = 0;  // what joins the glyph: a number of the Screen's table, 0: nothing

    Cell() = default;
    Cell(char32_t c, const Pen& pen, std::uint16_t of_cell = 0)
        : glyph(c), foreground(pen.foreground), background(pen.background),
          attributes(static_cast<std::uint16_t>(pen.attributes | of_cell)) {}
    Pen pen() const { return {foreground, background, static_cast<std::uint16_t>(attributes & ~kOfCell)}; }
    bool second() const { return (attributes & kSecond) != 0; }
    bool wide() const { return (attributes & kWide) != 0; }
    bool operator==(const Cell&) const = default;
};
static_assert(sizeof(Cell) == 16);

/// What an erased place looks like.
inline Cell blank(Color background) { return Cell(U' ', Pen{0, background, 0}); }

}  // namespace sekisho::terminal
