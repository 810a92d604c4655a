// Local time of a named zone ("Asia/Tokyo"), from the system's TZif files (RFC 8536), because the compiler's library has no
// zone database yet. Zones are read once and kept. Thread-safe. Also RFC 3339 text to time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace sekisho::base {

class TimeZone {
public:
    /// A whole TZif file, version 1 to 4. `name` is for messages.
    static Result<TimeZone> parse(BytesView file, std::string_view name);

    /// Local time minus UTC.
    std::chrono::seconds offset(WallTime time) const;

    struct Turn {  // daylight rule of the footer: when it takes effect in each year
        enum class Kind { JulianWithoutLeapDay, DayOfYear, MonthWeekDay } kind = Kind::MonthWeekDay;
        int month = 0, week = 0, day = 0;
        std::int32_t second = 7200;
    };
    struct Footer {  // POSIX TZ text at the end of the file: what holds after the last transition
        std::int32_t standard = 0;
        bool has_daylight = false;
        std::int32_t daylight = 0;
        Turn begin, end;
    };

private:
    std::vector<std::int64_t> m_transitions;
    std::vector<std::int32_t> m_offsets;  // from that transition on
    std::int32_t m_first = 0;             // before the first transition
    std::optional<Footer> m_footer;
};

/// The zone with this name from /usr/share/zoneinfo; "UTC" needs no file.
Result<std::shared_ptr<const TimeZone>> time_zone(std::string_view name);

/// RFC 3339 date and time with "Z" or an offset, fractions allowed: 2027-12-31T23:59:59+09:00. Leap seconds count as :59.
std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace sekisho::base
