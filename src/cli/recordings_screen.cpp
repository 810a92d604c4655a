#include "cli/recordings_screen.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/recordings.h"
#include "recording/commands.h"

namespace sekisho::cli {

using namespace recording;

Result<std::chrono::microseconds> parse_position(const std::string& text) {
    constexpr double kMost = 1e9;  // seconds; no session lasts that long
    const auto wrong = [&] { return fail("not a time since the start: " + printable(text) + "; 83.5, 1:23 or 1:02:30"); };
    double seconds = 0;
    int parts = 0;
    for (std::size_t at = 0;; ++parts) {
        const std::size_t colon = text.find(':', at);
        const std::string part = text.substr(at, colon == std::string::npos ? colon : colon - at);
        const bool last = colon == std::string::npos;
        const std::string_view digits = last ? "0123456789." : "0123456789";
        if (part.empty() || part.size() > 16 || part.find_first_not_of(digits) != std::string::npos || parts > 2)
            return wrong();
        std::size_t used = 0;
        double value = 0;
        try {
            value = std::stod(part, &used);
        } catch (const std::exception&) {
            return wrong();
        }
        if (used != part.size() || (parts > 0 && value >= 60)) return wrong();
        seconds = seconds * 60 + value;
        if (last) break;
        at = colon + 1;
    }
    if (seconds > kMost) return wrong();
    return std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6 + 0.5));
}

int show_commands(
    const Context& context, const std::string& which, const std::string& key_file, const ScreenOptions& options, bool json) {
    auto reader = open_recording(context, which, key_file);
    if (!reader) return failed(reader.error());
    const auto commands = commands_of(*reader, options.channel);
    nlohmann::json all = nlohmann::json::array();
    std::vector<std::vector<std::string>> rows;
    for (const CommandEntry& entry : commands) {
        const WallTime time = reader->facts().started + entry.at;
        all.push_back({{"time", base::rfc3339(time)}, {"seconds", static_cast<double>(entry.at.count()) / 1e6},
            {"channel", entry.channel}, {"target", entry.target}, {"how", entry.typed ? "typed" : "exec"},
            {"text", entry.text}, {"prompt", entry.typed ? nlohmann::json(entry.prompt) : nlohmann::json(nullptr)}});
        rows.push_back({base::local_time(time, "%H:%M:%S"), fmt::format("{}", entry.channel), printable(entry.target),
            entry.typed ? "typed" : "exec", printable(entry.text)});
    }
    if (json) {
        print_line(all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        print_table({"TIME", "CHANNEL", "TARGET", "HOW", "COMMAND"}, rows);
    }
    return report(*reader);
}

int show_screen(
    const Context& context, const std::string& which, const std::string& key_file, const ScreenOptions& options, bool json) {
    const auto at = parse_position(options.at);
    if (!at) {
        failed(at.error());
        return kUsage;
    }
    auto reader = open_recording(context, which, key_file);
    if (!reader) return failed(reader.error());
    Screens screens(*reader, options.channel);
    screens.seek(*at);
    const Screens::Terminal* terminal = screens.last();
    if (terminal == nullptr) return failed("no terminal showed anything at that time");
    const terminal::Screen& screen = terminal->screen;
    if (!json) {
        const std::string text = screen.text();
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
            print_line(text.substr(begin, end - begin));
        }
        return kDone;
    }
    nlohmann::json lines = nlohmann::json::array();
    for (int y = 0; y < screen.rows(); ++y) lines.push_back(screen.row_text(y));
    const nlohmann::json all{{"channel", terminal->channel}, {"at_seconds", static_cast<double>(at->count()) / 1e6},
        {"terminal", terminal->name}, {"columns", screen.columns()}, {"rows", screen.rows()},
        {"cursor", {{"column", screen.cursor_column()}, {"row", screen.cursor_row()}, {"visible", screen.cursor_visible()}}},
        {"alternate", screen.alternate()}, {"title", screen.title()}, {"lines", lines}};
    print_line(all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return kDone;
}

}  // namespace sekisho::cli
