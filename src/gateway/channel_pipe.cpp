// Order: made, in from the hop, out through the hop, the end.
#include "gateway/channel_pipe.h"

#include <algorithm>
#include <utility>

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMargin = 64;  // StreamHandler::stream_read may write so far around what it is shown
constexpr std::size_t kMostQueued = 256 * 1024;  // in the hop, before send() takes no more
constexpr std::size_t kFewQueued = 64 * 1024;  // when it takes again

}  // namespace

class ChannelPipe::End final : public net::Stream {
public:
    explicit End(std::shared_ptr<ChannelPipe> pipe) : m_pipe(std::move(pipe)) {}
    ~End() override { m_pipe->close(); }

    void start(net::StreamHandler& handler) override { m_pipe->start(handler); }
    Result<std::size_t> send(BytesView bytes) override { return m_pipe->send(bytes); }
    void pause() override { m_pipe->m_paused = true; }
    void resume() override { m_pipe->resume(); }
    void end_sending() override { m_pipe->end_sending(); }
    net::Endpoint peer() const override { return m_pipe->m_peer; }
    net::Endpoint local() const override { return {}; }

private:
    std::shared_ptr<ChannelPipe> m_pipe;
};

// --- made ---

ChannelPipe::ChannelPipe(Hop& hop, ssh::ChannelId channel, net::Endpoint peer, Watch watch)
    : m_loop(hop.loop()), m_hop(&hop), m_channel(channel), m_peer(std::move(peer)), m_watch(std::move(watch)) {}

std::shared_ptr<ChannelPipe> ChannelPipe::make(Hop& hop, ssh::ChannelId channel, net::Endpoint peer, Watch watch) {
    std::shared_ptr<ChannelPipe> pipe(new ChannelPipe(hop, channel, std::move(peer), std::move(watch)));
    hop.route(channel, *pipe);
    pipe->m_loop.keep(pipe);
    return pipe;
}

ChannelPipe::~ChannelPipe() {
    if (m_hop != nullptr) m_hop->unroute(m_channel);
}

std::unique_ptr<net::Stream> ChannelPipe::stream() { return std::make_unique<End>(shared_from_this()); }

// --- in ---

void ChannelPipe::channel_event(Hop& hop, ssh::Event& event) {
    if (const auto* data = std::get_if<ssh::Data>(&event)) {
        m_uncredited += data->bytes.size();
        m_watch.tap(true, data->bytes);
        // Stderr has no place in a stream; nobody sends it here.
        if (data->stream == ssh::DataStream::Main && !m_close_sent) take(data->bytes);
        deliver();
    } else if (const auto* more = std::get_if<ssh::Sent>(&event)) {
        m_queued -= std::min(m_queued, more->count);
        if (!m_blocked || m_queued > kFewQueued || m_handler == nullptr) return;
        m_blocked = false;
        m_handler->stream_writable();
    } else if (const auto* asked = std::get_if<ssh::ChannelRequested>(&event)) {
        if (asked->want_reply) hop.submit(ssh::ReplyRequest{m_channel, false});
    } else if (std::holds_alternative<ssh::EofReceived>(event)) {
        m_peer_eof = true;
        deliver();
    } else if (std::holds_alternative<ssh::CloseReceived>(event)) {
        m_peer_eof = true;
        if (!std::exchange(m_close_sent, true)) hop.submit(ssh::CloseChannel{m_channel});
        deliver();
    } else if (std::holds_alternative<ssh::ChannelEnded>(event)) {
        over();
    }
}

void ChannelPipe::take(BytesView bytes) {
    if (m_in.empty()) m_in.resize(2 * kMargin);
    m_in.insert(m_in.end() - static_cast<std::ptrdiff_t>(kMargin), bytes.begin(), bytes.end());
    m_fresh = true;
}

void ChannelPipe::deliver() {
    const auto self = shared_from_this();
    if ((m_handler == nullptr && !m_close_sent) || m_paused) return;
    if (m_uncredited > 0 && m_hop != nullptr) m_hop->submit(ssh::Credit{m_channel, std::exchange(m_uncredited, 0)});
    if (m_handler != nullptr && std::exchange(m_fresh, false)) {
        const MutableBytes content = MutableBytes(m_in).subspan(kMargin, m_in.size() - 2 * kMargin);
        const std::size_t used = m_handler->stream_read(content);
        if (m_handler == nullptr) return;
        if (used == content.size()) {
            Bytes().swap(m_in);
        } else {
            m_in.erase(m_in.begin() + kMargin, m_in.begin() + static_cast<std::ptrdiff_t>(kMargin + used));
        }
    }
    if (m_peer_eof && m_handler != nullptr && !std::exchange(m_eof_told, true)) m_handler->stream_ended();
}

void ChannelPipe::start(net::StreamHandler& handler) {
    m_handler = &handler;
    // A second handler learns what the first was told; neither is called inside its own call.
    m_loop.post([self = shared_from_this()] {
        self->m_fresh = !self->m_in.empty();
        self->m_eof_told = false;
        if (self->m_hop == nullptr && self->m_handler != nullptr) self->m_peer_eof = true;
        self->deliver();
    });
}

void ChannelPipe::resume() {
    if (!std::exchange(m_paused, false)) return;
    m_loop.post([self = shared_from_this()] { self->deliver(); });
}

// --- out ---

Result<std::size_t> ChannelPipe::send(BytesView bytes) {
    if (m_hop == nullptr || m_close_sent) return fail("the connection is closed");
    // As much as the hop takes at once, and what it may queue behind that: only then will it tell that there is room again.
    std::size_t taken = 0;
    while (taken < bytes.size() && m_queued < kMostQueued) {
        const BytesView part = bytes.subspan(taken).first(std::min(bytes.size() - taken, kMostQueued - m_queued));
        m_watch.tap(false, part);
        m_queued += part.size() - m_hop->write(m_channel, ssh::DataStream::Main, part);
        taken += part.size();
    }
    m_blocked = taken < bytes.size();
    return taken;
}

void ChannelPipe::end_sending() {
    if (m_hop != nullptr && !m_close_sent) m_hop->submit(ssh::SendEof{m_channel});
}

// --- the end ---

void ChannelPipe::close() {
    m_handler = nullptr;
    Bytes().swap(m_in);
    if (m_hop == nullptr || std::exchange(m_close_sent, true)) return;
    m_hop->submit(ssh::CloseChannel{m_channel});
}

void ChannelPipe::hop_lost(Hop&) {
    const auto self = shared_from_this();
    over();
    if (m_handler != nullptr) m_handler->stream_broken(Error{"the connection underneath is gone", ""});
}

void ChannelPipe::over() {
    const auto self = shared_from_this();
    m_hop = nullptr;
    const Watch watch = std::exchange(m_watch, {});
    watch.ended();
    m_loop.release(this);
}

}  // namespace sekisho::gateway
