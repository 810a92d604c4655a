// SessionWatch: those who watch a live session, and what they are told: its channels and the output of each, as the recording would
// keep it in full. Owned by SessionRecord, which tells it what it tells the recorder; without watchers it counts and copies nothing.
// Loop thread only.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "model/live.h"
#include "recording/recorder.h"

namespace sekisho::gateway {

class SessionWatch {
public:
    static constexpr std::size_t kMostWatchers = 8;  // of one session

    void channel_opened(const recording::ChannelFacts& facts);
    void request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload);
    void data(std::uint32_t channel, recording::Stream stream, BytesView bytes);
    void channel_closed(std::uint32_t channel);

    /// Is told first what is there.
    void add(std::shared_ptr<model::SessionWatcher> watcher);
    /// The session ended: everybody is told, and let go.
    void finish(std::string_view reason);

private:
    model::WatchedChannel* find(std::uint32_t channel);
    void forget_the_gone();

    std::vector<model::WatchedChannel> m_channels;  // open ones that are recorded in full: few
    std::vector<std::shared_ptr<model::SessionWatcher>> m_watchers;
};

}  // namespace sekisho::gateway
