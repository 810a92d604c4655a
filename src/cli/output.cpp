// How commands speak (cli/command.h): tables, colours, text that cannot drive a terminal.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "cli/command.h"

namespace sekisho::cli {
namespace {

struct CodePoint {
    char32_t value = 0;
    std::size_t size = 1;  // bytes
};

CodePoint code_point(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    const unsigned first = byte(0);
    const std::size_t size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (size == 0 || size > text.size()) return {0xfffd, 1};
    char32_t value = size == 1 ? first : first & (0xffU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) return {0xfffd, 1};
        value = (value << 6) | (byte(i) & 0x3fU);
    }
    return {value, size};
}

/// East Asian wide and fullwidth blocks, and emoji (UAX #11); what a terminal shows in two columns.
bool is_wide(char32_t c) {
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0x303e) || (c >= 0x3041 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) ||
           (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
           (c >= 0x20000 && c <= 0x3fffd);
}

std::size_t columns(std::string_view text) {
    std::size_t count = 0;
    while (!text.empty()) {
        const CodePoint c = code_point(text);
        count += is_wide(c.value) ? 2 : 1;
        text.remove_prefix(c.size);
    }
    return count;
}

}  // namespace

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print_line(std::string_view text) {
    print(text);
    print("\n");
}

int failed(std::string_view text) {
    std::fflush(stdout);
    std::fputs(fmt::format("sekisho: {}\n", text).c_str(), stderr);
    return kFailed;
}

int failed(const Error& error) { return failed(error.full()); }

bool colours() {
    static const bool wanted = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    return wanted;
}

std::string styled(Style style, std::string_view text) {
    if (!colours() || style == Style::Plain) return std::string(text);
    const char* code = "0";
    switch (style) {
        case Style::Plain: break;
        case Style::Bold: code = "1"; break;
        case Style::Green: code = "32"; break;
        case Style::Yellow: code = "33"; break;
        case Style::Red: code = "31"; break;
        case Style::Dim: code = "2"; break;
    }
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const CodePoint c = code_point(text);
        // C0 and C1 controls, and marks that turn the direction of what follows.
        const bool control = c.value < 0x20 || (c.value >= 0x7f && c.value <= 0x9f) ||
                             (c.value >= 0x202a && c.value <= 0x202e) || (c.value >= 0x2066 && c.value <= 0x2069);
        if (control)
            out += fmt::format("\\x{:02x}", static_cast<unsigned>(c.value));
        else if (c.value == 0xfffd && c.size == 1)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
        else
            out += text.substr(0, c.size);
        text.remove_prefix(c.size);
    }
    return out;
}

void print_table(const std::vector<std::string>& heading, const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::vector<std::string>> lines{heading};
    for (const auto& row : rows) {
        lines.emplace_back();
        for (const std::string& cell : row) lines.back().push_back(printable(cell));
    }
    std::vector<std::size_t> widths(heading.size());
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], columns(line[i]));
    }
    for (std::size_t n = 0; n < lines.size(); ++n) {
        std::string text;
        for (std::size_t i = 0; i < lines[n].size(); ++i) {
            text += lines[n][i];
            if (i + 1 < lines[n].size()) text += std::string(widths[i] - columns(lines[n][i]) + 2, ' ');
        }
        print_line(styled(n == 0 ? Style::Bold : Style::Plain, text));
    }
}

std::string examples(const std::vector<std::string>& lines) {
    std::string text = "Examples:\n";
    for (const std::string& line : lines) text += "  " + line + "\n";
    return text;
}

std::string second(const std::string& rfc3339) { return rfc3339.size() > 19 ? rfc3339.substr(0, 19) + "Z" : rfc3339; }

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace sekisho::cli
