#include "gateway/users_from.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "base/log.h"
#include "base/thread_name.h"
#include "crypto/random.h"
#include "model/difference.h"

namespace sekisho::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kFirstRetry{5};
constexpr std::size_t kUsersPiece = 500;  // users of one transaction
constexpr std::size_t kMostTold = 100;  // refused objects of one look, by name

/// Not all gateways of one bucket at the same moment: up to a tenth earlier.
Duration scattered(Duration period) {
    std::uint16_t random = 0;
    crypto::system_random().fill(std::as_writable_bytes(std::span(&random, 1)));
    return period - period / 10 * random / 65535;
}

}  // namespace

UsersFrom::UsersFrom(Services& services, std::unique_ptr<identity::UsersSource> source, std::function<void()> access_changed)
    : m_services(services), m_source(std::move(source)), m_url(services.config.load()->users_from.url),
      m_log(services.config.load()->path(services.config.load()->users_from.change_log)),
      m_access_changed(std::move(access_changed)) {}

UsersFrom::~UsersFrom() {
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
    }
    m_wake.notify_one();
    m_source->stop();
    if (m_thread.joinable()) m_thread.join();
}

void UsersFrom::start() {
    m_thread = std::thread([this] { work(); });
}

void UsersFrom::look() {
    {
        const std::lock_guard lock(m_mutex);
        m_asked = true;
    }
    m_wake.notify_one();
}

void UsersFrom::work() {
    base::name_this_thread("users-from");
    std::unique_lock lock(m_mutex);
    TimePoint due = std::chrono::steady_clock::now();
    while (true) {
        m_wake.wait_until(lock, due, [this] { return m_stopping || m_asked; });
        if (m_stopping) return;
        m_asked = false;
        lock.unlock();
        const TimePoint began = std::chrono::steady_clock::now();
        const auto outcome = look_once();
        lock.lock();
        if (m_stopping) return;  // and nothing is said about what we ended ourselves
        note_outcome(outcome);
        due = (outcome ? began : std::chrono::steady_clock::now()) + until_next(outcome.has_value());
    }
}

/// From one beginning to the next, so that whoever appears is there within the period; after a failure sooner, and then less often.
Duration UsersFrom::until_next(bool succeeded) {
    const Duration every = m_services.config.load()->users_from.every;
    if (succeeded) return scattered(every);
    return std::min(every, scattered(kFirstRetry * (1U << std::min(m_failures - 1, 10U))));
}

Result<void> UsersFrom::look_once() {
    auto listed = m_source->list();
    if (!listed) return std::unexpected(listed.error());
    const identity::Listing listing = identity::read_listing(std::move(*listed), m_source->prefix());
    if (auto read = read_new(listing); !read) return read;

    const auto config = m_services.config.load();
    const auto snapshot = m_services.access.load();
    const identity::UsersPlan plan = identity::plan_users(snapshot->access, listing, m_contents,
        {.groups = config->users_from.groups, .empty_removes = config->users_from.on_empty == "remove"});
    note_refused(plan);
    if (plan.empty()) return {};
    auto stored = store(plan, snapshot->access);
    // Of a change that failed halfway, too: the next look begins from what there is.
    m_access_changed();
    m_services.store.settle();
    return stored;
}

/// What is listed with another tag than last time. What is not listed any more is forgotten.
Result<void> UsersFrom::read_new(const identity::Listing& listing) {
    identity::Contents still;
    std::map<std::string, std::string> tags;
    std::vector<std::string> wanted, wanted_tags;
    std::uint64_t bytes = 0;
    for (const auto& [user, object] : listing.users) {
        bytes += std::min<std::uint64_t>(object.size, identity::kMostKeysBytes);
        if (bytes > identity::kMostBytes) {
            return fail(fmt::format("there are more than {} MiB of keys", identity::kMostBytes >> 20));
        }
    }
    for (const auto& [user, object] : listing.users) {
        const auto known = m_tags.find(object.name);
        if (known != m_tags.end() && !object.tag.empty() && known->second == object.tag) {
            still.insert(m_contents.extract(object.name));
            tags.insert(m_tags.extract(known));
        } else if (object.size > identity::kMostKeysBytes) {
            still.emplace(object.name, fail(fmt::format("it is longer than {} bytes", identity::kMostKeysBytes)));
        } else {
            wanted.push_back(object.name);
            wanted_tags.push_back(object.tag);
        }
    }
    m_contents = std::move(still);
    m_tags = std::move(tags);
    return m_source->read(wanted, [&](std::size_t i, Result<std::string> content) {
        // One that could not be read is tried again next time: it gets no tag.
        if (content) m_tags.insert_or_assign(wanted[i], wanted_tags[i]);
        m_contents.insert_or_assign(wanted[i], content ? identity::read_keys(*content) : std::unexpected(content.error()));
    });
}

