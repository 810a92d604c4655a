#include "gateway/telling.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "base/network.h"
#include "crypto/hash.h"
#include "gateway/audit_source.h"
#include "gateway/mail_reader.h"
#include "notify/mail_sender.h"
#include "notify/record_form.h"
#include "notify/sender.h"

namespace sekisho::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFarewell = 3s;
constexpr std::size_t kMostAuthorities = 4U << 20;
constexpr std::size_t kMostSecretFile = 4096;
constexpr std::size_t kMostTemplate = 64U << 10;
constexpr std::size_t kLeastSecret = 16;
constexpr std::size_t kMostDatagram = 2048;  // RFC 5426 §3.2: what receivers should take
constexpr std::size_t kMostMessage = 8192;  // RFC 5425 §4.3.1

/// The first line of a file that holds a secret.
Result<Secret> read_secret(const Telling::ReadFile& read_file, const std::string& path) {
    auto text = read_file(path, kMostSecretFile);
    if (!text) return std::unexpected(text.error());
    const std::size_t end = std::min(text->find_first_of("\r\n"), text->size());
    Secret secret(base::view(*text).first(end));
    base::wipe(std::as_writable_bytes(std::span(text->data(), text->size())));
    if (secret.empty()) return fail(path + " is empty");
    return secret;
}

constexpr std::string_view kPositions = "telling";

bool anything(const model::Config& config) {
    return !config.mail.smtp.empty() || !config.syslog.to.empty() || !config.json.to.empty() || !config.webhook.to.empty();
}

/// Of a place's position: nothing of a URL that would not do in a file's name, and always the same.
std::string position_name(std::string_view place) {
    const auto digest = crypto::sha256({base::view(place)});
    return std::string(place.substr(0, place.find(':'))) + "-" + base::hex(BytesView(digest).first(8));
}

notify::Position position(const model::Config& config, std::string_view name) {
    return {config.path(kPositions) + "/" + std::string(name)};
}

/// Each line of the file is a secret: while one is replaced, both sign.
Result<std::vector<Secret>> read_secrets(const Telling::ReadFile& read_file, const std::string& path) {
    auto text = read_file(path, kMostSecretFile);
    if (!text) return std::unexpected(text.error());
    std::vector<Secret> secrets;
    for (std::string_view rest = *text; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) secrets.emplace_back(base::view(line));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    base::wipe(std::as_writable_bytes(std::span(text->data(), text->size())));
    const bool weak = std::ranges::any_of(secrets, [](const Secret& one) { return one.size() < kLeastSecret; });
    if (secrets.empty() || weak)
        return fail(fmt::format("each line of {} is a secret of at least {} letters", path, kLeastSecret));
    return secrets;
}

Result<std::string> authorities(const Telling::ReadFile& read_file, const model::Config& config, const std::string& name) {
    if (name.empty()) return std::string();
    return read_file(config.path(name), kMostAuthorities);
}

}  // namespace

/// Destroyed from the last to the first: readers before what they fill.
struct Telling::Parts {
    std::unique_ptr<AuditSource> source;
    std::unique_ptr<notify::MailSender> mail_sender;
    std::unique_ptr<MailReader> mail_reader;
    std::vector<std::unique_ptr<StreamReader>> streams;
};

Telling::Telling(Audit audit) : m_audit(std::move(audit)), m_parts(std::make_unique<Parts>()) {}

Result<std::unique_ptr<Telling>> Telling::make(const model::Config& config, ReadFile read_file, Audit audit) {
    if (!anything(config)) return nullptr;
    auto store = store::open_store(config.store_url, config.data_dir);
    if (!store) return std::unexpected(store.error());
    std::unique_ptr<Telling> telling(new Telling(std::move(audit)));
    telling->m_parts->source = std::make_unique<AuditSource>(std::move(*store));
    if (!config.mail.smtp.empty()) {
        if (auto made = telling->make_mail(config, read_file); !made)
            return fail("mail: " + made.error().text, made.error().detail);
    }
    if (auto made = telling->make_streams(config, read_file); !made) return std::unexpected(made.error());
    if (auto made = telling->make_webhooks(config, read_file); !made)
        return fail("webhook: " + made.error().text, made.error().detail);
    return telling;
}

