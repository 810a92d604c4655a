#include "gateway/answer_wait.h"

#include <chrono>
#include <condition_variable>
#include <optional>
#include <utility>

namespace sekisho::gateway {

namespace {
constexpr std::chrono::seconds kAnswerPatience{30};
}

struct AnswerWait::Waiting {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<Result<Bytes>> answer;

    void take(Result<Bytes> said) {
        {
            const std::lock_guard lock(mutex);
            if (!answer) answer = std::move(said);
        }
        answered.notify_all();
    }
};

Result<Bytes> AnswerWait::ask(const std::function<void(std::function<void(Result<Bytes>)> done)>& begin) {
    const auto waiting = std::make_shared<Waiting>();
    {
        const std::lock_guard lock(m_mutex);
        if (m_stopped) return fail("the gateway is going down");
        m_waiting = waiting;
    }
    begin([waiting](Result<Bytes> answer) { waiting->take(std::move(answer)); });
    std::unique_lock lock(waiting->mutex);
    if (!waiting->answered.wait_for(lock, kAnswerPatience, [&] { return waiting->answer.has_value(); }))
        return fail("the keyholder did not answer; " + m_late);
    return std::move(*waiting->answer);
}

void AnswerWait::stop() {
    std::shared_ptr<Waiting> waiting;
    {
        const std::lock_guard lock(m_mutex);
        m_stopped = true;
        waiting = m_waiting;
    }
    if (waiting) waiting->take(fail("the gateway is going down; " + m_late));
}

}  // namespace sekisho::gateway
