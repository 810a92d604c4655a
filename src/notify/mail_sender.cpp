// Order of one round: scan the folder, if it changed → send what is due → sleep until more is due, or is asked for.
#include "notify/mail_sender.h"

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "base/thread_name.h"
#include "crypto/random.h"

namespace sekisho::notify {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstPause = 2s;
constexpr Duration kLongestForMail = 15min;
constexpr Duration kLongestForRelay = 1min;
constexpr std::uint64_t kCoarse = 1'000'000'000;  // nanoseconds
constexpr Duration kLook = 1s;  // at the folder, for what administrators do there

}  // namespace

MailSender::MailSender(MailQueue queue, RelaySettings relay, std::chrono::seconds give_up, Report report)
    : m_queue(std::move(queue)), m_relay(std::move(relay)), m_give_up(give_up), m_report(std::move(report)) {}

MailSender::~MailSender() { finish(std::chrono::steady_clock::now()); }

void MailSender::start() {
    m_thread = std::thread([this] { work(); });
}

void MailSender::look(std::uint64_t committed) {
    m_committed = committed;
    {
        const std::lock_guard lock(m_mutex);
        m_asked = true;
    }
    m_wake.notify_all();
}

void MailSender::finish(TimePoint until) {
    if (!m_thread.joinable()) return;
    {
        std::unique_lock lock(m_mutex);
        m_ending = true;
        m_wake.notify_all();
        // work() takes m_ending back when it is done.
        m_wake.wait_until(lock, until, [this] { return !m_ending; });
    }
    m_stop = true;
    m_thread.join();
}

Duration MailSender::pause(std::uint64_t failures, Duration most) {
    const Duration full =
        std::min(most, kFirstPause * (1U << std::min<std::uint64_t>(std::max<std::uint64_t>(failures, 1) - 1, 16)));
    std::uint16_t random = 0;
    crypto::system_random().fill(std::as_writable_bytes(std::span(&random, 1)));
    return full / 2 + full / 2 * random / 65535;
}

void MailSender::work() {
    base::name_this_thread("mail");
    while (true) {
        bool ending = false;
        {
            const std::lock_guard lock(m_mutex);
            ending = m_ending;
            m_asked = false;
        }
        scan();
        const TimePoint next = send_due();
        std::unique_lock lock(m_mutex);
        if (ending) {
            m_ending = false;
            m_wake.notify_all();
            return;
        }
        const TimePoint look = std::chrono::steady_clock::now() + kLook;
        m_wake.wait_until(lock, std::min(next, look), [this] { return m_asked || m_ending; });
    }
}

/// What came, and what somebody wants tried anew or took away. Our own changes are looked at, too: something else may have come between.
void MailSender::scan() {
    const std::uint64_t stamp = m_queue.stamp();
    if (stamp == m_stamp) return;
    // The clock of file systems has coarse steps: within one of them more may come that shows no other stamp.
    const auto now_stamp =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    m_stamp = static_cast<std::uint64_t>(now_stamp) < stamp + kCoarse ? 0 : stamp;
    const auto ids = m_queue.ids();
    if (!ids) return log::warn_limited("mail.queue", {{"reason", ids.error().full()}});
    std::map<std::string, Waiting> now;
    for (const std::string& id : *ids) {
        const auto known = m_waiting.find(id);
        if (known != m_waiting.end()) now.insert(*known);
        if (!m_queue.tried(id)) {
            now.try_emplace(id);
            continue;
        }
        // After a restart the count goes on and the first attempt is at once; and nobody's time begins anew.
        const auto queued = m_queue.read(id);
        if (!queued) continue;
        const bool anew = known != m_waiting.end() && queued->attempts.count < known->second.attempts.count;
        if (known == m_waiting.end() || anew) now[id] = {queued->attempts, {}};
        if (anew) m_relay_due = {};
    }
    m_waiting = std::move(now);
}

