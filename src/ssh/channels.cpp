#include "ssh/channels.h"

#include <array>
#include <cstring>

#include "base/assert.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

namespace {

constexpr std::size_t kPacketHeader = 5;  // length and padding_length, before the payload
// Peers that state less than this would cost a packet for every few bytes.
constexpr std::uint32_t kLeastPeerPacket = 1;

}  // namespace

// --- numbers -------------------------------------------------------------------------------------------------------

const Channel* Channels::find(ChannelId id) const {
    return id.value < m_channels.size() ? m_channels[id.value].get() : nullptr;
}

Channel* Channels::find_mutable(ChannelId id) { return id.value < m_channels.size() ? m_channels[id.value].get() : nullptr; }

std::optional<ChannelId> Channels::free_id() const {
    for (std::uint32_t i = 0; i < limits::kChannels; ++i) {
        const bool taken = i < m_channels.size() && m_channels[i];
        // The owner has not heard yet that the last channel of this number ended: it would take that event for the new one's.
        const bool ending = std::find(m_ending.begin(), m_ending.end(), ChannelId{i}) != m_ending.end();
        if (!taken && !ending) return ChannelId{i};
    }
    return std::nullopt;
}

Channel& Channels::put(ChannelId id, Channel::State state) {
    if (id.value >= m_channels.size()) m_channels.resize(id.value + 1);
    m_channels[id.value] = std::make_unique<Channel>(state);
    return *m_channels[id.value];
}

void Channels::told(const Event& event) {
    const auto* ended = std::get_if<ChannelEnded>(&event);
    const auto* failed = std::get_if<ChannelOpenFailed>(&event);
    if (ended != nullptr) std::erase(m_ending, ended->channel);
    if (failed != nullptr) std::erase(m_ending, failed->channel);
}

Result<ChannelId> Channels::new_channel() {
    const auto id = free_id();
    if (!id) return fail("this connection has too many channels");
    put(*id, Channel::State::AwaitsConfirmation);
    return *id;
}

Result<Channel*> Channels::open_channel(std::uint32_t id) {
    Channel* channel = find_mutable(ChannelId{id});
    if (channel == nullptr || channel->state != Channel::State::Open || channel->close_received) {
        return fail("a message for a channel that is not open", std::to_string(id));
    }
    return channel;
}

void Channels::forget(ChannelId id) {
    Channel& channel = *m_channels[id.value];
    if (!channel.waiting.empty()) --m_waiting;
    m_window_budget += channel.receive.grown();
    m_channels[id.value].reset();
    while (!m_channels.empty() && !m_channels.back()) m_channels.pop_back();
}

// --- receiving -------------------------------------------------------------------------------------------------------

Result<void> Channels::receive(MutableBytes payload) {
    switch (static_cast<Message>(payload[0])) {
        case Message::ChannelData:
        case Message::ChannelExtendedData: return receive_data(payload);
        case Message::ChannelWindowAdjust: return receive_window_adjust(payload);
        case Message::ChannelRequest: return receive_request(payload);
        case Message::ChannelSuccess:
        case Message::ChannelFailure: return receive_reply(payload);
        case Message::ChannelEof: return receive_eof(payload);
        case Message::ChannelClose: return receive_close(payload);
        case Message::ChannelOpen: return receive_open(payload);
        case Message::ChannelOpenConfirmation: return receive_confirmation(payload);
        case Message::ChannelOpenFailure: return receive_open_failure(payload);
        default: break;
    }
    SEKISHO_ASSERT(false && "the transition table lets only connection messages through");
    return {};
}

Result<void> Channels::receive_data(MutableBytes payload) {
    auto message = decode_channel_data(payload);
    if (!message) return std::unexpected(message.error());
    auto channel = open_channel(message->recipient);
    if (!channel) return std::unexpected(channel.error());
    if ((*channel)->eof_received) return fail("channel data after EOF");
    if (!(*channel)->receive.take(message->bytes.size())) return fail("channel data beyond the window");
    // RFC 4254 §5.2 knows stderr only; other codes are counted, credited and dropped.
    const bool known = message->stream <= static_cast<std::uint32_t>(DataStream::Stderr);
    if (!known || (*channel)->close_sent) {
        (*channel)->receive.credit(message->bytes.size());
        if (!(*channel)->close_sent) grant(**channel);
        return {};
    }
    if (message->bytes.empty()) return {};
    m_core.events.push(Data{ChannelId{message->recipient}, static_cast<DataStream>(message->stream), message->bytes});
    return {};
}

