#include "ssh/core.h"

#include "base/secret.h"
#include "ssh/message_numbers.h"

namespace sekisho::ssh {

namespace {
// A held message of a few bytes costs a vector and a block of memory besides.
constexpr std::size_t kHeldOverhead = 64;
}  // namespace

std::optional<Event> EventQueue::pop() {
    if (empty()) return std::nullopt;
    Event event = std::move(m_events[m_head++]);
    if (m_head == m_events.size()) {
        m_head = 0;
        m_events.clear();
        if (m_events.capacity() > 8) m_events.shrink_to_fit();
    }
    return event;
}

void Core::send(BytesView payload) {
    if (!m_holding) return write(payload);
    m_held.emplace_back(payload.begin(), payload.end());
    m_held_bytes += payload.size() + kHeldOverhead;
}

void Core::release() {
    m_holding = false;
    for (Bytes& payload : std::exchange(m_held, {})) {
        write(payload);
        base::wipe(payload);  // may be a password
    }
    m_held_bytes = 0;
}

void Core::write(BytesView payload) {
    writer.send(payload);
    // Server: here rather than where it is decided, because the message may have waited for new keys.
    if (static_cast<Message>(payload[0]) == Message::UserauthSuccess) begin_compression();
}

void Core::begin_compression() {
    writer.begin_compression();
    m_compression_begun = true;
}

std::unexpected<Error> Core::end(DisconnectReason reason, std::string text, std::string detail) {
    end_reason = reason;
    return fail(std::move(text), std::move(detail));
}

}  // namespace sekisho::ssh
