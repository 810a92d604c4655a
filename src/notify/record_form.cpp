#include "notify/record_form.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "notify/one_line.h"

namespace sekisho::notify {
namespace {

// RFC 5424 §6.2.1, table 1, by the names of syslog(3).
constexpr std::array<std::string_view, 24> kFacilities{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
    "uucp", "cron", "authpriv", "ftp", "", "", "", "", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7"};

constexpr std::string_view kUtf8 = "\xef\xbb\xbf";  // in front of a message that is not only ASCII (§6.4)

unsigned severity(const model::AuditRecord& record) {
    if (record.outcome == "failed") return 3;  // error
    return record.outcome == "refused" ? 4 : 6;  // warning, informational
}

/// PRINTUSASCII without what ends a field.
std::string field(std::string_view text, std::size_t most) {
    std::string out(text.substr(0, most));
    for (char& c : out) {
        if (c <= 0x20 || c >= 0x7f) c = '_';
    }
    return out.empty() ? "-" : out;
}

/// §6.3.3: a quote, a backslash and a bracket are escaped, and nothing else is.
std::string parameter(std::string_view name, std::string_view text, std::size_t most) {
    std::string out = fmt::format(" {}=\"", name);
    for (const char c : one_line(text, most)) {
        if (c == '"' || c == '\\' || c == ']') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace

std::string json_form(const model::AuditRecord& record, std::string_view host) {
    const nlohmann::ordered_json json{{"sequence", record.sequence}, {"time", base::rfc3339(record.time)}, {"host", host},
        {"kind", record.kind}, {"session", record.session}, {"user", record.user}, {"source", record.source},
        {"subject", record.subject}, {"outcome", record.outcome}, {"reason", record.reason},
        {"recording", record.recording}, {"hash", base::hex(record.hash)}};
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::optional<unsigned> syslog_facility(std::string_view name) {
    const auto found = std::ranges::find(kFacilities, name);
    if (name.empty() || found == kFacilities.end()) return std::nullopt;
    return static_cast<unsigned>(found - kFacilities.begin());
}

bool is_sd_id(std::string_view text) {
    const std::size_t at = text.find('@');
    if (at == 0 || at == std::string_view::npos || at + 1 == text.size() || text.size() > 32) return false;
    const auto fine = [](char c) { return c > 0x20 && c < 0x7f && c != '=' && c != ']' && c != '"' && c != '@'; };
    return std::ranges::all_of(text.substr(0, at), fine) &&
           std::ranges::all_of(text.substr(at + 1), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

std::string syslog_form(const model::AuditRecord& record, const SyslogForm& form) {
    const std::string head = fmt::format("<{}>1 {} {} sekisho {} {} [{}", form.facility * 8 + severity(record),
        base::rfc3339(record.time), field(form.host, 255), field(form.process, 128), field(record.kind, 32), form.sd_id);
    constexpr std::size_t kWord = 128;
    std::string data = parameter("sequence", std::to_string(record.sequence), kWord);
    for (const auto& [name, value] : {std::pair("session", &record.session), std::pair("user", &record.user),
             std::pair("source", &record.source), std::pair("outcome", &record.outcome)}) {
        if (!value->empty()) data += parameter(name, *value, kWord);
    }
    // What is long comes last and takes what room there is: escaped it is twice as long at most, and the words repeat a part of it.
    const std::size_t used = head.size() + data.size() + 640;
    const std::size_t room = form.most > used ? (form.most - used) / 4 : 0;
    if (!record.subject.empty()) data += parameter("subject", record.subject, std::clamp<std::size_t>(room, 32, 512));
    if (!record.reason.empty()) data += parameter("reason", record.reason, std::max<std::size_t>(room, 32));
    std::string words = record.kind;
    for (const std::string* word : {&record.user, &record.source, &record.subject, &record.outcome}) {
        if (!word->empty()) words += " " + *word;
    }
    words = one_line(words, 256);
    const bool ascii = std::ranges::all_of(words, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    return fmt::format("{}{}] {}{}", head, data, ascii ? "" : kUtf8, words);
}

}  // namespace sekisho::notify
