#include "gateway/mail_reader.h"

#include <algorithm>

#include "base/log.h"
#include "base/thread_name.h"

namespace sekisho::gateway {
namespace {

using namespace std::chrono_literals;
using notify::MailEvent;

constexpr Duration kLook = 500ms;
// A START waits so long for its first target or forward to be known.
constexpr Duration kFirstPlace = 1s;
constexpr std::size_t kPiece = 500;  // records of one reading
constexpr std::size_t kMostGathered = 20'000;

}  // namespace

MailReader::MailReader(AuditSource& source, notify::MailQueue queue, notify::MailTexts texts, Settings settings,
    notify::Position position, notify::MailSender& sender)
    : m_source(source), m_queue(std::move(queue)), m_texts(std::move(texts)), m_settings(std::move(settings)),
      m_position(std::move(position)), m_sender(sender) {}

Result<void> MailReader::prepare() {
    const auto position = m_source.begin_at(m_position);
    if (!position) return std::unexpected(position.error());
    m_committed = *position;
    if (auto forgotten = forget(); !forgotten) return forgotten;
    m_sender.look(m_committed);
    return {};
}

/// Back to what is certain: mails behind the position were put for nobody, and are made again.
Result<void> MailReader::forget() {
    m_read = m_committed;
    m_gathered.clear();
    m_put = false;
    const auto ids = m_queue.ids();
    if (!ids) return std::unexpected(ids.error());
    for (const std::string& id : *ids) {
        if (notify::MailQueue::sequence_of(id).value_or(0) <= m_committed) continue;
        if (auto removed = m_queue.remove(id); !removed) return removed;
    }
    return {};
}

void MailReader::start() {
    m_thread = std::thread([this] { work(); });
}

void MailReader::finish() {
    if (!m_thread.joinable()) return;
    {
        const std::lock_guard lock(m_mutex);
        m_ending = true;
    }
    m_wake.notify_all();
    m_thread.join();
}

void MailReader::work() {
    base::name_this_thread("mail-reader");
    std::unique_lock lock(m_mutex);
    while (true) {
        const bool ending = m_ending;
        lock.unlock();
        auto done = pass(ending);
        if (done) done = commit();
        if (!done) {
            log::warn_limited("mail.not_made", {{"reason", done.error().full()}});
            (void)forget();  // or the next round does it
        }
        lock.lock();
        if (ending) return;
        m_wake.wait_for(lock, kLook, [this] { return m_ending; });
    }
}

Result<void> MailReader::pass(bool ending) {
    while (true) {
        const auto records = m_source.after(m_read, kPiece);
        if (!records) return std::unexpected(records.error());
        if (records->empty()) break;
        const auto waiting = m_queue.ids();
        if (!waiting) return std::unexpected(waiting.error());
        if (waiting->size() >= notify::MailQueue::kMostWaiting) return {};
        const WallTime now = std::chrono::system_clock::now();
        bool young = false;
        for (const model::AuditRecord& record : *records) {
            const auto event = wanted(record);
            young = !ending && event == MailEvent::Start && record.time <= now && now - record.time < kFirstPlace;
            if (young || m_gathered.size() >= kMostGathered) break;
            if (event && m_pace.alone(std::chrono::steady_clock::now())) {
                if (auto put = put_one({*event, record}); !put) return put;
            } else if (event) {
                m_gathered.emplace_back(*event, record);
            }
            m_read = record.sequence;
        }
        if (young || records->size() < kPiece || m_gathered.size() >= kMostGathered) break;
    }
    const auto due = m_pace.due();
    if (m_gathered.empty() || !due || (!ending && std::chrono::steady_clock::now() < *due)) return {};
    return put_list();
}

std::optional<MailEvent> MailReader::wanted(const model::AuditRecord& record) const {
    std::optional<MailEvent> event;
    if (record.kind == "session.start") event = MailEvent::Start;
    if (record.kind == "session.finish") event = MailEvent::Finish;
    if (record.kind == "access.refused") event = MailEvent::Refused;
    if (!event || std::ranges::find(m_settings.events, notify::name(*event)) == m_settings.events.end()) return std::nullopt;
    return event;
}

Result<void> MailReader::put_one(const Event& event) {
    const auto& [what, record] = event;
    notify::MailFacts facts;
    facts.event = what;
    facts.record = record;
    facts.host = m_settings.host;
    auto session = record.session.empty() ? Result<std::optional<model::Session>>() : m_source.session(record.session);
    if (!session) return std::unexpected(session.error());
    if (*session) facts.session = std::move(**session);
    facts.session.id = record.session;
    // The record is what is told; the row may know more by now, or nothing.
    facts.session.user = record.user;
    facts.session.source = record.source;
    if (!*session) facts.session.started = record.time;
    if (what == MailEvent::Start) facts.session.finished.reset();
    if (what == MailEvent::Finish && !facts.session.finished) facts.session.finished = record.time;
    if (!record.session.empty()) {
        auto places = m_source.places(facts.session);
        if (!places) return std::unexpected(places.error());
        facts.places = std::move(*places);
    }
    return put(record.sequence, m_texts.about(facts));
}

Result<void> MailReader::put_list() {
    const std::uint64_t last = m_gathered.back().second.sequence;
    auto put_it =
        m_gathered.size() == 1 ? put_one(m_gathered.front()) : put(last, m_texts.list(m_gathered, m_settings.host));
    if (!put_it) return put_it;
    m_gathered.clear();
    m_pace.gone(std::chrono::steady_clock::now());
    return {};
}

Result<void> MailReader::put(std::uint64_t sequence, const notify::MailText& text) {
    std::size_t recipient = 0;
    for (const std::string& to : m_settings.to) {
        notify::Mail mail{notify::MailQueue::id_for(sequence, recipient++), m_settings.from, to, text.subject, text.text,
            m_settings.host, std::chrono::system_clock::now()};
        if (auto put = m_queue.put(mail); !put) return put;
    }
    m_put = true;
    return {};
}

/// From here on what was read is told, whatever happens to this process. What is still gathered is read again by the next one.
Result<void> MailReader::commit() {
    const std::uint64_t now = m_gathered.empty() ? m_read : m_gathered.front().second.sequence - 1;
    if (now == m_committed) return {};
    if (auto written = m_position.write(now, m_put); !written) return written;
    m_committed = now;
    if (m_put) m_sender.look(m_committed);
    m_put = false;
    return {};
}

}  // namespace sekisho::gateway
