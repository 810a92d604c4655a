// Channels: the connection protocol (RFC 4254), the same in both roles. Opens, data and windows, requests and their answers,
// EOF and CLOSE in order. Owned by the engine; the way of a byte passes receive_data and write.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ssh/channel.h"
#include "ssh/commands.h"
#include "ssh/core.h"
#include "ssh/msg_channel.h"

namespace sekisho::ssh {

class Channels {
public:
    explicit Channels(Core& core) : m_core(core) {}

    /// Any message from CHANNEL_OPEN to CHANNEL_FAILURE.
    Result<void> receive(MutableBytes payload);

    Result<void> submit(OpenChannel command);
    Result<void> submit(const AcceptChannel& command);
    Result<void> submit(const RejectChannel& command);
    Result<void> submit(SendRequest command);
    Result<void> submit(const ReplyRequest& command);
    Result<void> submit(const SendEof& command);
    Result<void> submit(const CloseChannel& command);
    Result<void> submit(const Credit& command);

    std::size_t write(ChannelId id, DataStream stream, MutableBytes bytes, bool scribble);
    /// Sends what waits as far as windows and the output allow.
    void pump();

    Result<ChannelId> new_channel();
    /// This event has reached the owner: a number that ended with it may be used again.
    void told(const Event& event);
    const Channel* find(ChannelId id) const;

private:
    Result<void> receive_data(MutableBytes payload);
    Result<void> receive_open(BytesView payload);
    Result<void> receive_confirmation(BytesView payload);
    Result<void> receive_open_failure(BytesView payload);
    Result<void> receive_window_adjust(BytesView payload);
    Result<void> receive_eof(BytesView payload);
    Result<void> receive_close(BytesView payload);
    Result<void> receive_request(BytesView payload);
    Result<void> receive_reply(BytesView payload);

    /// The channel of a message: it must exist and be open. Fails otherwise.
    Result<Channel*> open_channel(std::uint32_t id);
    Channel* find_mutable(ChannelId id);
    std::optional<ChannelId> free_id() const;
    Channel& put(ChannelId id, Channel::State state);
    bool may_send_data() const;
    std::size_t send_data(Channel& channel, DataStream stream, MutableBytes bytes);
    void queue_data(Channel& channel, DataStream stream, BytesView bytes);
    /// Sends what it can of the data at the front of `waiting`, and drops it there once all is sent.
    std::size_t send_front(Channel& channel);
    void pump(ChannelId id, Channel& channel);
    void send_close_if_due(ChannelId id, Channel& channel);
    void forget(ChannelId id);
    void grant(Channel& channel);

    Core& m_core;
    std::vector<std::unique_ptr<Channel>> m_channels;  // by our number
    std::vector<ChannelId> m_ending;                   // ended, but the owner has not been told yet
    std::size_t m_waiting = 0;                         // channels with something in `waiting`
    std::size_t m_next_pumped = 0;                     // round robin: a busy channel must not starve the others
    std::uint64_t m_window_budget = wire::limits::kWindowBudget;
};

}  // namespace sekisho::ssh
