#include "cli/audit_records.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kPage = 5000;
constexpr std::size_t kLongestLine = 8 << 20;
constexpr std::size_t kMostKeyText = 64 * 1024;
constexpr const char* kFormat = "sekisho audit 1";

std::string text(const Json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool read_hash(const Json& object, evidence::Digest& into) {
    const auto bytes = base::from_hex(text(object, "hash"));
    if (!bytes || bytes->size() != into.size()) return false;
    std::ranges::copy(*bytes, into.begin());
    return true;
}

std::optional<model::AuditRecord> read_record(const Json& object) {
    if (!object.is_object()) return std::nullopt;
    const auto sequence = object.find("sequence");
    const auto time = object.find("time_ms");
    model::AuditRecord record;
    if (sequence == object.end() || !sequence->is_number_unsigned() || time == object.end() || !time->is_number_integer() ||
        !read_hash(object, record.hash)) {
        return std::nullopt;
    }
    record.sequence = sequence->get<std::uint64_t>();
    record.time = base::from_unix_milliseconds(time->get<std::int64_t>());
    // The time for people says nothing that the hash does not cover, and must not say anything else.
    if (text(object, "time") != base::rfc3339(record.time)) return std::nullopt;
    record.kind = text(object, "kind");
    record.session = text(object, "session");
    record.user = text(object, "user");
    record.source = text(object, "source");
    record.subject = text(object, "subject");
    record.outcome = text(object, "outcome");
    record.reason = text(object, "reason");
    record.recording = text(object, "recording");
    return record;
}

void read_line(const std::string& line, const std::string& place, const AuditReader& reader) {
    const Json object = Json::parse(line, nullptr, false);
    if (object.is_object() && text(object, "format") == kFormat) {
        evidence::ChainHead behind;
        const auto after = object.find("after");
        if (after == object.end() || !after->is_number_unsigned() || !read_hash(object, behind.hash))
            return reader.damaged(place, "the header is damaged");
        behind.sequence = after->get<std::uint64_t>();
        return reader.begin(behind);
    }
    auto record = read_record(object);
    if (!record) return reader.damaged(place, "this is no audit record");
    reader.record(*record);
}

Result<void> read_stream(std::istream& in, const std::string& name, const AuditReader& reader) {
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.size() > kLongestLine) return fail(fmt::format("{}:{}: longer than any audit record", name, number));
        if (!line.empty()) read_line(line, fmt::format("{}:{}", name, number), reader);
    }
    return {};
}

}  // namespace

Result<void> read_audit_of_gateway(const Context& context, std::uint64_t after, const AuditReader& reader) {
    while (true) {
        const auto body = fetch_from_gateway(
            context, with_query("/v1/audit", {{"after", std::to_string(after)}, {"most", std::to_string(kPage)}}));
        if (!body) return std::unexpected(body.error());
        const Json answer = Json::parse(*body, nullptr, false);
        if (!answer.is_object() || !answer.contains("records") || !answer["records"].is_array())
            return fail("the gateway's answer is not understood");
        for (const Json& one : answer["records"]) {
            const auto record = read_record(one);
            if (!record)
                return fail("the gateway's answer has an audit record that is not understood; is it of an older version?");
            reader.record(*record);
            after = record->sequence;
        }
        if (!answer.value("more", false)) return {};
    }
}

Result<void> read_audit_files(const std::vector<std::string>& files, const AuditReader& reader) {
    for (const std::string& name : files) {
        std::ifstream file;
        if (name != "-") {
            file.open(name, std::ios::binary);
            if (!file.is_open()) return fail(name + " cannot be read");
        }
        if (auto read = read_stream(name == "-" ? std::cin : file, name, reader); !read) return read;
    }
    return {};
}

std::string export_header(const evidence::ChainHead& behind) {
    return Json{{"format", kFormat}, {"after", behind.sequence}, {"hash", base::hex(behind.hash)}}.dump();
}

std::string export_line(const model::AuditRecord& record) {
    return Json{{"sequence", record.sequence}, {"time", base::rfc3339(record.time)},
        {"time_ms", base::unix_milliseconds(record.time)}, {"kind", record.kind}, {"session", record.session},
        {"user", record.user}, {"source", record.source}, {"subject", record.subject}, {"outcome", record.outcome},
        {"reason", record.reason}, {"recording", record.recording}, {"hash", base::hex(record.hash)}}
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Progress::~Progress() {
    if (m_shown) std::fputs("\r\033[K", stderr);
}

void Progress::step(std::uint64_t of, std::uint64_t more) {
    m_done += more;
    if (more == 1 && m_done % 64 != 0 && of == 0) return;
    const TimePoint now = std::chrono::steady_clock::now();
    if (now < m_next || ::isatty(STDERR_FILENO) == 0) return;
    m_next = now + std::chrono::seconds(1);
    m_shown = true;
    const std::string all = of == 0 ? "" : fmt::format(" of {}", of);
    std::fputs(fmt::format("\r\033[K{}{} {}", m_done, all, m_what).c_str(), stderr);
}

Result<evidence::EvidenceKeys> evidence_keys(const Context& context, const std::string& file, bool ask_gateway) {
    if (!file.empty()) {
        std::ifstream in(file, std::ios::binary);
        if (!in.is_open()) return fail(file + " cannot be read");
        std::string text(kMostKeyText, '\0');
        in.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
        auto keys = evidence::EvidenceKeys::parse(text);
        if (!keys) return fail(file + ": " + keys.error().text, keys.error().detail);
        return keys;
    }
    if (!ask_gateway) return evidence::EvidenceKeys();
    const auto answer = call_gateway(context, "GET", "/v1/ca");
    if (!answer) return evidence::EvidenceKeys();
    const std::string line = answer->text("evidence_key");
    return line.empty() ? evidence::EvidenceKeys() : evidence::EvidenceKeys::parse(line);
}

}  // namespace sekisho::cli
