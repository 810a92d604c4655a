// Order: connected → client to socket → socket to client → the ends.
#include "gateway/socket_forward.h"

#include <algorithm>

#include "gateway/front_hop.h"

namespace sekisho::gateway {

namespace {
constexpr std::size_t kMostRead = 128 * 1024;
constexpr std::size_t kLeastRead = 4 * 1024;
}  // namespace

SocketForward::~SocketForward() {
    if (m_stream && !m_closed) m_front.record().channel_closed(m_number);
}

void SocketForward::connected(std::unique_ptr<net::Stream> stream, recording::ChannelFacts facts, model::OnFailure on_failure) {
    m_number = m_front.record().channel_opened(std::move(facts), on_failure);
    m_stream = std::move(stream);
}

// --- client to socket ---

void SocketForward::channel_event(Hop& hop, ssh::Event& event) {
    if (auto* data = std::get_if<ssh::Data>(&event)) {
        from_client(data->bytes);
    } else if (const auto* sent = std::get_if<ssh::Sent>(&event)) {
        m_queued -= std::min(m_queued, sent->count);
        regulate();
    } else if (const auto* asked = std::get_if<ssh::ChannelRequested>(&event)) {
        if (asked->want_reply) hop.submit(ssh::ReplyRequest{m_channel, false});
    } else if (std::holds_alternative<ssh::EofReceived>(event)) {
        m_front.record().eof(m_number, true);
        m_client_eof = true;
        send_waiting();
    } else if (std::holds_alternative<ssh::CloseReceived>(event)) {
        close_both();
    } else if (std::holds_alternative<ssh::ChannelEnded>(event)) {
        m_front.channel_over(*this);
    }
}

void SocketForward::from_client(MutableBytes bytes) {
    m_front.record().data(m_number, recording::Stream::Input, bytes);
    if (m_closed) return credit(bytes.size());
    std::size_t sent = 0;
    if (m_waiting.empty()) {
        const auto taken = m_stream->send(bytes);
        if (!taken) return stream_broken(taken.error());
        sent = *taken;
    }
    m_waiting.insert(m_waiting.end(), bytes.begin() + static_cast<std::ptrdiff_t>(sent), bytes.end());
    credit(sent);
}

void SocketForward::send_waiting() {
    if (m_closed) return;
    if (!m_waiting.empty()) {
        const auto taken = m_stream->send(m_waiting);
        if (!taken) return stream_broken(taken.error());
        m_waiting.erase(m_waiting.begin(), m_waiting.begin() + static_cast<std::ptrdiff_t>(*taken));
        if (m_waiting.empty()) Bytes().swap(m_waiting);
        credit(*taken);
    }
    if (m_waiting.empty() && m_client_eof) {
        m_stream->end_sending();
        check_ends();
    }
}

void SocketForward::credit(std::size_t count) {
    if (m_front_gone) return;
    m_withheld += count;
    if (m_withheld == 0 || m_front.record().backlogged()) return;
    m_front.hop().submit(ssh::Credit{m_channel, std::exchange(m_withheld, 0)});
}

void SocketForward::stream_writable() { send_waiting(); }

// --- socket to client ---

std::size_t SocketForward::stream_room() {
    return std::clamp(m_front.hop().engine().writable(m_channel), kLeastRead, kMostRead);
}

std::size_t SocketForward::stream_read(MutableBytes bytes) {
    m_front.record().data(m_number, recording::Stream::Output, bytes);
    m_queued += bytes.size() - m_front.hop().write(m_channel, ssh::DataStream::Main, bytes, true);
    regulate();
    return bytes.size();
}

/// Reads on when the client has taken what was read and the recording keeps up.
void SocketForward::regulate() {
    if (!m_stream || m_closed) return;
    if (m_queued > 0 || m_front.record().backlogged()) {
        m_stream->pause();
    } else {
        m_stream->resume();
    }
}

void SocketForward::credit_released() {
    credit(0);
    regulate();
}

// --- the ends ---

void SocketForward::stream_ended() {
    m_front.record().eof(m_number, false);
    m_socket_eof = true;
    m_front.hop().submit(ssh::SendEof{m_channel});
    check_ends();
}

void SocketForward::check_ends() {
    if (m_socket_eof && m_client_eof && m_waiting.empty()) close_both();
}

void SocketForward::stream_broken(const Error&) { close_both(); }

void SocketForward::close_both() {
    if (m_closed) return;
    m_closed = true;
    if (!m_stream) return;
    m_front.record().channel_closed(m_number);
    if (!m_front_gone) m_front.hop().submit(ssh::CloseChannel{m_channel});
    // Perhaps inside the stream's own callback: closed in a later turn, with this object.
    m_stream->pause();
    Bytes().swap(m_waiting);
}

void SocketForward::front_gone() {
    m_front_gone = true;
    close_both();
}

}  // namespace sekisho::gateway
