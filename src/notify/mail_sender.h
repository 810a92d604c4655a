// MailSender: one thread that hands the mails of the queue to the relay, the oldest first, and each until it was taken: with growing and
// scattered pauses, and after `give_up` it is dead, which is kept and can be tried anew. A relay that cannot be reached is asked with one
// mail, not with all. Owned by gateway/telling.
//
// A mail is removed when the relay took it. Where the connection is lost behind the last byte and before the answer, nobody can know
// (RFC 1047): it is sent again, under the same Message-ID, because a mail that comes twice harms less than one that never comes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "notify/mail_queue.h"
#include "notify/smtp.h"

namespace sekisho::notify {

class MailSender {
public:
    /// A fact for the audit: what, about which mail or relay, "ok" or "failed", and why. On this thread.
    using Report = std::function<void(std::string kind, std::string subject, std::string outcome, std::string reason)>;

    MailSender(MailQueue queue, RelaySettings relay, std::chrono::seconds give_up, Report report);
    ~MailSender();
    MailSender(const MailSender&) = delete;
    MailSender& operator=(const MailSender&) = delete;

    void start();
    /// Any thread: mails of records up to `committed` may go; those behind it are not yet certain to stay.
    void look(std::uint64_t committed);
    /// What is due goes once more, until `until` at the latest; then the thread ends.
    void finish(TimePoint until);

    /// Before attempt `failures` + 1: doubled from 2 s to `most`, and between half of it and all of it.
    static Duration pause(std::uint64_t failures, Duration most);

private:
    struct Waiting {
        MailAttempts attempts;
        TimePoint due{};
    };

    void work();
    void scan();
    TimePoint send_due();
    void settle(const std::string& id, Waiting& waiting, WallTime since, const Delivery& delivery);
    void relay_answered(const Delivery& delivery);

    const MailQueue m_queue;
    const RelaySettings m_relay;
    const std::chrono::seconds m_give_up;
    const Report m_report;

    // Of the thread.
    std::map<std::string, Waiting> m_waiting;  // by id: the oldest first
    std::uint64_t m_stamp = 0;
    std::uint64_t m_relay_failures = 0;
    TimePoint m_relay_due{};

    std::atomic<std::uint64_t> m_committed = 0;
    std::atomic<bool> m_stop = false;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_asked = false;
    bool m_ending = false;
    std::thread m_thread;
};

}  // namespace sekisho::notify
