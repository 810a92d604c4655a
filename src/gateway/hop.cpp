// Order: bytes in (read → feed → events), bytes out (turn end → flush), time, the end.
#include "gateway/hop.h"

#include <utility>

#include "base/log.h"
#include "gateway/linger.h"

namespace sekisho::gateway {

namespace {

/// The engine stops taking channel data at kOutputHighWater; what piles up beyond are answers to a peer that asks and does not read.
constexpr std::size_t kMostUnsent = 1024 * 1024;
/// Reads of a connection in which it signs in and opens its first channel.
constexpr unsigned kReadsToHurry = 24;

template <class>
inline constexpr bool kHasChannel = false;
template <class Event>
    requires requires(Event& event) { event.channel; }
inline constexpr bool kHasChannel<Event> = true;

std::optional<ssh::ChannelId> channel_of(const ssh::Event& event) {
    return std::visit(
        [](const auto& one) -> std::optional<ssh::ChannelId> {
            if constexpr (kHasChannel<std::remove_cvref_t<decltype(one)>>) return one.channel;
            return std::nullopt;
        },
        event);
}

}  // namespace

Hop::Hop(net::Loop& loop, HopTicker& ticker, std::unique_ptr<net::Stream> stream, ssh::Config config, HopTimes times,
    HopOwner& owner)
    : m_loop(loop), m_ticker(ticker), m_owner(owner), m_stream(std::move(stream)), m_role(config.role),
      m_engine(std::move(config), loop.now()),
      m_times(times), m_started(loop.now()), m_heard(m_started), m_reads_to_hurry(kReadsToHurry) {
    m_ticker.add(*this);
}

Hop::~Hop() {
    m_ticker.remove(*this);
    m_loop.forget(*this);
    tell_sinks();
}

void Hop::start() {
    m_stream->be_patient(true);
    m_stream->start(*this);
    dirty();
}

// --- bytes in ---

std::size_t Hop::stream_read(MutableBytes bytes) {
    m_heard = m_loop.now();
    m_unanswered = 0;
    m_unanswered_read = true;
    dirty();
    std::size_t used = 0;
    while (used < bytes.size() && !m_over) {
        const auto fed = m_engine.feed(bytes.subspan(used), m_heard);
        drain();
        if (!fed) {
            end(fed.error().full());
            break;
        }
        if (*fed == 0) break;
        used += *fed;
    }
    if (m_patient && m_engine.authenticated()) {
        m_patient = false;
        if (m_stream) m_stream->be_patient(false);
    }
    return m_over ? bytes.size() : used;
}

void Hop::drain() {
    while (auto event = m_engine.next_event()) {
        dispatch(*event);
        dirty();
    }
}

void Hop::dispatch(ssh::Event& event) {
    if (auto* gone = std::get_if<ssh::Disconnected>(&event)) {
        std::string reason = gone->by_peer ? "the peer disconnected: " : "";
        reason += gone->text;
        if (!gone->detail.empty()) reason += " (" + gone->detail + ")";
        m_peer_left = gone->by_peer;
        return end(std::move(reason));
    }
    if (const auto* reply = std::get_if<ssh::GlobalReplied>(&event)) return answered(*reply);
    const auto channel = channel_of(event);
    if (!channel || std::holds_alternative<ssh::ChannelOpenRequested>(event)) return m_owner.hop_event(*this, event);
    const auto sink = m_sinks.find(*channel);
    if (sink == m_sinks.end()) return unanswerable(event);
    ChannelSink* taker = sink->second;
    // A channel that was not opened is over as well, and its taker may go.
    const bool last = std::holds_alternative<ssh::ChannelEnded>(event) || std::holds_alternative<ssh::ChannelOpenFailed>(event);
    if (last) m_sinks.erase(sink);
    taker->channel_event(*this, event);
}

/// The engine lets no answer through that has no question.
void Hop::answered(const ssh::GlobalReplied& reply) {
    const GlobalAnswer taker = std::move(m_asked.front());
    m_asked.erase(m_asked.begin());
    if (taker) taker(reply.success, reply.payload);
}

/// Events of a channel that nobody here wants any more: answered as the protocol demands, so that it can end.
void Hop::unanswerable(ssh::Event& event) {
    if (const auto* request = std::get_if<ssh::ChannelRequested>(&event); request != nullptr && request->want_reply) {
        submit(ssh::ReplyRequest{request->channel, false});
    } else if (const auto* close = std::get_if<ssh::CloseReceived>(&event)) {
        submit(ssh::CloseChannel{close->channel});
    } else if (const auto* opened = std::get_if<ssh::ChannelOpened>(&event)) {
        submit(ssh::CloseChannel{opened->channel});
    } else if (const auto* data = std::get_if<ssh::Data>(&event)) {
        submit(ssh::Credit{data->channel, data->bytes.size()});
    }
}

// --- bytes out ---

void Hop::submit(ssh::Command command) {
    if (m_over) return;
    dirty();
    if (const auto done = m_engine.submit(std::move(command)); !done) end(done.error().full());
}

void Hop::ask(std::string type, Bytes payload, GlobalAnswer answered) {
    if (m_over) return;
    m_asked.push_back(std::move(answered));
    submit(ssh::SendGlobalRequest{std::move(type), true, std::move(payload)});
}

std::size_t Hop::write(ssh::ChannelId channel, ssh::DataStream stream, MutableBytes bytes, bool scribble) {
    dirty();
    return m_engine.write(channel, stream, bytes, scribble);
}

std::size_t Hop::write(ssh::ChannelId channel, ssh::DataStream stream, BytesView bytes) {
    dirty();
    return m_engine.write(channel, stream, bytes);
}

void Hop::turn_ended() {
    if (m_told) return;
    drain();
    flush();
    hurry();
    if (!m_over) return wait();
    m_told = true;
    m_ticker.remove(*this);
    if (m_peer_left || (leaves_at_once() && m_engine.output().empty())) {
        m_stream.reset();
    } else {
        linger(m_loop, std::move(m_stream), m_engine.output());
    }
    tell_sinks();
    m_owner.hop_over(*this, m_reason);
}

/// Who said goodbye, or has nothing open with us any more, is not waiting for what we could still say.
bool Hop::leaves_at_once() const { return m_over && (m_peer_left || (m_role == ssh::Role::Client && m_sinks.empty())); }

void Hop::tell_sinks() {
    for (const auto& [channel, sink] : std::exchange(m_sinks, {})) sink->hop_lost(*this);
}

void Hop::flush() {
    while (!m_blocked && m_stream) {
        const BytesView output = m_engine.output();
        if (output.empty()) break;
        const auto sent = leaves_at_once() ? m_stream->send_last(output) : m_stream->send(output);
        if (!sent) return end(sent.error().full());
        m_blocked = *sent < output.size();
        m_unanswered_read = false;
        m_engine.consume_output(*sent);
        drain();
    }
    const bool choked = m_engine.output().size() > kMostUnsent;
    if (choked != m_paused && !m_over) {
        m_paused = choked;
        choked ? m_stream->pause() : m_stream->resume();
    }
}

/// OpenSSH writes what belongs together in two calls while it signs in (NEWKEYS and its first request), with Nagle's algorithm on: the
/// second waits for our acknowledgement of the first, and the system holds that back for 40 ms in the hope of a reply to carry it.
/// Where the peer itself waits for an answer of ours, that answer will do.
void Hop::hurry() {
    if (!m_unanswered_read || m_reads_to_hurry == 0 || m_over || m_engine.owes_answer()) return;
    m_unanswered_read = false;
    --m_reads_to_hurry;
    m_stream->acknowledge();
}

/// A wake-up costs more than what is done with most of the small packets of a sign-in: those that nothing follows from come with the next.
void Hop::wait() {
    const std::size_t bytes = m_engine.awaits();
    if (bytes == m_awaits) return;
    m_stream->wait_for(bytes);
    m_awaits = bytes;
}

void Hop::stream_writable() {
    m_blocked = false;
    dirty();
}

// --- time ---

void Hop::tick(TimePoint now) {
    if (m_over) return;
    if (const auto deadline = m_engine.next_deadline(); deadline && now >= *deadline) {
        m_engine.advance(now);
        dirty();
    }
    if (!m_engine.authenticated()) {
        if (now - m_started > m_times.login) {
            disconnect(ssh::DisconnectReason::ByApplication, "The time allowed for signing in is over.");
        }
        return;
    }
    if (m_times.keepalive.count() == 0) return;
    if (now - m_heard < m_times.keepalive * static_cast<std::int64_t>(m_unanswered + 1)) return;
    if (m_unanswered >= m_times.keepalive_count) {
        return disconnect(ssh::DisconnectReason::ConnectionLost, "The other end does not answer any more.");
    }
    ++m_unanswered;
    ask("keepalive@openssh.com", {}, {});  // any answer will do
}

// --- the end ---

void Hop::disconnect(ssh::DisconnectReason reason, const std::string& text) {
    if (m_over) return;
    submit(ssh::Disconnect{reason, text});
    end(text);
}

void Hop::stream_ended() {
    m_peer_left = true;
    end("the connection was closed by the peer");
}

void Hop::stream_broken(const Error& error) {
    m_peer_left = true;
    end(error.full());
}

void Hop::end(std::string reason) {
    if (m_over) return;
    m_over = true;
    m_reason = std::move(reason);
    dirty();
}

}  // namespace sekisho::gateway