void Telling::forget_unused(const model::Config& config) {
    std::set<std::string> used;
    if (!config.mail.smtp.empty()) used.insert("mail");
    for (const auto* places : {&config.syslog.to, &config.json.to, &config.webhook.to}) {
        for (const std::string& place : *places) used.insert(position_name(place));
    }
    std::error_code error;
    std::filesystem::directory_iterator folder(config.path(kPositions), error);
    std::vector<std::filesystem::path> unused;
    for (; !error && folder != std::filesystem::directory_iterator(); folder.increment(error)) {
        if (!used.contains(folder->path().filename())) unused.push_back(folder->path());
    }
    for (const auto& path : unused) std::filesystem::remove(path, error);
}

Result<void> Telling::make_mail(const model::Config& config, const ReadFile& read_file) {
    const model::MailConfig& mail = config.mail;
    notify::RelaySettings relay;
    relay.url = mail.smtp;
    while (relay.url.ends_with('/')) relay.url.pop_back();
    relay.host = notify::plain_host_name();
    relay.tls = mail.tls != "none";
    relay.user = mail.user;
    if (!mail.user.empty()) {
        // Read for each connection, so that a new one counts at once; the last one will do when the gateway is going down.
        auto last = std::make_shared<Secret>();
        relay.password = [read_file, path = config.path(mail.password_file), last]() -> Result<Secret> {
            auto now = read_secret(read_file, path);
            if (now) *last = now->clone();
            if (!now && !last->empty()) return last->clone();
            return now;
        };
        if (auto there = relay.password(); !there) return std::unexpected(there.error());
    }
    auto pem = authorities(read_file, config, mail.ca_file);
    if (!pem) return std::unexpected(pem.error());
    relay.authorities = std::move(*pem);

    notify::MailTexts texts(mail.language);
    for (const auto event : {notify::MailEvent::Start, notify::MailEvent::Finish, notify::MailEvent::Refused}) {
        if (mail.templates.empty()) break;
        // One that is not there is none.
        auto text = read_file(config.path(mail.templates) + "/" + std::string(notify::name(event)) + ".txt", kMostTemplate);
        if (text) texts.replace(event, std::move(*text));
    }
    const notify::MailQueue queue(config.path("mail"));
    auto& parts = *m_parts;
    parts.mail_sender = std::make_unique<notify::MailSender>(queue, std::move(relay), mail.give_up,
        [this](std::string kind, std::string subject, std::string outcome, std::string reason) {
            audit(std::move(kind), std::move(subject), std::move(outcome), std::move(reason));
        });
    parts.mail_reader = std::make_unique<MailReader>(*parts.source, queue, std::move(texts),
        MailReader::Settings{notify::sender_address(mail), mail.to, mail.events, notify::host_name()},
        position(config, "mail"), *parts.mail_sender);
    return parts.mail_reader->prepare();
}

Result<void> Telling::add_stream(const model::Config& config, const std::string& place,
    const std::vector<std::string>& kinds, const StreamReader::Make& make) {
    const auto report = [this](std::string subject, std::string outcome, std::string reason) {
        audit("telling", std::move(subject), std::move(outcome), std::move(reason));
    };
    // Behind the host of a webhook there may be something that only its receiver should know.
    const std::size_t path = place.starts_with("http") ? place.find('/', place.find("//") + 2) : std::string::npos;
    m_parts->streams.push_back(std::make_unique<StreamReader>(
        *m_parts->source, place.substr(0, path), kinds, position(config, position_name(place)), make, report));
    return m_parts->streams.back()->prepare();
}