Result<void> Channels::receive_open(BytesView payload) {
    auto message = decode_channel_open(payload);
    if (!message) return std::unexpected(message.error());
    const auto id = free_id();
    if (!id || message->most_packet < kLeastPeerPacket) {
        m_core.send(encode(ChannelOpenFailureMessage{message->sender, static_cast<std::uint32_t>(OpenFailure::ResourceShortage),
                                                     "too many channels on this connection"}));
        return {};
    }
    Channel& channel = put(*id, Channel::State::AwaitsDecision);
    channel.peer_id = message->sender;
    channel.peer_window = message->window;
    channel.peer_most_packet = message->most_packet;
    m_core.events.push(ChannelOpenRequested{*id, std::move(message->type), message->payload});
    return {};
}

Result<void> Channels::receive_confirmation(BytesView payload) {
    auto message = decode_channel_open_confirmation(payload);
    if (!message) return std::unexpected(message.error());
    Channel* channel = find_mutable(ChannelId{message->recipient});
    if (channel == nullptr || channel->state != Channel::State::AwaitsConfirmation || channel->peer_most_packet != 0) {
        return fail("a confirmation for a channel that was not being opened");
    }
    if (message->most_packet < kLeastPeerPacket) return fail("the peer accepts no channel data at all");
    channel->state = Channel::State::Open;
    channel->peer_id = message->sender;
    channel->peer_window = message->window;
    channel->peer_most_packet = message->most_packet;
    m_core.events.push(ChannelOpened{ChannelId{message->recipient}, message->payload});
    return {};
}

Result<void> Channels::receive_open_failure(BytesView payload) {
    auto message = decode_channel_open_failure(payload);
    if (!message) return std::unexpected(message.error());
    const ChannelId id{message->recipient};
    const Channel* channel = find(id);
    if (channel == nullptr || channel->state != Channel::State::AwaitsConfirmation) {
        return fail("a failure for a channel that was not being opened");
    }
    forget(id);
    m_ending.push_back(id);
    m_core.events.push(ChannelOpenFailed{id, message->reason, std::move(message->text)});
    return {};
}

Result<void> Channels::receive_window_adjust(BytesView payload) {
    auto message = decode_channel_window_adjust(payload);
    if (!message) return std::unexpected(message.error());
    auto found = open_channel(message->recipient);
    if (!found) return std::unexpected(found.error());
    Channel& channel = **found;
    // RFC 4254 §5.2: the window must not grow beyond 2^32 - 1.
    if (message->count > UINT32_MAX - channel.peer_window) return fail("window grows beyond 2^32 - 1");
    channel.peer_window += message->count;
    pump(ChannelId{message->recipient}, channel);
    return {};
}

Result<void> Channels::receive_eof(BytesView payload) {
    auto id = decode_channel_only(payload);
    if (!id) return std::unexpected(id.error());
    auto channel = open_channel(*id);
    if (!channel) return std::unexpected(channel.error());
    if ((*channel)->eof_received) return fail("EOF twice on one channel");
    (*channel)->eof_received = true;
    if (!(*channel)->close_sent) m_core.events.push(EofReceived{ChannelId{*id}});
    return {};
}

Result<void> Channels::receive_close(BytesView payload) {
    auto id = decode_channel_only(payload);
    if (!id) return std::unexpected(id.error());
    auto found = open_channel(*id);
    if (!found) return std::unexpected(found.error());
    Channel& channel = **found;
    channel.close_received = true;
    // The peer takes no more data: what waits of it can only be dropped. An exit status still reaches it before our CLOSE.
    if (!channel.waiting.empty()) --m_waiting;
    for (const Outgoing& waiting : channel.waiting) {
        if (waiting.kind == Outgoing::Kind::Request) m_core.send(waiting.bytes);
    }
    channel.waiting.clear();
    channel.waiting_data = channel.waiting_requests = 0;
    m_core.events.push(CloseReceived{ChannelId{*id}});
    send_close_if_due(ChannelId{*id}, channel);
    return {};
}

Result<void> Channels::receive_request(BytesView payload) {
    auto message = decode_channel_request(payload);
    if (!message) return std::unexpected(message.error());
    auto found = open_channel(message->recipient);
    if (!found) return std::unexpected(found.error());
    Channel& channel = **found;
    // After our CLOSE nothing can be answered, but a command that we gave up still says how it ended (RFC 4254 §6.10).
    if (channel.close_sent && message->want_reply) return {};
    if (message->want_reply && ++channel.replies_owed > limits::kPendingReplies) return fail("too many unanswered requests");
    m_core.events.push(
        ChannelRequested{ChannelId{message->recipient}, std::move(message->type), message->want_reply, message->payload});
    return {};
}

