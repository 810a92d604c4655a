// Stream: one place outside where audit records are told as they come: a file, a socket, a server of syslog, a webhook. Owned and called by
// gateway/stream_reader on its thread, which asks how far the receiver has them for certain and tells the rest again after an outage:
// each record at least once, in order, with its sequence number. Calls block, but not for long once `stop` is true.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "model/session.h"

namespace sekisho::notify {

inline constexpr std::chrono::milliseconds kPoll{200};  // a wait looks so often whether to stop
inline constexpr std::chrono::seconds kGoodbye{1};

class Stream {
public:
    virtual ~Stream() = default;

    /// In this order. After an Error nobody knows which of them arrived.
    virtual Result<void> tell(std::span<const model::AuditRecord> records) = 0;
    /// Up to where what was told is certain to have arrived; `read` where nothing is in doubt. An Error: the connection is gone, and what
    /// was in doubt has to be told again.
    virtual Result<std::uint64_t> certain(std::uint64_t read) { return read; }
    /// Nothing more comes: waits a moment for what is in doubt.
    virtual void finish() {}
};

/// One record as it is sent, with its frame.
using Form = std::function<std::string(const model::AuditRecord&)>;

/// Appends; the file is opened for each piece, so one that was moved away is begun anew.
std::unique_ptr<Stream> file_stream(std::string path, Form form);
/// A Unix socket that somebody listens at: a stream, or a datagram for each record.
std::unique_ptr<Stream> local_stream(std::string path, bool datagrams, Form form, const std::atomic<bool>& stop);
/// A datagram for each record, and nobody ever knows.
std::unique_ptr<Stream> udp_stream(std::string host, std::uint16_t port, Form form, const std::atomic<bool>& stop);

struct TcpSettings {
    std::string authority;  // HOST:PORT
    bool tls = false;
    std::string authorities;  // PEM; empty: the system's
    std::function<Result<std::string>()> certificate,
        key;  // PEM, for a receiver that wants to know who tells; none: not set
};
std::unique_ptr<Stream> tcp_stream(TcpSettings settings, Form form, const std::atomic<bool>& stop);

struct WebhookSettings {
    std::string url;
    std::string host;  // this gateway's
    std::string authorities;  // PEM; empty: the system's
    std::function<Result<std::vector<Secret>>()> secrets;  // read anew for each request; each of them signs
};
/// POST of {"host", "records": […]}, signed; delivered when the answer is 2xx.
std::unique_ptr<Stream> webhook_stream(WebhookSettings settings, const std::atomic<bool>& stop);
/// "t=SECONDS,v1=HEX[,v1=HEX…]": HMAC-SHA256 of "SECONDS.BODY" with each secret.
std::string webhook_signature(std::int64_t seconds, std::string_view body, std::span<const Secret> secrets);

/// What was told over a connection and may still be lost with it.
class Doubts {
public:
    void told(std::uint64_t sequence, TimePoint now) { m_told.emplace_back(sequence, now); }
    /// What is older than `age` has arrived.
    void settle(TimePoint now, Duration age) {
        while (!m_told.empty() && now - m_told.front().second >= age) m_told.pop_front();
    }
    void clear() { m_told.clear(); }
    bool empty() const { return m_told.empty(); }
    std::uint64_t certain(std::uint64_t read) const { return m_told.empty() ? read : m_told.front().first - 1; }

private:
    std::deque<std::pair<std::uint64_t, TimePoint>> m_told;
};

}  // namespace sekisho::notify
