// What every owner of an Engine relies on: events come in an order that makes sense, and never more data than was allowed. For the
// fuzzers: whatever a peer sends, this must hold.
#pragma once

#include <cstdlib>
#include <map>

#include "ssh/engine.h"

namespace sekisho::support {

class EventChecker {
public:
    /// The owner's part, so that the answers of the peer can be told from those that nobody asked for.
    void opening(ssh::ChannelId id) { m_channels[id.value] = {.state = Channel::State::Opening}; }
    void accepted(ssh::ChannelId id) { m_channels[id.value].state = Channel::State::Open; }
    void rejected(ssh::ChannelId id) { m_channels.erase(id.value); }
    void credited(ssh::ChannelId id, std::size_t count) { m_channels[id.value].outstanding -= count; }
    bool open(ssh::ChannelId id) const {
        const auto found = m_channels.find(id.value);
        return found != m_channels.end() && found->second.state == Channel::State::Open;
    }
    std::size_t channels() const { return m_channels.size(); }

    void check(const ssh::Event& event) {
        must(!m_over);  // Disconnected is the last event
        std::visit([this](const auto& one) { see(one); }, event);
    }

private:
    struct Channel {
        enum class State { Asked, Opening, Open };
        State state = State::Asked;
        std::size_t outstanding = 0;
        bool eof = false, closed = false;
    };

    static void must(bool condition) {
        if (!condition) std::abort();
    }
    Channel& open_one(ssh::ChannelId id) {
        const auto found = m_channels.find(id.value);
        must(found != m_channels.end() && found->second.state == Channel::State::Open && !found->second.closed);
        return found->second;
    }

    void see(const ssh::Disconnected&) { m_over = true; }
    void see(const ssh::ChannelOpenRequested& event) {
        must(!m_channels.contains(event.channel.value) && m_channels.size() < wire::limits::kChannels);
        m_channels[event.channel.value] = {};
    }
    void see(const ssh::ChannelOpened& event) {
        must(m_channels.contains(event.channel.value) && m_channels[event.channel.value].state == Channel::State::Opening);
        m_channels[event.channel.value].state = Channel::State::Open;
    }
    void see(const ssh::ChannelOpenFailed& event) {
        must(m_channels.contains(event.channel.value) && m_channels[event.channel.value].state == Channel::State::Opening);
        m_channels.erase(event.channel.value);
    }
    void see(const ssh::Data& event) {
        Channel& channel = open_one(event.channel);
        must(!channel.eof && !event.bytes.empty());
        channel.outstanding += event.bytes.size();
        must(channel.outstanding <= wire::limits::kWindowMost);
    }
    void see(const ssh::ChannelRequested& event) { open_one(event.channel); }
    void see(const ssh::RequestReplied& event) { open_one(event.channel); }
    void see(const ssh::EofReceived& event) {
        Channel& channel = open_one(event.channel);
        must(!channel.eof);
        channel.eof = true;
    }
    void see(const ssh::CloseReceived& event) { open_one(event.channel).closed = true; }
    void see(const ssh::ChannelEnded& event) {
        must(m_channels.contains(event.channel.value) && m_channels[event.channel.value].closed);
        m_channels.erase(event.channel.value);
    }
    template <class Other>
    void see(const Other&) {}

    std::map<std::uint32_t, Channel> m_channels;
    bool m_over = false;
};

}  // namespace sekisho::support
