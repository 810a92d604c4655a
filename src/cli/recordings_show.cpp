// `sekisho recordings show`: one line for each channel of a recording, from its opening to its end.
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/recordings.h"
#include "recording/facts.h"
#include "recording/replay.h"

namespace sekisho::cli {

namespace {

using namespace recording;

constexpr std::size_t kCommandShown = 1000;  // characters of a command; the whole is in the recording

struct Channel {
    std::string type;
    std::string target;
    std::string destination;
    std::string level;
    std::string started;  // shell, exec or subsystem
    std::string command;  // of exec; name of a subsystem
    bool terminal = false;
    std::chrono::microseconds opened{};
    std::chrono::microseconds closed{};
    bool ended = false;
    std::array<std::uint64_t, 4> bytes{};  // by Stream
    std::string exit;
    nlohmann::json digests = nlohmann::json::array();  // of what was not kept
};

void take_request(Channel& channel, const Event& event) {
    if (event.from_client && (event.name == "shell" || event.name == "exec" || event.name == "subsystem")) {
        channel.started = event.name;
        channel.command = request_word(event).substr(0, kCommandShown);
    } else if (event.from_client && event.name == "pty-req") {
        channel.terminal = true;
    } else if (!event.from_client && (event.name == "exit-status" || event.name == "exit-signal")) {
        channel.exit = request_word(event);
    }
}

void take(Channel& channel, const Event& event) {
    switch (event.kind) {
        case Event::Kind::ChannelOpened:
            channel.type = event.name;
            channel.target = event.target;
            channel.destination = event.destination;
            channel.level = level_name(event.level);
            channel.opened = event.at;
            break;
        case Event::Kind::Request: take_request(channel, event); break;
        case Event::Kind::Data: channel.bytes[static_cast<std::size_t>(event.stream)] += event.bytes.size(); break;
        case Event::Kind::Counted:
            for (std::size_t i = 0; i < channel.bytes.size(); ++i) channel.bytes[i] += event.counts[i];
            break;
        case Event::Kind::Eof:
        case Event::Kind::FileOperation: break;
        case Event::Kind::ContentDigest: {
            auto digest = nlohmann::json::parse(base::text_view(event.bytes), nullptr, false);
            if (digest.is_object()) channel.digests.push_back(std::move(digest));
            break;
        }
        case Event::Kind::Command: break;
        case Event::Kind::InputHidden: channel.bytes[0] += event.counts[0]; break;
        case Event::Kind::ChannelClosed:
            channel.bytes = event.counts;
            channel.ended = true;
            break;
    }
    channel.closed = std::max(channel.closed, event.at);
}

double seconds(std::chrono::microseconds duration) { return static_cast<double>(duration.count()) / 1e6; }

nlohmann::json as_json(std::uint32_t number, const Channel& channel) {
    return {{"channel", number}, {"type", channel.type}, {"target", channel.target}, {"destination", channel.destination},
        {"level", channel.level}, {"started", channel.started}, {"command", channel.command}, {"terminal", channel.terminal},
        {"opened_seconds", seconds(channel.opened)}, {"duration_seconds", seconds(channel.closed - channel.opened)},
        {"ended", channel.ended}, {"exit", channel.exit}, {"digests", channel.digests},
        {"bytes", {{"input", channel.bytes[0]}, {"output", channel.bytes[1]}, {"stderr", channel.bytes[2]},
                      {"notice", channel.bytes[3]}}}};
}

}  // namespace

int show_recording(const Context& context, const std::string& which, const std::string& key_file, bool json) {
    auto reader = open_recording(context, which, key_file);
    if (!reader) return failed(reader.error());
    std::map<std::uint32_t, Channel> channels;
    while (const auto event = reader->next()) take(channels[event->channel], *event);
    nlohmann::json all = nlohmann::json::array();
    std::vector<std::vector<std::string>> rows;
    for (const auto& [number, channel] : channels) {
        if (json) {
            all.push_back(as_json(number, channel));
            continue;
        }
        std::string what = channel.started.empty() ? channel.type : channel.started;
        if (channel.terminal) what += " (terminal)";
        rows.push_back({fmt::format("{}", number), what, printable(channel.target),
            printable(channel.destination.empty() ? channel.command : channel.destination),
            fmt::format("{:.1f}", seconds(channel.closed - channel.opened)), fmt::format("{}", channel.bytes[0]),
            fmt::format("{}", channel.bytes[1] + channel.bytes[2]), printable(channel.exit)});
    }
    if (json) {
        print_line(all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
        print_table({"CHANNEL", "WHAT", "TARGET", "COMMAND OR DESTINATION", "SECONDS", "IN", "OUT", "EXIT"}, rows);
    }
    return report(*reader);
}

}  // namespace sekisho::cli
