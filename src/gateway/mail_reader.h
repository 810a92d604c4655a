// MailReader: makes mails of the audit records: START, FINISH, refusals. One thread: read records → make mails, or gather them when
// there are many → put them into the queue → move the position on, which is the moment from which they are told → wake the sender.
// A gateway that is killed in between makes them again, and what it had put without a position never goes out. Owned by gateway/telling.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gateway/audit_source.h"
#include "model/config.h"
#include "notify/mail_pace.h"
#include "notify/mail_sender.h"
#include "notify/mail_text.h"
#include "notify/small_file.h"

namespace sekisho::gateway {

class MailReader {
public:
    struct Settings {
        std::string from;
        std::vector<std::string> to;
        std::vector<std::string> events;
        std::string host;
    };

    MailReader(AuditSource& source, notify::MailQueue queue, notify::MailTexts texts, Settings settings,
        notify::Position position, notify::MailSender& sender);
    ~MailReader() { finish(); }
    MailReader(const MailReader&) = delete;
    MailReader& operator=(const MailReader&) = delete;

    /// Where to begin, and away with mails that no position stands for. Before start().
    Result<void> prepare();
    void start();
    /// What there is is put into the queue, also what was gathered; then the thread ends.
    void finish();

private:
    using Event = std::pair<notify::MailEvent, model::AuditRecord>;

    void work();
    Result<void> forget();
    Result<void> pass(bool ending);
    std::optional<notify::MailEvent> wanted(const model::AuditRecord& record) const;
    Result<void> put_one(const Event& event);
    Result<void> put_list();
    Result<void> put(std::uint64_t sequence, const notify::MailText& text);
    Result<void> commit();

    AuditSource& m_source;
    const notify::MailQueue m_queue;
    const notify::MailTexts m_texts;
    const Settings m_settings;
    const notify::Position m_position;
    notify::MailSender& m_sender;

    // Of the thread.
    notify::MailPace m_pace;
    std::vector<Event> m_gathered;
    std::uint64_t m_read = 0;
    std::uint64_t m_committed = 0;
    bool m_put = false;  // since the last commit

    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_ending = false;
    std::thread m_thread;
};

}  // namespace sekisho::gateway
