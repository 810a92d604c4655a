#include "recording/file_listing.h"

#include <nlohmann/json.hpp>

#include "recording/members.h"

namespace sekisho::recording {

namespace {

using nlohmann::json;

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
        read.operation = text_in(object, "operation");
        read.path = text_in(object, "path");
        read.other_path = text_in(object, "other_path");
        read.sha256 = text_in(object, "sha256");
        read.result = text_in(object, "result");
        read.via = text_in(object, "via");
        read.detail = text_in(object, "detail");
        read.bytes_read = number_in(object, "bytes_read");
        read.bytes_written = number_in(object, "bytes_written");
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
        if (!out(full_json(*event, reader.facts()) + "\n")) return unwritten();
    }
    return {};
}

}  // namespace sekisho::recording