/// Returns when the next one is due.
TimePoint MailSender::send_due() {
    const TimePoint now = std::chrono::steady_clock::now();
    TimePoint next = TimePoint::max();
    if (m_relay_due > now) return m_relay_due;
    std::vector<std::string> due;
    for (const auto& [id, waiting] : m_waiting) {
        if (MailQueue::sequence_of(id).value_or(0) > m_committed) continue;
        if (waiting.due <= now)
            due.push_back(id);
        else
            next = std::min(next, waiting.due);
    }
    if (due.empty()) return next;
    Smtp smtp(m_relay, m_stop);
    for (const std::string& id : due) {
        if (m_stop) return now;
        const auto queued = m_queue.read(id);
        if (!queued || queued->dead) {
            if (!queued && queued.error().detail != "missing") {
                log::error("mail.unreadable", {{"mail", id}, {"reason", queued.error().full()}});
                (void)m_queue.bury(id);
            }
            m_waiting.erase(id);
            continue;
        }
        const Delivery delivery = smtp.send(queued->mail);
        if (m_stop && delivery.outcome != Delivery::Outcome::Accepted) return now;
        relay_answered(delivery);
        if (delivery.outcome == Delivery::Outcome::Accepted) {
            if (const auto removed = m_queue.remove(id); !removed)
                log::error("mail.not_removed", {{"mail", id}, {"reason", removed.error().full()}});
            log::info("mail.sent", {{"mail", id}, {"to", queued->mail.to}});
            m_waiting.erase(id);
        } else {
            settle(id, m_waiting[id], queued->attempts.since, delivery);
        }
        if (delivery.outcome == Delivery::Outcome::Unreachable) return m_relay_due;
        const auto left = m_waiting.find(id);
        if (left != m_waiting.end()) next = std::min(next, left->second.due);
    }
    return next;
}

/// After an attempt in vain: another one later, or the end of it.
void MailSender::settle(const std::string& id, Waiting& waiting, WallTime since, const Delivery& delivery) {
    const bool unreachable = delivery.outcome == Delivery::Outcome::Unreachable;
    waiting.due =
        std::chrono::steady_clock::now() + pause(++waiting.attempts.count, unreachable ? kLongestForRelay : kLongestForMail);
    // Another one asks next: it may be this one that the relay cannot stand.
    if (unreachable) waiting.due = std::max(waiting.due, m_relay_due + 1s);
    const WallTime now = std::chrono::system_clock::now();
    waiting.attempts.since = since;
    waiting.attempts.last = now;
    waiting.attempts.next =
        now + std::chrono::duration_cast<WallTime::duration>(waiting.due - std::chrono::steady_clock::now());
    waiting.attempts.error = delivery.reason;
    if (auto noted = m_queue.note(id, waiting.attempts); !noted)
        log::warn_limited("mail.queue", {{"reason", noted.error().full()}});
    log::warn_limited(
        "mail.not_sent", {{"mail", id}, {"attempts", std::to_string(waiting.attempts.count)}, {"reason", delivery.reason}});
    if (now - since < m_give_up) return;
    log::error("mail.dead", {{"mail", id}, {"reason", delivery.reason}});
    if (auto buried = m_queue.bury(id); !buried) log::error("mail.queue", {{"reason", buried.error().full()}});
    m_report("mail.dead", id, "failed", delivery.reason);
    m_waiting.erase(id);
}

/// The beginning and the end of an outage are for auditors.
void MailSender::relay_answered(const Delivery& delivery) {
    if (delivery.outcome != Delivery::Outcome::Unreachable) {
        if (m_relay_failures > 0) m_report("mail.relay", m_relay.url, "ok", "it takes mails again");
        m_relay_failures = 0;
        m_relay_due = {};
        return;
    }
    if (m_relay_failures++ == 0) m_report("mail.relay", m_relay.url, "failed", delivery.reason + "; mails wait");
    m_relay_due = std::chrono::steady_clock::now() + pause(m_relay_failures, kLongestForRelay);
}

}  // namespace sekisho::notify
