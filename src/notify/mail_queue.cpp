#include "notify/mail_queue.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "crypto/random.h"
#include "notify/small_file.h"

namespace sekisho::notify {
namespace {

constexpr std::size_t kFileMost = 1 << 20;
constexpr std::size_t kDigits = 12;

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

std::string random_hex() {
    std::array<std::byte, 6> bytes{};
    crypto::system_random().fill(bytes);
    return base::hex(bytes);
}

std::int64_t milliseconds(const nlohmann::json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

MailAttempts parse_attempts(const std::string& text) {
    MailAttempts attempts;
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return attempts;
    attempts.count = static_cast<std::uint64_t>(std::max<std::int64_t>(milliseconds(json, "count"), 0));
    attempts.since = base::from_unix_milliseconds(milliseconds(json, "since"));
    attempts.last = base::from_unix_milliseconds(milliseconds(json, "last"));
    attempts.next = base::from_unix_milliseconds(milliseconds(json, "next"));
    if (json.contains("error") && json["error"].is_string()) attempts.error = json["error"].get<std::string>();
    return attempts;
}

}  // namespace

std::string MailQueue::id_for(std::uint64_t sequence, std::size_t recipient) {
    return fmt::format("{:0{}}-{}-{}", sequence, kDigits, recipient, random_hex());
}

std::string MailQueue::id_for_test() { return "test-" + random_hex(); }

std::optional<std::uint64_t> MailQueue::sequence_of(std::string_view id) {
    std::uint64_t sequence = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), sequence);
    const bool whole =
        error == std::errc() && end != id.data() + id.size() && *end == '-' && end - id.data() >= static_cast<int>(kDigits);
    return whole ? std::optional(sequence) : std::nullopt;
}

bool MailQueue::is_id(std::string_view id) {
    return !id.empty() && id.size() <= 64 &&
           std::ranges::all_of(id, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string MailQueue::path(const std::string& id, std::string_view kind) const {
    return fmt::format("{}/{}.{}", m_folder, id, kind);
}

Result<void> MailQueue::put(const Mail& mail) const {
    if (!is_id(mail.id) || !is_mail_address(mail.to) || !is_mail_address(mail.from)) return fail("that is no mail to send");
    return write_small_file(path(mail.id, "mail"), to_file(mail), true);
}

Result<std::vector<std::string>> MailQueue::ids(bool dead) const {
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir(m_folder.c_str()));
    std::vector<std::string> found;
    if (!folder && errno == ENOENT) return found;
    if (!folder) return fail("the folder of mails " + m_folder + " cannot be read: " + std::strerror(errno));
    const std::string_view end = dead ? ".dead" : ".mail";
    while (const dirent* entry = ::readdir(folder.get())) {
        std::string_view name = entry->d_name;
        if (!name.ends_with(end)) continue;
        name.remove_suffix(end.size());
        if (is_id(name)) found.emplace_back(name);
    }
    std::ranges::sort(found);
    return found;
}

Result<QueuedMail> MailQueue::read(const std::string& id) const {
    if (!is_id(id)) return fail("that is no id of a mail", "missing");
    QueuedMail queued;
    auto text = read_small_file(path(id, "mail"), kFileMost);
    if (!text && text.error().detail == "missing") {
        queued.dead = true;
        text = read_small_file(path(id, "dead"), kFileMost);
    }
    if (!text) return std::unexpected(text.error());
    auto mail = from_file(*text);
    if (!mail) return fail("the mail " + id + " cannot be read: " + mail.error().text);
    queued.mail = std::move(*mail);
    queued.mail.id = id;
    if (const auto tried = read_small_file(path(id, "try"), kFileMost)) queued.attempts = parse_attempts(*tried);
    queued.attempts.since = std::max(queued.attempts.since, queued.mail.made);
    return queued;
}

bool MailQueue::tried(const std::string& id) const { return ::access(path(id, "try").c_str(), F_OK) == 0; }

Result<void> MailQueue::note(const std::string& id, const MailAttempts& attempts) const {
    const nlohmann::json json{{"count", attempts.count}, {"since", base::unix_milliseconds(attempts.since)},
        {"last", base::unix_milliseconds(attempts.last)}, {"next", base::unix_milliseconds(attempts.next)},
        {"error", attempts.error}};
    return write_small_file(
        path(id, "try"), json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", false);
}

Result<void> MailQueue::remove(const std::string& id) const {
    if (!is_id(id)) return fail("that is no id of a mail", "missing");
    bool found = false;
    for (const char* kind : {"mail", "dead"}) {
        if (::unlink(path(id, kind).c_str()) == 0)
            found = true;
        else if (errno != ENOENT)
            return fail("the mail " + id + " cannot be removed: " + std::strerror(errno));
    }
    ::unlink(path(id, "try").c_str());
    if (!found) return fail("there is no mail " + id, "missing");
    return sync_folder(m_folder);
}

Result<void> MailQueue::bury(const std::string& id) const {
    if (::rename(path(id, "mail").c_str(), path(id, "dead").c_str()) == 0) return {};
    return fail("the mail " + id + " cannot be put aside: " + std::strerror(errno));
}

Result<bool> MailQueue::retry(const std::string& id) const {
    if (!is_id(id)) return false;
    const bool was_dead = ::access(path(id, "dead").c_str(), F_OK) == 0;
    if (!was_dead && ::access(path(id, "mail").c_str(), F_OK) != 0) return false;
    MailAttempts anew;
    anew.since = std::chrono::system_clock::now();
    if (auto noted = note(id, anew); !noted) return std::unexpected(noted.error());
    if (was_dead && ::rename(path(id, "dead").c_str(), path(id, "mail").c_str()) != 0)
        return fail("the mail " + id + " cannot be put back: " + std::strerror(errno));
    return true;
}

std::uint64_t MailQueue::stamp() const {
    struct stat facts{};
    if (::stat(m_folder.c_str(), &facts) != 0) return 0;
    return static_cast<std::uint64_t>(facts.st_mtim.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(facts.st_mtim.tv_nsec);
}

}  // namespace sekisho::notify
