#include "recording/facts.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sekisho::recording {

namespace {

using nlohmann::json;

constexpr std::size_t kTextMost = 1024;  // of one member: the block must stay under 64 KiB whatever a client calls itself

std::string dump(const json& object) {
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string clip(std::string_view text) {
    return std::string(text.substr(0, kTextMost));
}

std::string text_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Result<json> parse(std::string_view text) {
    json object = json::parse(text, nullptr, false);
    if (!object.is_object()) return fail("the JSON of the recording is damaged");
    return object;
}

std::int64_t microseconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

constexpr std::array kStreams{Stream::Input, Stream::Output, Stream::Stderr, Stream::Notice};

}  // namespace

std::string_view name(Stream stream) {
    switch (stream) {
        case Stream::Input: return "input";
        case Stream::Output: return "output";
        case Stream::Stderr: return "stderr";
        case Stream::Notice: return "notice";
    }
    return "unknown";
}

std::string_view name(Ending ending) {
    switch (ending) {
        case Ending::Complete: return "complete";
        case Ending::Cut: return "cut";
        case Ending::Failed: return "failed";
    }
    return "unknown";
}

std::string_view level_name(model::RecordLevel level) {
    switch (level) {
        case model::RecordLevel::Full: return "full";
        case model::RecordLevel::Commands: return "commands";
        case model::RecordLevel::Metadata: return "metadata";
    }
    return "full";
}

std::string encode_facts(const Facts& facts) {
    return dump(json{{"audit_key", clip(facts.audit_key)},
                     {"session", clip(facts.session)},
                     {"user", clip(facts.user)},
                     {"source", clip(facts.source)},
                     {"client", clip(facts.client)},
                     {"level", level_name(facts.level)},
                     {"started", base::rfc3339(facts.started)},
                     {"started_us", microseconds(facts.started)},
                     {"writer", clip(facts.writer)}});
}

Result<Facts> decode_facts(std::string_view text) {
    const Result<json> object = parse(text);
    if (!object) return std::unexpected(object.error());
    Facts facts;
    facts.audit_key = text_of(*object, "audit_key");
    facts.session = text_of(*object, "session");
    facts.user = text_of(*object, "user");
    facts.source = text_of(*object, "source");
    facts.client = text_of(*object, "client");
    facts.writer = text_of(*object, "writer");
    const std::string level = text_of(*object, "level");
    for (const auto known : {model::RecordLevel::Full, model::RecordLevel::Commands, model::RecordLevel::Metadata}) {
        if (level == level_name(known)) facts.level = known;
    }
    const auto started = object->find("started_us");
    if (started != object->end() && started->is_number_integer()) {
        // Beyond the year 6000 or before 1970 nothing was recorded, and the clock's own unit (ns) would overflow.
        const auto us = std::clamp<std::int64_t>(started->get<std::int64_t>(), 0, std::int64_t{1} << 53);
        facts.started = WallTime(std::chrono::microseconds(us));
    }
    return facts;
}

std::string encode_end(const End& end) {
    json object{{"reason", clip(end.reason)},
                {"ending", name(end.ending)},
                {"duration_us", end.duration_us},
                {"blocks", end.blocks}};
    if (!end.failure.empty()) object["failure"] = clip(end.failure);
    if (end.ending != Ending::Cut) {
        json bytes = json::object();
        for (const Stream stream : kStreams) bytes[std::string(name(stream))] = end.totals.bytes[static_cast<std::size_t>(stream)];
        object["bytes"] = std::move(bytes);
        object["events"] = end.totals.events;
        object["channels"] = end.totals.channels;
    }
    json targets = json::array();
    for (const std::string& target : end.totals.targets) targets.push_back(clip(target));
    object["targets"] = std::move(targets);
    return dump(object);
}

Result<End> decode_end(std::string_view text) {
    const Result<json> object = parse(text);
    if (!object) return std::unexpected(object.error());
    End end;
    end.reason = text_of(*object, "reason");
    const std::string ending = text_of(*object, "ending");
    for (const Ending known : {Ending::Complete, Ending::Cut, Ending::Failed}) {
        if (ending == name(known)) end.ending = known;
    }
    end.failure = text_of(*object, "failure");
    end.duration_us = number_of(*object, "duration_us");
    end.blocks = static_cast<std::uint32_t>(number_of(*object, "blocks"));
    end.totals.events = number_of(*object, "events");
    end.totals.channels = static_cast<std::uint32_t>(number_of(*object, "channels"));
    if (const auto bytes = object->find("bytes"); bytes != object->end() && bytes->is_object()) {
        for (const Stream stream : kStreams) {
            end.totals.bytes[static_cast<std::size_t>(stream)] = number_of(*bytes, std::string(name(stream)).c_str());
        }
    }
    if (const auto targets = object->find("targets"); targets != object->end() && targets->is_array()) {
        for (const json& target : *targets) {
            if (target.is_string()) end.totals.targets.push_back(target.get<std::string>());
        }
    }
    return end;
}

}  // namespace sekisho::recording
