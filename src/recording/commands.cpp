#include "recording/commands.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sekisho::recording {

namespace {

using nlohmann::json;

constexpr std::size_t kPromptMost = 1024;

std::string line_of(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

std::optional<CommandEntry> decode_command(const Event& event) {
    const json object = json::parse(base::text_view(event.bytes), nullptr, false);
    if (!object.is_object()) return std::nullopt;
    CommandEntry entry{.channel = event.channel, .at = event.at, .typed = true};
    const auto text = [&](const char* name) {
        const auto found = object.find(name);
        return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    entry.text = text("text");
    entry.prompt = text("prompt");
    const auto entered = object.find("entered_us");
    if (entered != object.end() && entered->is_number_unsigned() && entered->get<std::uint64_t>() <= format::kTimeMost) {
        entry.at = std::chrono::microseconds(entered->get<std::int64_t>());
    }
    return entry;
}

}  // namespace

std::string encode_command(const terminal::CommandReader::Command& command) {
    const std::string_view prompt = command.prompt;
    return line_of({{"text", command.text}, {"prompt", prompt.substr(prompt.size() - std::min(prompt.size(), kPromptMost))},
        {"entered_us", command.entered_us}});
}

std::vector<CommandEntry> commands_of(Reader& reader, std::optional<std::uint32_t> channel) {
    std::vector<CommandEntry> commands;
    std::map<std::uint32_t, std::string> targets;
    while (const auto event = reader.next()) {
        if (event->kind == Event::Kind::ChannelOpened) targets[event->channel] = event->target;
        if (channel && event->channel != *channel) continue;
        std::optional<CommandEntry> entry;
        if (event->kind == Event::Kind::Command) entry = decode_command(*event);
        if (event->kind == Event::Kind::Request && event->from_client && event->name == "exec") {
            entry = CommandEntry{.channel = event->channel, .at = event->at, .text = request_word(*event)};
        }
        if (!entry) continue;
        entry->target = targets[event->channel];
        commands.push_back(std::move(*entry));
    }
    std::ranges::stable_sort(commands, {}, &CommandEntry::at);
    return commands;
}

Result<void> export_commands(Reader& reader, const ExportOptions& options, const Sink& out) {
    for (const CommandEntry& entry : commands_of(reader, options.channel)) {
        const json line{{"time", base::rfc3339(reader.facts().started + entry.at)},
            {"seconds", static_cast<double>(entry.at.count()) / 1e6}, {"channel", entry.channel}, {"target", entry.target},
            {"how", entry.typed ? "typed" : "exec"}, {"text", entry.text},
            {"prompt", entry.typed ? json(entry.prompt) : json(nullptr)}};
        if (!out(line_of(line) + "\n")) return unwritten();
    }
    return {};
}

}  // namespace sekisho::recording
