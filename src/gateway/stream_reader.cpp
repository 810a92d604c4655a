#include "gateway/stream_reader.h"

#include <algorithm>

#include "base/log.h"
#include "base/thread_name.h"
#include "model/pattern.h"
#include "notify/mail_sender.h"

namespace sekisho::gateway {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStreamLook = 500ms;
constexpr Duration kLongestPause = 1min;
constexpr std::size_t kStreamPiece = 100;  // records of one telling

}  // namespace

StreamReader::StreamReader(AuditSource& source, std::string name, std::vector<std::string> kinds, notify::Position position,
    const Make& make, Report report)
    : m_source(source), m_name(std::move(name)), m_kinds(std::move(kinds)), m_position(std::move(position)),
      m_report(std::move(report)), m_stream(make(m_stop)) {}

Result<void> StreamReader::prepare() {
    const auto position = m_source.begin_at(m_position);
    if (!position) return std::unexpected(position.error());
    m_read = m_certain = *position;
    return {};
}

void StreamReader::start() {
    m_thread = std::thread([this] { work(); });
}

void StreamReader::finish(TimePoint until) {
    if (!m_thread.joinable()) return;
    {
        std::unique_lock lock(m_mutex);
        m_ending = true;
        m_wake.notify_all();
        m_wake.wait_until(lock, until, [this] { return m_ended; });
    }
    m_stop = true;
    m_thread.join();
}

void StreamReader::work() {
    base::name_this_thread("teller");
    std::unique_lock lock(m_mutex);
    while (true) {
        const bool ending = m_ending;
        lock.unlock();
        Result<bool> more = true;
        while (more && *more && !m_stop) more = pass();
        if (ending) {
            if (more) m_stream->finish();
            (void)settle();
        } else if (more || !m_stop) {
            note(more ? Result<void>() : std::unexpected(more.error()));
        }
        const Duration pause = more ? kStreamLook : notify::MailSender::pause(m_failures, kLongestPause);
        lock.lock();
        if (ending) {
            m_ended = true;
            m_wake.notify_all();
            return;
        }
        m_wake.wait_for(lock, pause, [this] { return m_ending; });
    }
}

/// True: there is more. An Error: what was in doubt is told again.
Result<bool> StreamReader::pass() {
    // First, because it finds a connection that is gone while nothing happens.
    if (auto settled = settle(); !settled) return std::unexpected(settled.error());
    const auto records = m_source.after(m_read, kStreamPiece);
    if (!records) return std::unexpected(records.error());
    if (records->empty()) return false;
    std::vector<model::AuditRecord> chosen;
    for (const model::AuditRecord& record : *records) {
        const bool wanted = m_kinds.empty() || std::ranges::any_of(m_kinds, [&](const std::string& kind) {
            return model::matches_pattern(kind, record.kind);
        });
        if (wanted) chosen.push_back(record);
    }
    if (!chosen.empty()) {
        if (auto told = m_stream->tell(chosen); !told) {
            m_read = m_certain;
            return std::unexpected(told.error());
        }
    }
    m_read = records->back().sequence;
    if (auto settled = settle(); !settled) return std::unexpected(settled.error());
    return records->size() == kStreamPiece;
}

Result<void> StreamReader::settle() {
    const auto certain = m_stream->certain(m_read);
    if (!certain) {
        m_read = m_certain;
        return std::unexpected(certain.error());
    }
    if (*certain <= m_certain) return {};
    m_certain = *certain;
    return m_position.write(m_certain, false);
}

void StreamReader::note(const Result<void>& outcome) {
    if (outcome) {
        if (m_failures > 0) {
            log::info("telling.recovered", {{"place", m_name}});
            m_report(m_name, "ok", "it takes records again");
        }
        m_failures = 0;
        return;
    }
    log::warn_limited("telling.failed", {{"place", m_name}, {"reason", outcome.error().full()}});
    if (m_failures++ == 0) m_report(m_name, "failed", outcome.error().full() + "; the records wait");
}

}  // namespace sekisho::gateway
