// StreamReader: tells one stream the audit records, from where it had come to. One thread: read records → choose kinds → tell → keep the
// position of what has arrived for certain. After a failure it goes back there and tries again, with growing, scattered pauses; the
// beginning and the end of an outage are audit records. Owned by gateway/telling.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/audit_source.h"
#include "notify/small_file.h"
#include "notify/stream.h"

namespace sekisho::gateway {

class StreamReader {
public:
    using Make = std::function<std::unique_ptr<notify::Stream>(const std::atomic<bool>& stop)>;
    using Report = std::function<void(std::string subject, std::string outcome, std::string reason)>;

    /// `kinds`: patterns; none: all. `name` is for logs and audit.
    StreamReader(AuditSource& source, std::string name, std::vector<std::string> kinds, notify::Position position,
        const Make& make, Report report);
    ~StreamReader() { finish(std::chrono::steady_clock::now()); }
    StreamReader(const StreamReader&) = delete;
    StreamReader& operator=(const StreamReader&) = delete;

    /// Where to begin. Before start().
    Result<void> prepare();
    void start();
    /// What there is is told once more, until `until` at the latest; then the thread ends.
    void finish(TimePoint until);

private:
    void work();
    Result<bool> pass();
    Result<void> settle();
    void note(const Result<void>& outcome);

    AuditSource& m_source;
    const std::string m_name;
    const std::vector<std::string> m_kinds;
    const notify::Position m_position;
    const Report m_report;

    // Of the thread.
    std::uint64_t m_read = 0;
    std::uint64_t m_certain = 0;
    std::uint64_t m_failures = 0;

    std::atomic<bool> m_stop = false;
    const std::unique_ptr<notify::Stream> m_stream;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    bool m_ending = false;
    bool m_ended = false;
    std::thread m_thread;
};

}  // namespace sekisho::gateway
