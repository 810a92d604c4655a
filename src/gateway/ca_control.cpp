#include "gateway/ca_control.h"

#include <utility>

#include "keyholder/messages.h"
#include "keys/public_key.h"

namespace sekisho::gateway {
namespace {

std::string line_of(const Bytes& blob) {
    if (blob.empty()) return {};
    const auto key = keys::PublicKey::from_blob(blob);
    return key ? key->line("sekisho user CA") : std::string();
}

}  // namespace

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
    const auto answer = m_wait.ask([&](std::function<void(Result<Bytes>)> done) { ask(step, std::move(done)); });
    if (!answer) return std::unexpected(answer.error());
    const auto keys = keyholder::decode_user_ca(*answer);
    if (!keys) return std::unexpected(keys.error());
    has(*keys);
    return lines();
}

}  // namespace sekisho::gateway
