#include "recording/facts.h"

#include <algorithm>
#include <concepts>
#include <utility>

#include <nlohmann/json.hpp>

#include "recording/members.h"

namespace sekisho::recording {

namespace {

using nlohmann::json;

constexpr std::size_t kTextMost = 1024;  // of one member: the block must stay under 64 KiB whatever a client calls itself

/// One string as JSON. Two of these objects are written for each session: what needs no escape is copied, without a tree of values.
void append_quoted(std::string& out, std::string_view text) {
    text = text.substr(0, kTextMost);
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    if (!std::ranges::all_of(text, plain)) {
        out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
        return;
    }
    out += '"';
    out += text;
    out += '"';
}

/// An object of JSON, member by member; their names need no escape.
class Object {
public:
    void text(std::string_view member, std::string_view value) {
        begin(member);
        append_quoted(m_text, value);
    }
    template <std::integral Number>
    void number(std::string_view member, Number value) {
        raw(member, std::to_string(value));
    }
    void raw(std::string_view member, std::string_view value) {
        begin(member);
        m_text += value;
    }
    std::string done() { return std::move(m_text) + "}"; }

private:
    void begin(std::string_view member) {
        m_text += m_text.size() == 1 ? "\"" : ",\"";
        m_text += member;
        m_text += "\":";
    }

    std::string m_text = "{";
};

Result<json> parse(std::string_view text) {
    json object = json::parse(text, nullptr, false);
    if (!object.is_object()) return fail("the JSON of the recording is damaged");
    return object;
}

std::int64_t microseconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

std::string encode_seal(const std::vector<SealedKey>& seal) {
    std::string out = "[";
    for (const SealedKey& one : seal) {
        Object object;
        object.text("encapsulated", base::base64(one.encapsulated));
        object.text("key", base::base64(one.sealed));
        object.text("to", text_of(one.to));
        out += (out.size() > 1 ? "," : "") + object.done();
    }
    return out + "]";
}

bool read_bytes(const json& object, const char* member, MutableBytes out) {
    const auto bytes = base::from_base64(text_in(object, member));
    if (!bytes || bytes->size() != out.size()) return false;
    std::ranges::copy(*bytes, out.begin());
    return true;
}

Result<std::vector<SealedKey>> decode_seal(const json& list) {
    std::vector<SealedKey> seal;
    if (!list.is_array() || list.empty() || list.size() > kAuditorsMost) return fail("the seal is damaged");
    for (const json& one : list) {
        SealedKey key{.sealed = Bytes(crypto::aead::kKey + crypto::aead::kTag)};
        const bool read = one.is_object() && read_bytes(one, "encapsulated", key.encapsulated) &&
                          read_bytes(one, "key", key.sealed) && read_bytes(one, "to", key.to);
        if (!read) return fail("the seal is damaged");
        seal.push_back(std::move(key));
    }
    return seal;
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
    Object object;  // members in the order of their names
    object.text("audit_key", facts.audit_key);
    object.text("client", facts.client);
    object.text("level", level_name(facts.level));
    if (!facts.seal.empty()) object.raw("seal", encode_seal(facts.seal));
    object.text("session", facts.session);
    if (!facts.signed_by.empty()) object.text("signed_by", facts.signed_by);
    object.text("source", facts.source);
    object.text("started", base::rfc3339(facts.started));
    object.number("started_us", microseconds(facts.started));
    object.text("user", facts.user);
    object.text("writer", facts.writer);
    return object.done();
}

Result<Facts> decode_facts(std::string_view text) {
    const Result<json> object = parse(text);
    if (!object) return std::unexpected(object.error());
    Facts facts;
    facts.audit_key = text_in(*object, "audit_key");
    facts.session = text_in(*object, "session");
    facts.user = text_in(*object, "user");
    facts.source = text_in(*object, "source");
    facts.client = text_in(*object, "client");
    facts.writer = text_in(*object, "writer");
    facts.signed_by = text_in(*object, "signed_by");
    const std::string level = text_in(*object, "level");
    for (const auto known : {model::RecordLevel::Full, model::RecordLevel::Commands, model::RecordLevel::Metadata}) {
        if (level == level_name(known)) facts.level = known;
    }
    if (const auto seal = object->find("seal"); seal != object->end()) {
        auto decoded = decode_seal(*seal);
        if (!decoded) return std::unexpected(decoded.error());
        facts.seal = std::move(*decoded);
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
    Object object;  // members in the order of their names
    object.number("blocks", end.blocks);
    if (end.ending != Ending::Cut) {
        Object bytes;
        const auto of = [&end](Stream stream) { return end.totals.bytes[static_cast<std::size_t>(stream)]; };
        for (const Stream stream : {Stream::Input, Stream::Notice, Stream::Output, Stream::Stderr})
            bytes.number(name(stream), of(stream));
        object.raw("bytes", bytes.done());
        object.number("channels", end.totals.channels);
    }
    object.number("duration_us", end.duration_us);
    object.text("ending", name(end.ending));
    if (end.ending != Ending::Cut) object.number("events", end.totals.events);
    if (!end.failure.empty()) object.text("failure", end.failure);
    object.text("reason", end.reason);
    std::string targets = "[";
    for (const std::string& target : end.totals.targets) {
        if (targets.size() > 1) targets += ',';
        append_quoted(targets, target);
    }
    object.raw("targets", targets + "]");
    return object.done();
}

Result<End> decode_end(std::string_view text) {
    const Result<json> object = parse(text);
    if (!object) return std::unexpected(object.error());
    End end;
    end.reason = text_in(*object, "reason");
    const std::string ending = text_in(*object, "ending");
    for (const Ending known : {Ending::Complete, Ending::Cut, Ending::Failed}) {
        if (ending == name(known)) end.ending = known;
    }
    end.failure = text_in(*object, "failure");
    end.duration_us = number_in(*object, "duration_us");
    end.blocks = static_cast<std::uint32_t>(number_in(*object, "blocks"));
    end.totals.events = number_in(*object, "events");
    end.totals.channels = static_cast<std::uint32_t>(number_in(*object, "channels"));
    if (const auto bytes = object->find("bytes"); bytes != object->end() && bytes->is_object()) {
        for (const Stream stream : kStreams) {
            end.totals.bytes[static_cast<std::size_t>(stream)] = number_in(*bytes, std::string(name(stream)).c_str());
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
