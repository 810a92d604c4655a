#include "app/config_telling.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/nearest.h"
#include "base/network.h"
#include "notify/mail.h"
#include "notify/record_form.h"

namespace sekisho::app {
namespace {

using model::Config;
using namespace std::chrono_literals;

constexpr std::size_t kMostRecipients = 20;

/// Empty, or a path.
std::string wrong_file(std::string_view path) {
    return path.size() > 4096 || path.find('\0') != std::string_view::npos ? "a path is wanted" : "";
}

std::string one_of(std::string_view text, const std::vector<std::string>& known) {
    if (std::ranges::find(known, text) != known.end()) return {};
    return fmt::format("\"{}\" is none of {}{}", text, fmt::join(known, ", "), base::did_you_mean(text, known));
}

/// HOST or HOST:PORT behind one of `schemes`, and nothing behind it.
bool is_place(std::string_view url, std::initializer_list<std::string_view> schemes) {
    for (const std::string_view scheme : schemes) {
        if (!url.starts_with(scheme)) continue;
        std::string_view rest = url.substr(scheme.size());
        if (rest.ends_with('/')) rest.remove_suffix(1);
        if (const auto with_port = base::parse_host_port(rest)) return with_port->port != 0;
        if (rest.starts_with('[') && rest.ends_with(']'))
            return base::Address::parse(rest.substr(1, rest.size() - 2)).has_value();
        return base::is_host_name(rest) || base::Address::parse(rest).has_value();
    }
    return false;
}

std::string wrong_smtp(const Config& config) {
    if (config.mail.smtp.empty()) return {};
    if (!is_place(config.mail.smtp, {"smtp://", "smtps://"})) return "smtp://HOST:PORT or smtps://HOST:PORT is wanted";
    if (config.mail.to.empty()) return "mail.to says to whom, and is empty";
    return {};
}

std::string wrong_tls(const Config& config) {
    if (std::string wrong = one_of(config.mail.tls, {"required", "none"}); !wrong.empty()) return wrong;
    if (config.mail.tls == "required") return {};
    if (!config.mail.user.empty()) return "with mail.user, TLS is required: a password does not travel in the clear";
    return config.mail.smtp.starts_with("smtps://") ? "smtps:// is TLS from the beginning" : "";
}

std::string wrong_mail_user(const Config& config) {
    const std::string& user = config.mail.user;
    const bool odd = user.size() > 256 ||
                     std::ranges::any_of(user, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    if (odd) return "control characters are in it, or it is longer than 256";
    return !user.empty() && config.mail.password_file.empty() ? "mail.password_file is wanted, too" : "";
}

std::string wrong_from(const Config& config) {
    return config.mail.from.empty() || notify::is_mail_address(config.mail.from)
               ? ""
               : "a mail address is wanted, for example gate@example.com";
}

std::string wrong_to(const Config& config) {
    if (config.mail.to.size() > kMostRecipients) return fmt::format("at most {} addresses", kMostRecipients);
    for (const std::string& to : config.mail.to) {
        if (!notify::is_mail_address(to)) return fmt::format("\"{}\" is not a mail address like security@example.com", to);
    }
    return {};
}

std::string wrong_events(const Config& config) {
    for (const std::string& event : config.mail.events) {
        if (std::string wrong = one_of(event, {"start", "finish", "refused"}); !wrong.empty()) return wrong;
    }
    return {};
}

void add_mail(const auto& add) {
    add("mail.smtp", Text([](Config& c) -> std::string& { return c.mail.smtp; }), Reload::Restart,
        "The relay that takes mails about sessions: smtp://HOST:587 (STARTTLS) or smtps://HOST:465. Empty: no mails.",
        wrong_smtp);
    add("mail.tls", Text([](Config& c) -> std::string& { return c.mail.tls; }), Reload::Restart,
        "required: nothing is said to a relay without TLS and a certificate that fits. none: mails travel in the clear, for "
        "a relay on this "
        "machine.",
        wrong_tls);
    add("mail.user", Text([](Config& c) -> std::string& { return c.mail.user; }), Reload::Restart,
        "Who signs in at the relay. Empty: nobody has to.", wrong_mail_user);
    add("mail.password_file", Text([](Config& c) -> std::string& { return c.mail.password_file; }), Reload::Restart,
        "File with that user's password in its first line, for the gateway's account only; read anew for each connection.",
        [](const Config& c) { return wrong_file(c.mail.password_file); });
    add("mail.ca_file", Text([](Config& c) -> std::string& { return c.mail.ca_file; }), Reload::Restart,
        "Authorities that the relay's certificate is checked against, PEM. Empty: the system's.",
        [](const Config& c) { return wrong_file(c.mail.ca_file); });
    add("mail.from", Text([](Config& c) -> std::string& { return c.mail.from; }), Reload::Restart,
        "The sender's address. Empty: mail.user where that is an address, else sekisho@ and this machine's name.",
        wrong_from);
    add("mail.to", Texts([](Config& c) -> std::vector<std::string>& { return c.mail.to; }), Reload::Restart,
        "Who gets the mails; each a mail of their own.", wrong_to);
    add("mail.events", Texts([](Config& c) -> std::vector<std::string>& { return c.mail.events; }), Reload::Restart,
        "What mails are about: start, finish, refused (what a rule did not let a user do). More than 5 in 10 seconds come "
        "as one list.",
        wrong_events);
    add("mail.language", Text([](Config& c) -> std::string& { return c.mail.language; }), Reload::Restart, "en or ja.",
        [](const Config& c) { return one_of(c.mail.language, {"en", "ja"}); });
    add("mail.templates", Text([](Config& c) -> std::string& { return c.mail.templates; }), Reload::Restart,
        "Folder of texts of your own, start.txt, finish.txt and refused.txt: \"Subject: …\", an empty line, the body, with "
        "{user} {source} "
        "{host} {places} {target} {started} {finished} {duration} {bytes_in} {bytes_out} {result} {audit_key} {session} "
        "{client} {key} {time} "
        "{subject} {reason}; a line whose words are all empty is left out. Empty: the built-in ones.",
        [](const Config& c) { return wrong_file(c.mail.templates); });
    add("mail.give_up", Time([](Config& c) -> std::chrono::seconds& { return c.mail.give_up; }), Reload::Restart,
        "So long a mail is tried again and again; then it is kept as dead (`sekisho mail ls`).", [](const Config& c) {
            return std::string(c.mail.give_up < 1s || c.mail.give_up > 30 * 86400s ? "1s to 30d is wanted" : "");
        });
}

constexpr std::size_t kMostPlaces = 10;

std::string wrong_count(const std::vector<std::string>& places) {
    if (places.size() > kMostPlaces) return fmt::format("at most {} places", kMostPlaces);
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (std::find(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(i), places[i]) !=
            places.begin() + static_cast<std::ptrdiff_t>(i))
            return fmt::format("\"{}\" stands there twice", places[i]);
    }
    return {};
}

std::string wrong_syslog(const Config& config) {
    for (const std::string& to : config.syslog.to) {
        const std::size_t end = to.find("://");
        const auto at =
            end == std::string::npos ? std::nullopt : base::parse_host_port(std::string_view(to).substr(end + 3));
        if (!at || at->port == 0 || !is_place(to, {"udp://", "tcp://", "tls://"}))
            return fmt::format("\"{}\" is not udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT", to);
    }
    return wrong_count(config.syslog.to);
}

std::string wrong_json(const Config& config) {
    for (const std::string& to : config.json.to) {
        const std::size_t colon = std::min(to.find(':'), to.size());
        const std::string scheme = to.substr(0, colon);
        const std::string path = colon < to.size() ? to.substr(colon + 1) : "";
        const bool fine = (scheme == "file" || scheme == "unix" || scheme == "unix-dgram") && path.starts_with('/') &&
                          path.find('\0') == std::string::npos && !path.ends_with('/') && path.rfind('/') != 0;
        if (!fine) return fmt::format("\"{}\" is not file:/FOLDER/NAME, unix:/FOLDER/NAME or unix-dgram:/FOLDER/NAME", to);
        if (path.size() > (scheme == "file" ? 4096 : 107)) return "a path is longer than it may be";
    }
    return wrong_count(config.json.to);
}

std::string wrong_webhook(const Config& config) {
    for (const std::string& to : config.webhook.to) {
        const bool plain = to.starts_with("http://");
        const std::size_t begin = plain ? 7 : 8;
        const std::size_t end = std::min(to.find_first_of("/?#", begin), to.size());
        const bool printable = std::ranges::all_of(to, [](char c) { return c > 0x20 && c < 0x7f && c != '\\' && c != '"'; });
        const std::string authority = to.substr(0, end);
        if ((!plain && !to.starts_with("https://")) || !printable || to.size() > 2000 ||
            !is_place(authority, {"http://", "https://"}))
            return "an element is not https://HOST[:PORT]/PATH";
        const std::string_view at = std::string_view(authority).substr(begin);
        const auto with_port = base::parse_host_port(at);
        const std::string host = with_port ? with_port->host : std::string(at);
        if (plain && host != "localhost" && host != "::1" && !(host.starts_with("127.") && base::Address::parse(host)))
            return "http:// is for this machine only: use https://";
    }
    if (!config.webhook.to.empty() && config.webhook.secret_file.empty()) return "webhook.secret_file is wanted, too";
    return wrong_count(config.webhook.to);
}

std::string wrong_kinds(const std::vector<std::string>& kinds) {
    for (const std::string& kind : kinds) {
        const bool fine = !kind.empty() && kind.size() <= 64 && std::ranges::all_of(kind, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '*' || c == '?';
        });
        if (!fine) return fmt::format("\"{}\" is not a kind of audit record, for example session.start or access.*", kind);
    }
    return {};
}

constexpr std::string_view kKinds =
    "Kinds of audit records that are told, with * and ?: [\"session.*\", \"access.refused\"]. None: all of them.";

void add_syslog(const auto& add) {
    add("syslog.to", Texts([](Config& c) -> std::vector<std::string>& { return c.syslog.to; }), Reload::Restart,
        "Servers that get the audit records as syslog (RFC 5424): udp://HOST:514, tcp://HOST:601 (octet counting), "
        "tls://HOST:6514. What "
        "they have not got is told when they are back; over UDP nobody knows.",
        wrong_syslog);
    add("syslog.kinds", Texts([](Config& c) -> std::vector<std::string>& { return c.syslog.kinds; }), Reload::Restart,
        kKinds, [](const Config& c) { return wrong_kinds(c.syslog.kinds); });
    add("syslog.facility", Text([](Config& c) -> std::string& { return c.syslog.facility; }), Reload::Restart,
        "authpriv, auth, daemon, local0 to local7 …", [](const Config& c) {
            return std::string(
                notify::syslog_facility(c.syslog.facility) ? "" : "a facility is wanted, for example authpriv or local0");
        });
    add("syslog.sd_id", Text([](Config& c) -> std::string& { return c.syslog.sd_id; }), Reload::Restart,
        "Name of the structured data, NAME@ENTERPRISE-NUMBER; 32473 is the number for examples: put your own there.",
        [](const Config& c) {
            return std::string(notify::is_sd_id(c.syslog.sd_id) ? "" : "NAME@NUMBER is wanted, of at most 32 letters");
        });
    add("syslog.ca_file", Text([](Config& c) -> std::string& { return c.syslog.ca_file; }), Reload::Restart,
        "Authorities that a server's certificate is checked against, PEM. Empty: the system's.",
        [](const Config& c) { return wrong_file(c.syslog.ca_file); });
    add("syslog.certificate_file", Text([](Config& c) -> std::string& { return c.syslog.certificate_file; }),
        Reload::Restart, "Certificate for a server of tls:// that wants one, PEM.",
        [](const Config& c) { return wrong_file(c.syslog.certificate_file); });
    add("syslog.key_file", Text([](Config& c) -> std::string& { return c.syslog.key_file; }), Reload::Restart,
        "Its private key, PEM, for the gateway's account only.", [](const Config& c) {
            if (c.syslog.key_file.empty() != c.syslog.certificate_file.empty())
                return std::string("syslog.certificate_file and syslog.key_file belong together");
            return wrong_file(c.syslog.key_file);
        });
}

void add_json_and_webhook(const auto& add) {
    add("json.to", Texts([](Config& c) -> std::vector<std::string>& { return c.json.to; }), Reload::Restart,
        "Where the audit records go as lines of JSON: file:/PATH (one that was moved away is begun anew), unix:/PATH (a "
        "stream), "
        "unix-dgram:/PATH.",
        wrong_json);
    add("json.kinds", Texts([](Config& c) -> std::vector<std::string>& { return c.json.kinds; }), Reload::Restart, kKinds,
        [](const Config& c) { return wrong_kinds(c.json.kinds); });
    add("webhook.to", Texts([](Config& c) -> std::vector<std::string>& { return c.webhook.to; }), Reload::Restart,
        "URLs that the audit records are posted to as JSON, signed: https://…, or http:// on this machine. What is not "
        "answered with 2xx "
        "is posted again.",
        wrong_webhook);
    add("webhook.kinds", Texts([](Config& c) -> std::vector<std::string>& { return c.webhook.kinds; }), Reload::Restart,
        kKinds, [](const Config& c) { return wrong_kinds(c.webhook.kinds); });
    add("webhook.secret_file", Text([](Config& c) -> std::string& { return c.webhook.secret_file; }), Reload::Restart,
        "File with the secret that signs, of 16 letters or more, for the gateway's account only. Two lines are two secrets: "
        "both sign.",
        [](const Config& c) { return wrong_file(c.webhook.secret_file); });
    add("webhook.ca_file", Text([](Config& c) -> std::string& { return c.webhook.ca_file; }), Reload::Restart,
        "Authorities that a receiver's certificate is checked against, PEM. Empty: the system's.",
        [](const Config& c) { return wrong_file(c.webhook.ca_file); });
}

}  // namespace

void add_telling_keys(std::vector<ConfigKey>& keys) {
    const auto add = [&](std::string_view key, Place place, Reload reload, std::string_view help,
                         std::string (*wrong)(const Config&) = [](const Config&) { return std::string(); }) {
        keys.push_back({key, place, reload, help, wrong});
    };
    add_mail(add);
    add_syslog(add);
    add_json_and_webhook(add);
}

}  // namespace sekisho::app
