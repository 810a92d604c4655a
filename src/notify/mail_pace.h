// MailPace: which mails go one by one, and when those that come in a crowd go together as a list. Pure: time is handed in. Owned by
// gateway/mail_reader.
#pragma once

#include <deque>
#include <optional>

#include "base/clock.h"

namespace sekisho::notify {

class MailPace {
public:
    static constexpr std::size_t kAlone = 5;  // mails of their own …
    static constexpr std::chrono::seconds kWindow{10};  // … within so long; what comes on top is gathered
    static constexpr std::chrono::seconds kFirst{3};  // the first list goes so long after its first line
    static constexpr std::chrono::seconds kLongest{
        30};  // and those that follow in an unbroken crowd take longer, up to this

    /// Something is to be told: true, and it gets a mail of its own; false, and it is gathered.
    bool alone(TimePoint now);
    /// When what was gathered has to go; nothing while nothing is.
    std::optional<TimePoint> due() const { return m_due; }
    /// It went.
    void gone(TimePoint now);

private:
    std::deque<TimePoint> m_alone;
    std::optional<TimePoint> m_due;
    std::optional<TimePoint> m_last_list;
    Duration m_gather = kFirst;
};

}  // namespace sekisho::notify
