// CaControl: the user CA for the admin API: its public lines, and steps that are taken in the keyholder while the admin thread waits.
// Owned by gateway/serve. Thread-safe; change() may not be called on a loop.
#pragma once

#include <functional>
#include <mutex>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/answer_wait.h"
#include "keyholder/signer.h"
#include "model/user_ca.h"

namespace sekisho::gateway {

class CaControl {
public:
    /// What the keyholder says that it has: at its start, or after a step.
    void has(const keyholder::UserCaKeys& keys);
    model::UserCa lines() const;

    using Ask = std::function<void(model::CaStep step, std::function<void(Result<Bytes>)> done)>;
    /// `ask` hands the step to a loop. Waits for the answer, half a minute at most.
    Result<model::UserCa> change(model::CaStep step, const Ask& ask);
    /// The gateway is going down, and the loop that would answer may be the one that waits for us: nobody waits any more.
    void stop() { m_wait.stop(); }

private:
    mutable std::mutex m_mutex;
    model::UserCa m_lines;
    AnswerWait m_wait{"`sekisho ca show` tells whether the step was taken"};
};

}  // namespace sekisho::gateway
