#include "notify/mail_pace.h"

#include <algorithm>

namespace sekisho::notify {

bool MailPace::alone(TimePoint now) {
    if (m_due) return false;
    while (!m_alone.empty() && now - m_alone.front() >= kWindow) m_alone.pop_front();
    if (m_alone.size() < kAlone) {
        m_alone.push_back(now);
        return true;
    }
    const bool unbroken = m_last_list && now - *m_last_list < kWindow;
    m_gather = unbroken ? std::min<Duration>(m_gather * 2, kLongest) : kFirst;
    m_due = now + m_gather;
    return false;
}

void MailPace::gone(TimePoint now) {
    m_due.reset();
    m_last_list = now;
    // The crowd is not over because it was told.
    m_alone.assign(kAlone, now);
}

}  // namespace sekisho::notify
