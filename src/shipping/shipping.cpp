#include "shipping/shipping.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/thread_name.h"
#include "crypto/random.h"

namespace sekisho::shipping {
namespace {

constexpr std::chrono::seconds kFirstRetry{5};

Duration scattered(Duration period) {
    std::uint16_t random = 0;
    crypto::system_random().fill(std::as_writable_bytes(std::span(&random, 1)));
    return period - period / 10 * random / 65535;
}

}  // namespace

Shipping::Shipping(std::string where, std::unique_ptr<Bucket> bucket, Books& books, Settings settings, Shipper::Full full)
    : m_where(std::move(where)), m_bucket(std::move(bucket)), m_books(books), m_settings(std::move(settings)),
      m_shipper(*m_bucket, books, [] { return std::chrono::system_clock::now(); }, std::move(full)) {}

Shipping::~Shipping() {
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
    }
    m_wake.notify_one();
    m_bucket->stop();
    if (m_thread.joinable()) m_thread.join();
}

void Shipping::start() {
    m_thread = std::thread([this] { work(); });
}

void Shipping::look() {
    {
        const std::lock_guard lock(m_mutex);
        m_asked = true;
    }
    m_wake.notify_one();
}

Duration Shipping::pause(std::chrono::seconds every, unsigned failures) {
    if (failures == 0) return scattered(every);
    return std::min<Duration>(every, scattered(kFirstRetry * (1U << std::min(failures - 1, 10U))));
}

void Shipping::work() {
    base::name_this_thread("shipping");
    std::unique_lock lock(m_mutex);
    TimePoint due = std::chrono::steady_clock::now();
    while (true) {
        m_wake.wait_until(lock, due, [this] { return m_stopping || m_asked; });
        if (m_stopping) return;
        const bool asked = std::exchange(m_asked, false);
        lock.unlock();
        const TimePoint began = std::chrono::steady_clock::now();
        ShipSettings settings = m_settings();
        settings.at_once = asked;
        const auto outcome = m_shipper.pass(settings);
        lock.lock();
        if (m_stopping) return;  // and nothing is said about what we ended ourselves
        note(outcome);
        due = (outcome ? began : std::chrono::steady_clock::now()) + pause(settings.every, m_failures);
        if (outcome && *outcome) due = began;
    }
}

void Shipping::note(const Result<bool>& outcome) {
    model::AuditRecord record;
    record.kind = "recording.upload";
    record.source = "shipping";
    record.subject = m_where;
    if (outcome) {
        if (m_failures > 0) {
            log::info("recording.upload_recovered", {{"url", m_where}});
            record.outcome = "ok";
            record.reason = "recordings leave again";
            (void)m_books.keep({}, {record});
        }
        m_failures = 0;
        return;
    }
    if (m_failures++ > 0) return;
    const std::string reason = outcome.error().full();
    log::warn("recording.upload_failed", {{"url", m_where}, {"reason", reason}});
    record.outcome = "failed";
    record.reason = reason + "; recordings stay here until they can leave";
    (void)m_books.keep({}, {record});  // where the store is away, too, the log has it
}

}  // namespace sekisho::shipping
