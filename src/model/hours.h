// Hours: the time window of a rule, "Mon-Fri 08:00-20:00 Asia/Tokyo". Days are a list of names and ranges (missing: every
// day); a window that ends before it begins runs over midnight and belongs to the day on which it begins; the zone is
// required, because a window without one would move with the machine. Used by the access file's parser and by policy.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/time_zone.h"

namespace sekisho::model {

/// A moment of the week on the clocks of some zone.
struct WeekMinute {
    std::size_t weekday = 0;  // 0: Sunday
    int minute = 0;  // after midnight

    static WeekMinute at(const base::TimeZone& zone, WallTime time);
};

struct Hours {
    std::array<bool, 7> days{};  // Sunday first
    int begin = 0;  // minutes after midnight
    int end = 0;  // exclusive; 1440 for 24:00
    std::shared_ptr<const base::TimeZone> zone;

    static Result<Hours> parse(std::string_view text);
    bool contains(WallTime time) const { return contains(WeekMinute::at(*zone, time)); }
    /// `local` by the clocks of `zone`.
    bool contains(WeekMinute local) const;
};

}  // namespace sekisho::model
