#include "gateway/session_watch.h"

#include <algorithm>

#include "wire/reader.h"

namespace sekisho::gateway {

model::WatchedChannel* SessionWatch::find(std::uint32_t channel) {
    const auto found = std::ranges::find(m_channels, channel, &model::WatchedChannel::number);
    return found == m_channels.end() ? nullptr : &*found;
}

void SessionWatch::forget_the_gone() {
    std::erase_if(m_watchers, [](const auto& watcher) { return watcher->gone(); });
}

/// Watching shows no more than the recording will: what a rule keeps out of it stays unseen.
void SessionWatch::channel_opened(const recording::ChannelFacts& facts) {
    if (facts.type != "session" || facts.level != model::RecordLevel::Full) return;
    m_channels.push_back({.number = facts.channel, .target = facts.target});
    for (const auto& watcher : m_watchers) watcher->channel(m_channels.back());
}

void SessionWatch::request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload) {
    const bool begins = type == "pty-req";
    if (!from_client || (!begins && type != "window-change")) return;
    model::WatchedChannel* shown = find(channel);
    if (shown == nullptr) return;
    wire::Reader reader(payload);
    if (begins) reader.text();
    const std::uint32_t columns = reader.u32(), rows = reader.u32();
    if (!reader.ok()) return;
    shown->terminal = shown->terminal || begins;
    shown->columns = columns;
    shown->rows = rows;
    for (const auto& watcher : m_watchers) watcher->channel(*shown);
}

void SessionWatch::data(std::uint32_t channel, recording::Stream stream, BytesView bytes) {
    if (stream == recording::Stream::Input) return;
    model::WatchedChannel* shown = find(channel);
    if (shown == nullptr) return;
    shown->bytes += bytes.size();
    if (m_watchers.empty()) return;
    forget_the_gone();
    for (const auto& watcher : m_watchers) watcher->output(channel, bytes);
}

void SessionWatch::channel_closed(std::uint32_t channel) {
    if (std::erase_if(m_channels, [&](const auto& one) { return one.number == channel; }) == 0) return;
    for (const auto& watcher : m_watchers) watcher->closed(channel);
}

void SessionWatch::add(std::shared_ptr<model::SessionWatcher> watcher) {
    forget_the_gone();
    if (m_watchers.size() >= kMostWatchers) return watcher->ended("this session has too many watchers already");
    for (const auto& channel : m_channels) watcher->channel(channel);
    m_watchers.push_back(std::move(watcher));
}

void SessionWatch::finish(std::string_view reason) {
    for (const auto& watcher : m_watchers) watcher->ended(reason);
    m_watchers.clear();
}

}  // namespace sekisho::gateway
