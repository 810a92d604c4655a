// FetchFeed: a file on its way from the bucket to whoever asked: filled on a thread that fetches, emptied by web/server. It holds a few
// pieces; the fetching thread waits until they are read. A file that did not come whole ends without an end, so that nobody takes it for
// whole. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "model/live.h"
#include "web/api.h"

namespace sekisho::web {

class FetchFeed final : public model::FileSink, public BodyStream {
public:
    static constexpr std::size_t kMostWaiting = 16U << 20;

    // --- on the thread that fetches ---
    bool take(std::string piece) override;
    void end(Result<void> outcome) override;

    // --- on the server's thread ---
    std::string take() override;
    bool over() const override;
    bool broken() const override;
    void on_more(std::function<void()> more) override;
    void leave() override;

private:
    mutable std::mutex m_mutex;
    std::condition_variable m_room;
    std::string m_waiting;
    bool m_ended = false;
    bool m_broken = false;
    bool m_gone = false;
    std::function<void()> m_more;
};

}  // namespace sekisho::web
