#include "recording/file_listing.h"

#include <nlohmann/json.hpp>

namespace sekisho::recording {

namespace {

using nlohmann::json;

std::string text_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

std::optional<FileEvent> FileEvents::next() {
    while (const auto event = m_reader.next()) {
        if (event->kind == Event::Kind::ChannelOpened) m_targets[event->channel] = event->target;
        if (event->kind == Event::Kind::ChannelClosed) m_targets.erase(event->channel);
        if (event->kind != Event::Kind::FileOperation || (m_channel && event->channel != *m_channel)) continue;
        const json object = json::parse(base::text_view(event->bytes), nullptr, false);
        if (!object.is_object()) continue;
        FileEvent read;
        read.channel = event->channel;
        read.at = event->at;
        read.target = m_targets[event->channel];
        read.json = object.dump(-1, ' ', false, json::error_handler_t::replace);
        read.operation = text_of(object, "operation");
        read.path = text_of(object, "path");
        read.other_path = text_of(object, "other_path");
        read.sha256 = text_of(object, "sha256");
        read.result = text_of(object, "result");
        read.via = text_of(object, "via");
        read.detail = text_of(object, "detail");
        read.bytes_read = number_of(object, "bytes_read");
        read.bytes_written = number_of(object, "bytes_written");
        return read;
    }
    return std::nullopt;
}

std::string full_json(const FileEvent& event, const Facts& facts) {
    json object = json::parse(event.json);
    object["audit_key"] = facts.audit_key;
    object["session"] = facts.session;
    object["user"] = facts.user;
    object["source"] = facts.source;
    object["target"] = event.target;
    object["channel"] = event.channel;
    object["time"] = base::rfc3339(facts.started + event.at);
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<void> export_files(Reader& reader, const ExportOptions& options, const Sink& out) {
    FileEvents events(reader, options.channel);
    while (const auto event = events.next()) {
        if (!out(full_json(*event, reader.facts()) + "\n")) return fail("the export cannot be written");
    }
    return {};
}

}  // namespace sekisho::recording