/// Syslog and lines of JSON.
Result<void> Telling::make_streams(const model::Config& config, const ReadFile& read_file) {
    const model::SyslogConfig& syslog = config.syslog;
    const auto pem = authorities(read_file, config, syslog.ca_file);
    if (!pem) return fail("syslog: " + pem.error().text, pem.error().detail);
    notify::SyslogForm form{notify::syslog_facility(syslog.facility).value_or(10), syslog.sd_id, notify::host_name(),
        std::to_string(::getpid()), kMostMessage};
    for (const std::string& place : syslog.to) {
        const std::string_view scheme = std::string_view(place).substr(0, place.find(':'));
        const std::string authority = place.substr(scheme.size() + 3);
        const auto at = base::parse_host_port(authority);
        if (!at) return fail("syslog.to: " + place + " is not SCHEME://HOST:PORT");
        StreamReader::Make make;
        if (scheme == "udp") {
            notify::SyslogForm shorter = form;
            shorter.most = kMostDatagram;
            make = [shorter, at](const std::atomic<bool>& stop) {
                return notify::udp_stream(
                    at->host, at->port,
                    [shorter](const model::AuditRecord& record) { return notify::syslog_form(record, shorter); }, stop);
            };
        } else {
            notify::TcpSettings tcp{authority, scheme == "tls", *pem, nullptr, nullptr};
            if (tcp.tls && !syslog.certificate_file.empty()) {
                tcp.certificate = [read_file, path = config.path(syslog.certificate_file)] {
                    return read_file(path, kMostAuthorities);
                };
                tcp.key = [read_file, path = config.path(syslog.key_file)] { return read_file(path, kMostAuthorities); };
            }
            make = [form, tcp](const std::atomic<bool>& stop) {
                // RFC 6587 §3.4.1: the length, a blank, the message.
                return notify::tcp_stream(
                    tcp,
                    [form](const model::AuditRecord& record) {
                        const std::string message = notify::syslog_form(record, form);
                        return fmt::format("{} {}", message.size(), message);
                    },
                    stop);
            };
        }
        if (auto added = add_stream(config, place, syslog.kinds, make); !added) return added;
    }
    for (const std::string& place : config.json.to) {
        const std::string path = place.substr(place.find(':') + 1);
        const bool datagrams = place.starts_with("unix-dgram:");
        const notify::Form line = [host = notify::host_name(), datagrams](const model::AuditRecord& record) {
            return notify::json_form(record, host) + (datagrams ? "" : "\n");
        };
        const StreamReader::Make make = [&, file = place.starts_with("file:")](const std::atomic<bool>& stop) {
            return file ? notify::file_stream(path, line) : notify::local_stream(path, datagrams, line, stop);
        };
        if (auto added = add_stream(config, place, config.json.kinds, make); !added) return added;
    }
    return {};
}

Result<void> Telling::make_webhooks(const model::Config& config, const ReadFile& read_file) {
    const model::WebhookConfig& webhook = config.webhook;
    if (webhook.to.empty()) return {};
    notify::WebhookSettings settings;
    settings.host = notify::host_name();
    auto pem = authorities(read_file, config, webhook.ca_file);
    if (!pem) return std::unexpected(pem.error());
    settings.authorities = std::move(*pem);
    settings.secrets = [read_file, path = config.path(webhook.secret_file)] { return read_secrets(read_file, path); };
    if (const auto there = settings.secrets(); !there) return std::unexpected(there.error());
    for (const std::string& place : webhook.to) {
        settings.url = place;
        const auto make = [settings](const std::atomic<bool>& stop) { return notify::webhook_stream(settings, stop); };
        if (auto added = add_stream(config, place, webhook.kinds, make); !added) return added;
    }
    return {};
}

void Telling::start() {
    for (const auto& stream : m_parts->streams) stream->start();
    if (m_parts->mail_sender) m_parts->mail_sender->start();
    if (m_parts->mail_reader) m_parts->mail_reader->start();
}

void Telling::audit(std::string kind, std::string subject, std::string outcome, std::string reason) {
    model::AuditRecord record;
    record.kind = std::move(kind);
    record.subject = std::move(subject);
    record.outcome = std::move(outcome);
    record.reason = std::move(reason);
    const std::lock_guard lock(m_mutex);
    if (m_audit) m_audit(std::move(record));
}

void Telling::hush() {
    const std::lock_guard lock(m_mutex);
    m_audit = nullptr;
}

Telling::~Telling() {
    const TimePoint until = std::chrono::steady_clock::now() + kFarewell;
    if (m_parts->mail_reader) m_parts->mail_reader->finish();
    if (m_parts->mail_sender) m_parts->mail_sender->finish(until);
    for (const auto& stream : m_parts->streams) stream->finish(until);
}

}  // namespace sekisho::gateway