Result<void> Channels::receive_reply(BytesView payload) {
    auto id = decode_channel_only(payload);
    if (!id) return std::unexpected(id.error());
    auto channel = open_channel(*id);
    if (!channel) return std::unexpected(channel.error());
    if ((*channel)->replies_expected == 0) return fail("an answer to a request that was not made");
    --(*channel)->replies_expected;
    if ((*channel)->close_sent) return {};
    m_core.events.push(
        RequestReplied{ChannelId{*id}, static_cast<Message>(payload[0]) == Message::ChannelSuccess});
    return {};
}

// --- decisions ---------------------------------------------------------------------------------------------------------

Result<void> Channels::submit(OpenChannel command) {
    const Channel* channel = find(command.channel);
    SEKISHO_ASSERT(channel != nullptr && channel->state == Channel::State::AwaitsConfirmation);
    m_core.send(encode(ChannelOpenMessage{std::move(command.type), command.channel.value, channel->receive.left(),
                                          limits::kChannelPacket, command.payload}));
    return {};
}

Result<void> Channels::submit(const AcceptChannel& command) {
    Channel* channel = find_mutable(command.channel);
    if (channel == nullptr || channel->state != Channel::State::AwaitsDecision) return {};
    channel->state = Channel::State::Open;
    m_core.send(encode(ChannelOpenConfirmation{channel->peer_id, command.channel.value, channel->receive.left(),
                                               limits::kChannelPacket, command.payload}));
    return {};
}

Result<void> Channels::submit(const RejectChannel& command) {
    const Channel* channel = find(command.channel);
    if (channel == nullptr || channel->state != Channel::State::AwaitsDecision) return {};
    m_core.send(encode(ChannelOpenFailureMessage{channel->peer_id, static_cast<std::uint32_t>(command.reason), command.text}));
    forget(command.channel);
    return {};
}

Result<void> Channels::submit(SendRequest command) {
    Channel* channel = find_mutable(command.channel);
    if (channel == nullptr || !channel->sendable() || channel->close_queued) return {};
    if (channel->close_received && command.want_reply) return {};  // nobody is left to answer
    Bytes payload =
        encode(ChannelRequestMessage{channel->peer_id, std::move(command.type), command.want_reply, command.payload});
    if (command.want_reply) ++channel->replies_expected;
    if (channel->waiting.empty() || command.overtake) {
        m_core.send(payload);
        return {};
    }
    if (channel->waiting_requests + payload.size() > limits::kQueuedRequestBytes) {
        return m_core.end(DisconnectReason::ByApplication, "too many requests wait on one channel");
    }
    channel->waiting_requests += payload.size();
    channel->waiting.push_back({.kind = Outgoing::Kind::Request, .bytes = std::move(payload)});
    return {};
}

Result<void> Channels::submit(const ReplyRequest& command) {
    Channel* channel = find_mutable(command.channel);
    if (channel == nullptr || !channel->sendable() || channel->replies_owed == 0) return {};
    --channel->replies_owed;
    m_core.send(encode_channel_only(command.success ? Message::ChannelSuccess : Message::ChannelFailure, channel->peer_id));
    return {};
}

Result<void> Channels::submit(const SendEof& command) {
    Channel* channel = find_mutable(command.channel);
    if (channel == nullptr || !channel->sendable() || channel->eof_queued || channel->close_queued || channel->close_received) {
        return {};
    }
    channel->eof_queued = true;
    if (channel->waiting.empty()) {
        m_core.send(encode_channel_only(Message::ChannelEof, channel->peer_id));
    } else {
        channel->waiting.push_back({.kind = Outgoing::Kind::Eof});
    }
    return {};
}

Result<void> Channels::submit(const CloseChannel& command) {
    Channel* channel = find_mutable(command.channel);
    if (channel == nullptr || !channel->sendable() || channel->close_queued) return {};
    channel->close_queued = true;
    send_close_if_due(command.channel, *channel);
    return {};
}

void Channels::send_close_if_due(ChannelId id, Channel& channel) {
    if (channel.close_queued && !channel.close_sent && channel.waiting.empty()) {
        channel.close_sent = true;
        m_core.send(encode_channel_only(Message::ChannelClose, channel.peer_id));
    }
    if (channel.close_sent && channel.close_received) {
        forget(id);
        m_ending.push_back(id);
        m_core.events.push(ChannelEnded{id});
    }
}

Result<void> Channels::submit(const Credit& command) {
    Channel* channel = find_mutable(command.channel);
    if (channel == nullptr || !channel->sendable()) return {};
    channel->receive.credit(command.count);
    grant(*channel);
    return {};
}

void Channels::grant(Channel& channel) {
    // After the peer's EOF there is nothing to allow.
    if (channel.eof_received || channel.close_received) return;
    const std::uint32_t granted = channel.receive.grant(m_window_budget);
    if (granted > 0) m_core.send(encode(ChannelWindowAdjust{channel.peer_id, granted}));
}