Result<void> UsersFrom::store(const identity::UsersPlan& plan, const model::Access& access) {
    std::set<std::string> created;
    for (const auto& change : plan.created) created.insert(change.user);
    // Whoever has to go goes first.
    for (std::size_t i = 0; i < plan.removed.size(); i += kUsersPiece) {
        const auto end = plan.removed.begin() + static_cast<std::ptrdiff_t>(std::min(i + kUsersPiece, plan.removed.size()));
        auto stored = store_piece({}, {plan.removed.begin() + static_cast<std::ptrdiff_t>(i), end}, access, created);
        if (!stored) return stored;
    }
    for (std::size_t i = 0; i < plan.put.size(); i += kUsersPiece) {
        const auto end = plan.put.begin() + static_cast<std::ptrdiff_t>(std::min(i + kUsersPiece, plan.put.size()));
        auto stored = store_piece({plan.put.begin() + static_cast<std::ptrdiff_t>(i), end}, {}, access, created);
        if (!stored) return stored;
    }
    log::info("users_from.changed", {{"created", std::to_string(plan.created.size())},
                                        {"changed", std::to_string(plan.put.size() - plan.created.size())},
                                        {"removed", std::to_string(plan.removed.size())}});
    return {};
}

Result<void> UsersFrom::store_piece(const std::vector<model::User>& put, const std::vector<identity::UserChange>& remove,
    const model::Access& access, const std::set<std::string>& created) {
    const WallTime now = std::chrono::system_clock::now();
    model::Access before, after;
    after.users = put;
    std::vector<std::string> names;
    for (const auto& gone : remove) {
        names.push_back(gone.user);
        if (const model::User* user = access.user(gone.user)) before.users.push_back(*user);
    }
    for (const auto& user : put) {
        if (const model::User* stored = access.user(user.name)) before.users.push_back(*stored);
    }
    const auto records = model::audit_of(model::difference(before, after), "users_from", now);
    // Shared: set_value() may still be at work on it when the value is there.
    const auto done = std::make_shared<std::promise<Result<void>>>();
    m_services.store.submit([&](store::Store& store) { return store.change_users(put, names, records); },
        [done](Result<void> result) { done->set_value(std::move(result)); });
    if (auto stored = done->get_future().get(); !stored) return stored;

    std::string lines;
    for (const auto& gone : remove)
        lines += notify::ChangeLog::line(notify::ChangeLog::Change::Removed, gone.user, gone.object, now);
    for (const auto& user : put) {
        if (created.contains(user.name)) {
            lines += notify::ChangeLog::line(notify::ChangeLog::Change::Created, user.name, user.origin, now);
        }
    }
    if (lines.empty()) return {};
    // The audit has them, too: a full disk keeps nobody here who has to go.
    if (auto written = m_log.write(lines); !written)
        log::error("users_from.change_log", {{"reason", written.error().full()}});
    return {};
}

/// Its beginning and its end are for auditors, each attempt for the log.
void UsersFrom::note_outcome(const Result<void>& outcome) {
    if (outcome) {
        if (m_failures > 0) {
            log::info("users_from.recovered", {{"url", m_url}});
            audit(m_url, "ok", "it can be read again");
        }
        m_failures = 0;
        return;
    }
    ++m_failures;
    const std::string reason = outcome.error().full();
    log::warn("users_from.failed", {{"url", m_url}, {"reason", reason}, {"failures", std::to_string(m_failures)}});
    if (m_failures == 1) audit(m_url, "failed", reason + "; whoever was there stays");
}

void UsersFrom::note_refused(const identity::UsersPlan& plan) {
    std::set<identity::RefusedObject> now(plan.refused.begin(), plan.refused.end());
    std::size_t told = 0;
    for (const auto& refused : now) {
        if (m_refused.contains(refused) || told++ >= kMostTold) continue;
        log::warn("users_from.refused", {{"object", refused.object}, {"reason", refused.reason}});
        audit(refused.object, "refused", refused.reason);
    }
    if (told > kMostTold) {
        const std::string more = std::to_string(told - kMostTold) + " more objects are refused";
        log::warn("users_from.refused", {{"reason", more}});
        audit(m_url, "refused", more);
    }
    m_refused = std::move(now);

    if (plan.kept_though_gone > 0 && !m_kept_told) {
        const std::string reason = fmt::format(
            "no user is listed any more; the {} that came from there stay, unless "
            "users_from.on_empty = \"remove\"",
            plan.kept_though_gone);
        log::error("users_from.empty", {{"url", m_url}, {"reason", reason}});
        audit(m_url, "failed", reason);
    }
    m_kept_told = plan.kept_though_gone > 0;
}

void UsersFrom::audit(std::string subject, std::string outcome, std::string reason) {
    model::AuditRecord record;
    record.kind = "users_from";
    record.source = "users_from";
    record.subject = std::move(subject);
    record.outcome = std::move(outcome);
    record.reason = std::move(reason);
    m_services.store.audit(std::move(record));
}

}  // namespace sekisho::gateway
