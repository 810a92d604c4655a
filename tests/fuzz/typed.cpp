// What a user types and a target shows, in any order: no key is lost or told twice, control keys are never hidden, and commands stay
// within their bounds. 0xff begins what is typed, 0xfe what is shown.
#include <algorithm>
#include <cstdlib>

#include "terminal/command_reader.h"
#include "terminal/echo_watch.h"

namespace {

using namespace sekisho;

void expect(bool holds) {
    if (!holds) std::abort();
}

struct Told {
    std::size_t bytes = 0;
    std::size_t controls = 0;

    static std::size_t controls_in(std::string_view text) {
        std::size_t count = 0;
        for (const char c : text) count += c == '\r' || c == '\n' ? 1 : 0;
        return count;
    }
    void take(terminal::EchoWatch& watch) {
        for (const auto& one : watch.take()) {
            expect(one.bytes.empty() || one.hidden == 0);
            bytes += one.bytes.size() + one.hidden;
            controls += controls_in(one.bytes);
        }
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 1 << 15) return 0;
    terminal::Screen screen(40, 8);
    terminal::EchoWatch watch;
    terminal::CommandReader reader;
    std::vector<terminal::CommandReader::Command> found;
    Told told;
    std::size_t typed = 0;
    std::size_t controls = 0;
    bool pasted = false;  // line feeds of what is pasted are text
    std::uint64_t time_us = 0;
    const auto feed = [&](BytesView output) {
        std::vector<terminal::CommandReader::Command> some;
        reader.shown(output, screen, some);
        for (auto& one : some) found.push_back(std::move(one));
    };
    for (std::size_t i = 0; i < size;) {
        const bool types = data[i] == 0xff;
        if (data[i] >= 0xfe) ++i;
        std::size_t end = i;
        while (end < size && data[end] < 0xfe) ++end;
        const BytesView piece(reinterpret_cast<const std::byte*>(data) + i, end - i);
        i = end;
        if (types) {
            const std::string_view text = base::text_view(piece);
            typed += piece.size();
            controls += Told::controls_in(text);
            pasted = pasted || text.find('\x1b') != std::string_view::npos;
            reader.typed(piece, screen, ++time_us);
            watch.typed(piece, screen, time_us);
        } else {
            BytesView rest = piece;
            while (watch.waits_for_line()) {
                const auto line = static_cast<std::size_t>(std::ranges::find(rest, std::byte{'\n'}) - rest.begin());
                if (line == rest.size()) break;
                feed(rest.first(line));
                watch.shown(screen, true);
                feed(rest.subspan(line, 1));
                rest = rest.subspan(line + 1);
            }
            feed(rest);
            watch.shown(screen, false);
        }
        told.take(watch);
        expect(told.bytes <= typed);
    }
    watch.finish();
    told.take(watch);
    expect(told.bytes == typed);
    expect(pasted || told.controls == controls);
    for (const auto& one : found) expect(!one.text.empty() && one.text.size() <= 16 * 1024);
    return 0;
}
