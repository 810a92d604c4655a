#include "net/pacer.h"

#include <utility>

#include "net/asio.h"

namespace sekisho::net {

void Pacer::rest(std::shared_ptr<Paced> who) {
    m_resting.push_back(std::move(who));
    if (m_resting.size() > 1) return;
    m_timer.expires_after(kRest);
    m_timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) over();
    });
}

void Pacer::over() {
    for (const auto& who : std::exchange(m_resting, {})) {
        m_loop.turn([&] { who->rested(); });
    }
}

bool Pace::read(std::size_t count, TimePoint now) {
    const bool pours = count >= kLeastRead && now - m_last < kQuickly && m_answered <= kMostAnswer;
    m_quick = pours ? m_quick + 1 : 0;
    m_last = now;
    m_answered = 0;
    return m_quick >= kQuickReads && count < kFullRead;
}

}  // namespace sekisho::net
