// The part of the API about mails that wait for the relay, or were given up. The folder is the queue (notify/mail_queue): what is changed
// here, the sender sees there.
#include "notify/mail_queue.h"

#include <fmt/format.h>

#include "notify/mail_text.h"
#include "notify/sender.h"
#include "web/json.h"

namespace sekisho::web {
namespace {

constexpr std::size_t kMostListed = 10'000;

Json mail_json(const std::string& id, const notify::QueuedMail& queued) {
    const bool tried = queued.attempts.count > 0;
    return {{"id", id}, {"state", queued.dead ? "dead" : "waiting"}, {"to", queued.mail.to},
        {"subject", queued.mail.subject}, {"made", base::rfc3339(queued.mail.made)}, {"attempts", queued.attempts.count},
        {"next", tried && !queued.dead ? Json(base::rfc3339(queued.attempts.next)) : Json(nullptr)},
        {"error", queued.attempts.error}};
}

/// Ids that wait and ids that are dead.
Result<std::vector<std::string>> all_ids(const notify::MailQueue& queue, bool waiting) {
    auto dead = queue.ids(true);
    if (!dead || !waiting) return dead;
    auto ids = queue.ids();
    if (ids) ids->insert(ids->end(), dead->begin(), dead->end());
    return ids;
}

}  // namespace

notify::MailQueue Api::mails() const { return notify::MailQueue(m_config.path("mail")); }

Response Api::list_mails(const Call&) {
    const notify::MailQueue queue = mails();
    const auto ids = all_ids(queue, true);
    if (!ids) return refuse(ids.error());
    Json list = Json::array();
    for (const std::string& id : *ids) {
        if (list.size() == kMostListed) break;
        // One that went meanwhile is no news.
        if (const auto queued = queue.read(id)) list.push_back(mail_json(id, *queued));
    }
    return respond({{"mails", std::move(list)}});
}

Response Api::show_mail(const Call& call) {
    const auto queued = mails().read(call.name);
    if (!queued) return refuse(404, "there is no mail " + call.name);
    Json body = mail_json(call.name, *queued);
    body["from"] = queued->mail.from;
    body["text"] = queued->mail.text;
    return respond(body);
}

Response Api::changed_mails(const Call& call, const char* kind, const std::vector<std::string>& ids) {
    if (ids.empty()) return respond({{"mails", ids}});
    const auto kept = m_store.audit({.time = call.now,
        .kind = kind,
        .source = call.request.actor,
        .subject = ids.size() == 1 ? ids.front() : fmt::format("{} mails", ids.size()),
        .outcome = "ok"});
    if (!kept) return refuse(kept.error());
    return respond({{"mails", ids}});
}

Response Api::retry_mails(const Call& call) {
    const notify::MailQueue queue = mails();
    std::vector<std::string> ids{call.name}, retried;
    if (call.name.empty()) {
        auto all = all_ids(queue, true);
        if (!all) return refuse(all.error());
        ids = std::move(*all);
    }
    for (const std::string& id : ids) {
        const auto there = queue.retry(id);
        if (!there) return refuse(there.error());
        if (!*there && !call.name.empty()) return refuse(404, "there is no mail " + call.name);
        if (*there) retried.push_back(id);
    }
    return changed_mails(call, "mail.retry", retried);
}

Response Api::remove_mail(const Call& call) {
    if (const auto removed = mails().remove(call.name); !removed) {
        if (removed.error().detail == "missing") return refuse(404, "there is no mail " + call.name);
        return refuse(removed.error());
    }
    return changed_mails(call, "mail.removed", {call.name});
}

Response Api::test_mail(const Call& call) {
    const model::MailConfig& config = m_config.mail;
    if (config.smtp.empty()) return refuse(409, "mail.smtp is empty: no mails are sent");
    const std::string host = notify::host_name();
    const notify::MailText text = notify::MailTexts(config.language).test(host, call.now);
    std::vector<std::string> ids;
    for (const std::string& to : config.to) {
        ids.push_back(notify::MailQueue::id_for_test());
        const notify::Mail mail{ids.back(), notify::sender_address(config), to, text.subject, text.text, host, call.now};
        if (const auto put = mails().put(mail); !put) return refuse(put.error());
    }
    return changed_mails(call, "mail.test", ids);
}

}  // namespace sekisho::web
