#include "gateway/ca_control.h"

#include <chrono>
#include <condition_variable>
#include <optional>
#include <utility>

#include "keyholder/messages.h"
#include "keys/public_key.h"

namespace sekisho::gateway {
namespace {

constexpr std::chrono::seconds kPatience{30};

std::string line_of(const Bytes& blob) {
    if (blob.empty()) return {};
    const auto key = keys::PublicKey::from_blob(blob);
    return key ? key->line("sekisho user CA") : std::string();
}

}  // namespace

struct CaControl::Waiting {
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

void CaControl::has(const keyholder::UserCaKeys& keys) {
    model::UserCa lines{line_of(keys.signing), line_of(keys.next), line_of(keys.old)};
    const std::lock_guard lock(m_mutex);
    m_lines = std::move(lines);
}

model::UserCa CaControl::lines() const {
    const std::lock_guard lock(m_mutex);
    return m_lines;
}

Result<model::UserCa> CaControl::change(model::CaStep step, const Ask& ask) {
    const auto waiting = std::make_shared<Waiting>();
    {
        const std::lock_guard lock(m_mutex);
        if (m_stopped) return fail("the gateway is going down");
        m_waiting = waiting;
    }
    ask(step, [waiting](Result<Bytes> answer) { waiting->take(std::move(answer)); });
    std::unique_lock lock(waiting->mutex);
    if (!waiting->answered.wait_for(lock, kPatience, [&] { return waiting->answer.has_value(); })) {
        return fail("the keyholder did not answer; `sekisho ca show` tells whether the step was taken");
    }
    if (!*waiting->answer) return std::unexpected(waiting->answer->error());
    const auto keys = keyholder::decode_user_ca(**waiting->answer);
    if (!keys) return std::unexpected(keys.error());
    has(*keys);
    return lines();
}

void CaControl::stop() {
    std::shared_ptr<Waiting> waiting;
    {
        const std::lock_guard lock(m_mutex);
        m_stopped = true;
        waiting = m_waiting;
    }
    if (waiting) waiting->take(fail("the gateway is going down; `sekisho ca show` tells whether the step was taken"));
}

}  // namespace sekisho::gateway
