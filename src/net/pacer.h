// Pacer: lets streams that pour be read every other millisecond instead of at every packet. A loop that is faster than its peer
// goes to sleep and is woken for each few kilobytes, and waking costs more than moving them; a short rest gathers them. Only
// for streams that pour in or out: a dialogue is never delayed (see Pace). One a loop; loop thread only.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "net/loop.h"
#include "net/reactor.h"

namespace sekisho::net {

class Paced {
public:
    virtual void rested() = 0;

protected:
    ~Paced() = default;
};

class Pacer {
public:
    static constexpr std::chrono::microseconds kRest{2000};

    Pacer(Loop& loop, Reactor& reactor) : m_loop(loop), m_reactor(reactor) {}
    /// Calls rested() of `who`, in a turn of its own, when the rest is over.
    void rest(std::shared_ptr<Paced> who);

private:
    void over();

    Loop& m_loop;
    Reactor& m_reactor;
    std::vector<std::shared_ptr<Paced>> m_resting;
};

/// Whether one stream pours: kQuickReads reads in close succession, each of some size with nothing but small answers between, or
/// each after a lot was sent (then what comes are window adjusts).
class Pace {
public:
    void sent(std::size_t count) { m_sent += count; }
    /// A read of `count` bytes at `now`, `full` where more may be there. True: rest before the next one.
    bool read(std::size_t count, bool full, TimePoint now);

private:
    static constexpr std::size_t kQuickReads = 16;
    static constexpr std::size_t kLeastRead = 512;
    static constexpr std::size_t kMostAnswer = 256;  // a window adjust or two
    static constexpr std::size_t kLeastSent = 72 * 1024;  // more than any answer to one request for data (sftp: 32 or 64 KiB)
    static constexpr std::chrono::milliseconds kQuickly{8};

    TimePoint m_last{};
    std::size_t m_sent = 0;
    std::size_t m_quick = 0;
};

}  // namespace sekisho::net
