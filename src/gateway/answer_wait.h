// AnswerWait: the admin thread asks the keyholder for something by way of a loop, and waits for the answer: half a minute at most, and not
// at all any more when the gateway goes down. Owned by gateway/serve. Thread-safe; ask() may not be called on a loop.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sekisho::gateway {

class AnswerWait {
public:
    /// `late`: what to say to who does not learn whether it was done.
    explicit AnswerWait(std::string late) : m_late(std::move(late)) {}

    /// `begin` hands the question to a loop.
    Result<Bytes> ask(const std::function<void(std::function<void(Result<Bytes>)> done)>& begin);
    /// The gateway is going down, and the loop that would answer may be the one that waits for us: nobody waits any more.
    void stop();

private:
    struct Waiting;

    std::string m_late;
    std::mutex m_mutex;
    std::shared_ptr<Waiting> m_waiting;
    bool m_stopped = false;
};

}  // namespace sekisho::gateway
