#include "notify/mail.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/network.h"
#include "notify/one_line.h"

namespace sekisho::notify {
namespace {

constexpr std::size_t kSubjectMost = 300;
constexpr std::size_t kLine = 78;  // RFC 5322 §2.1.1
constexpr std::size_t kWordBytes = 39;  // of text in an encoded-word: 52 of base64 and 12 around it
constexpr std::size_t kTextMost = 256 << 10;

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool atom_character(char c) {
    return letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

std::string ascii(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (letter_or_digit(c) || c == '.' || c == '-') out += c;
    }
    return out.empty() ? "localhost" : out;
}

/// Where the system's locale has no say.
std::string date(WallTime when) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto number = [&](const char* form) { return static_cast<std::size_t>(std::stoul(base::local_time(when, form))); };
    return fmt::format("{}, {} {} {}", kDays[number("%w") % 7], base::local_time(when, "%d"),
        kMonths[(number("%m") + 11) % 12], base::local_time(when, "%Y %H:%M:%S %z"));
}

}  // namespace

bool is_mail_address(std::string_view text) {
    const std::size_t at = text.rfind('@');
    if (text.size() > 254 || at == std::string_view::npos || at == 0 || at > 64) return false;
    const std::string_view local = text.substr(0, at);
    const std::string_view domain = text.substr(at + 1);
    const bool dotted = !local.starts_with('.') && !local.ends_with('.') && local.find("..") == std::string_view::npos;
    return dotted && std::ranges::all_of(local, [](char c) { return atom_character(c) || c == '.'; }) &&
           base::is_host_name(domain) && !domain.starts_with('-') && domain.find('_') == std::string_view::npos;
}

std::string header_value(std::string_view text, std::size_t name_size) {
    const std::string line = one_line(text, kSubjectMost);
    // What looks like an encoded-word would be read as one.
    const bool plain = std::ranges::all_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x80; }) &&
                       line.find("=?") == std::string::npos && name_size + line.size() <= kLine && !line.starts_with(' ') &&
                       !line.ends_with(' ');
    if (plain) return line;
    std::string out;
    for (std::string_view rest = line; !rest.empty();) {
        std::size_t size = 0;
        // Whole characters only (RFC 2047 §5).
        while (size < rest.size()) {
            const std::size_t next = std::max<std::size_t>(character_bytes(rest.substr(size)), 1);
            if (size + next > kWordBytes) break;
            size += next;
        }
        out += fmt::format("{}=?UTF-8?B?{}?=", out.empty() ? "" : "\r\n ", base::base64(base::view(rest.substr(0, size))));
        rest.remove_prefix(size);
    }
    return out;
}

std::vector<std::string> headers_of(const Mail& mail) {
    return {"From: Sekisho <" + mail.from + ">", "To: <" + mail.to + ">", "Subject: " + header_value(mail.subject),
        "Date: " + date(mail.made), "Message-ID: <" + mail.id + "@" + ascii(mail.host) + ">",
        "Auto-Submitted: auto-generated"};
}

std::string to_file(const Mail& mail) {
    const nlohmann::json json{{"id", mail.id}, {"from", mail.from}, {"to", mail.to}, {"subject", mail.subject},
        {"text", mail.text}, {"host", mail.host}, {"made", base::unix_milliseconds(mail.made)}};
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<Mail> from_file(std::string_view text) {
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    const auto word = [&](const char* name) {
        const auto found = json.is_object() ? json.find(name) : json.end();
        return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    Mail mail{word("id"), word("from"), word("to"), word("subject"), word("text"), word("host"), {}};
    if (json.is_object() && json.contains("made") && json["made"].is_number_integer())
        mail.made = base::from_unix_milliseconds(json["made"].get<std::int64_t>());
    if (!is_mail_address(mail.from) || !is_mail_address(mail.to) || mail.text.size() > kTextMost)
        return fail("the file holds no mail");
    return mail;
}

}  // namespace sekisho::notify
