// The part of the API that looks into the searchable index, and the filters that listings of sessions share with it.
#include <fmt/format.h>

#include "base/duration.h"
#include "base/network.h"
#include "base/time_zone.h"
#include "web/filters.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

constexpr std::size_t kMostWords = 16;

Json hit_json(const store::ActivityHit& hit) {
    Json item{{"time", base::rfc3339(hit.time())}, {"audit_key", hit.audit_key}, {"user", hit.user}, {"source", hit.source}};
    if (hit.command) {
        const model::CommandRun& command = *hit.command;
        item.update({{"kind", "command"}, {"session", command.session}, {"channel", command.channel},
            {"target", command.target}, {"how", model::name(command.how)}, {"text", command.text}});
    } else {
        const model::FileOperation& file = *hit.file;
        item.update({{"kind", "file"}, {"session", file.session}, {"channel", file.channel}, {"target", file.target},
            {"operation", file.operation}, {"path", file.path}, {"other_path", file.other_path},
            {"bytes_read", file.bytes_read}, {"bytes_written", file.bytes_written}, {"sha256", file.sha256},
            {"result", file.result}, {"via", file.via}});
    }
    return item;
}

/// A time with its zone, a day (its beginning in UTC), or how long ago.
Result<std::optional<WallTime>> moment(const Request& request, std::string_view name) {
    const std::string& text = request.parameter(name);
    if (text.empty()) return std::nullopt;
    if (const auto time = base::parse_rfc3339(text)) return *time;
    if (const auto day = base::parse_rfc3339(text + "T00:00:00Z"); text.size() == 10 && day) return *day;
    if (const auto ago = base::parse_duration(text)) return std::chrono::system_clock::now() - *ago;
    return fail(fmt::format(
        "{} is a time with its zone (2026-11-23T08:00:00+09:00), a day (2026-11-23, in UTC), or how long ago (8h, 2d)",
        name));
}

/// By blanks; between double quotes a blank is part of the word, and a backslash takes the meaning from what follows.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            word += text[++i];
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (text[i] == ' ' && !quoted) {
            if (!word.empty()) words.push_back(std::exchange(word, {}));
        } else {
            word += text[i];
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

}  // namespace

Result<store::ActivityFilter> activity_filter(const Request& request) {
    store::ActivityFilter filter{.words = words_of(request.parameter("words")),
        .command = request.parameter("command"),
        .path = request.parameter("path"),
        .sha256 = request.parameter("sha256"),
        .user = request.parameter("user"),
        .target = request.parameter("target"),
        .login = request.parameter("login"),
        .source = request.parameter("from")};
    if (filter.words.size() > kMostWords) return fail(fmt::format("at most {} words", kMostWords));
    if (const std::size_t at = filter.target.rfind('@'); at != std::string::npos) {
        if (!filter.login.empty()) return fail("target says a login, too: leave login out");
        filter.login = filter.target.substr(0, at);
        filter.target.erase(0, at + 1);
    }
    if (!filter.source.empty()) {
        const auto address = base::Address::parse(filter.source);
        if (!address) return fail("from is an address, for example 192.0.2.7");
        filter.source = address->text();
    }
    const auto since = moment(request, "since");
    const auto until = moment(request, "until");
    if (!since || !until) return std::unexpected((since ? until : since).error());
    filter.since = *since;
    filter.until = *until;
    return filter;
}

Result<store::SessionFilter> session_filter(const Request& request) {
    auto filter = activity_filter(request);
    if (!filter) return std::unexpected(filter.error());
    return store::SessionFilter{.user = std::move(filter->user),
        .target = std::move(filter->target),
        .login = std::move(filter->login),
        .source = std::move(filter->source),
        .since = filter->since,
        .until = filter->until,
        .words = std::move(filter->words)};
}

/// What was looked for is in the audit: whoever may search sees what all users did.
Response Api::search(const Call& call) {
    auto filter = activity_filter(call.request);
    if (!filter) return refuse(400, filter.error().text);
    const auto most = number(call.request, "most", 100);
    if (!most) return refuse(400, "most is a number");
    filter->most = *most;
    std::string what;
    for (const auto& [name, value] : call.request.query) {
        if (name != "most") what += fmt::format("{}{}={}", what.empty() ? "" : " ", name, value);
    }
    const auto kept = m_store.audit({.time = call.now,
        .kind = "recordings.searched",
        .source = call.request.actor,
        .subject = what,
        .outcome = "ok",
        .reason = "by the admin API"});
    if (!kept) return refuse(kept.error());
    const auto hits = m_store.search(*filter);
    if (!hits) return refuse(hits.error());
    Json list = Json::array();
    for (const store::ActivityHit& hit : *hits) list.push_back(hit_json(hit));
    Json sessions = Json::array();
    if (!filter->words.empty() && filter->command.empty() && filter->path.empty() && filter->sha256.empty()) {
        auto wanted = session_filter(call.request);
        if (!wanted) return refuse(400, wanted.error().text);
        wanted->most = *most;
        const auto found = m_store.sessions(*wanted);
        if (!found) return refuse(found.error());
        sessions = list_of(*found);
    }
    return respond({{"hits", std::move(list)}, {"sessions", std::move(sessions)}});
}

}  // namespace sekisho::web