// --- sending data --------------------------------------------------------------------------------------------------------

bool Channels::may_send_data() const {
    return !m_core.holding() && m_core.writer.output().size() < limits::kOutputHighWater;
}

std::size_t Channels::write(ChannelId id, DataStream stream, MutableBytes bytes, bool scribble) {
    Channel* channel = find_mutable(id);
    // A channel that ended meanwhile swallows: its end is already on its way to the other side.
    if (channel == nullptr || !channel->sendable() || channel->eof_queued || channel->close_queued || channel->close_received) {
        return bytes.size();
    }
    if (bytes.empty()) return 0;
    if (!channel->waiting.empty()) {
        queue_data(*channel, stream, bytes);
        return 0;
    }
    if (scribble) {
        const std::size_t sent = send_data(*channel, stream, bytes);
        if (sent < bytes.size()) queue_data(*channel, stream, bytes.subspan(sent));
        return sent;
    }
    // Memory that must stay as it is goes out through a copy that has room around it.
    queue_data(*channel, stream, bytes);
    const std::size_t sent = send_front(*channel);
    if (channel->waiting.empty()) --m_waiting;
    return sent;
}

std::size_t Channels::send_data(Channel& channel, DataStream stream, MutableBytes bytes) {
    const std::size_t header = channel_data_header(stream);
    std::size_t sent = 0;
    while (sent < bytes.size() && channel.peer_window > 0 && may_send_data()) {
        const std::size_t n = std::min({bytes.size() - sent, std::size_t{channel.peer_window},
                                        std::size_t{channel.peer_most_packet}, std::size_t{limits::kChannelPacket}});
        std::byte* data = bytes.data() + sent;
        std::byte* packet = data - header - kPacketHeader;
        // Padding goes behind the data: what follows there, if it is still to be sent, is put back afterwards.
        std::array<std::byte, Outgoing::kRoomBehind> behind;
        const bool last = sent + n == bytes.size();
        if (!last) std::memcpy(behind.data(), data + n, std::min(behind.size(), bytes.size() - sent - n));
        write_channel_data_header(packet + kPacketHeader, channel.peer_id, stream, static_cast<std::uint32_t>(n));
        m_core.writer.send_in_place(packet, header + n);
        if (!last) std::memcpy(data + n, behind.data(), std::min(behind.size(), bytes.size() - sent - n));
        channel.peer_window -= static_cast<std::uint32_t>(n);
        sent += n;
    }
    return sent;
}

void Channels::queue_data(Channel& channel, DataStream stream, BytesView bytes) {
    if (bytes.empty()) return;
    channel.waiting_data += bytes.size();
    if (channel.waiting.empty()) {
        ++m_waiting;
    } else {
        Outgoing& last = channel.waiting.back();
        if (last.kind == Outgoing::Kind::Data && last.stream == stream && last.append(bytes)) return;
    }
    channel.waiting.push_back(Outgoing::data(stream, bytes));
}

std::size_t Channels::send_front(Channel& channel) {
    Outgoing& front = channel.waiting.front();
    const std::size_t sent = send_data(channel, front.stream, front.unsent());
    front.sent += sent;
    channel.waiting_data -= sent;
    if (front.unsent().empty()) channel.waiting.pop_front();
    return sent;
}

void Channels::pump() {
    if (m_waiting == 0 || m_core.holding()) return;
    const std::size_t count = m_channels.size();
    for (std::size_t i = 0; i < count && m_waiting > 0 && may_send_data(); ++i) {
        const std::size_t index = (m_next_pumped + i) % count;
        if (index < m_channels.size() && m_channels[index]) {
            pump(ChannelId{static_cast<std::uint32_t>(index)}, *m_channels[index]);
        }
    }
    m_next_pumped = count > 0 ? (m_next_pumped + 1) % count : 0;
}

void Channels::pump(ChannelId id, Channel& channel) {
    if (channel.waiting.empty() || m_core.holding()) return;
    while (!channel.waiting.empty()) {
        const Outgoing& front = channel.waiting.front();
        if (front.kind == Outgoing::Kind::Data) {
            const std::size_t pieces = channel.waiting.size();
            const DataStream stream = front.stream;
            const std::size_t sent = send_front(channel);
            if (sent > 0) m_core.events.push(Sent{id, stream, sent});
            if (channel.waiting.size() == pieces) return;
            continue;
        }
        if (front.kind == Outgoing::Kind::Request) {
            channel.waiting_requests -= front.bytes.size();
            m_core.send(front.bytes);
        } else {
            m_core.send(encode_channel_only(Message::ChannelEof, channel.peer_id));
        }
        channel.waiting.pop_front();
    }
    --m_waiting;
    send_close_if_due(id, channel);
}

}  // namespace sekisho::ssh
