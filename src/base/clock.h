// Time as values. Pure folders are handed a TimePoint; only net, store, recording, notify and app may ask for one.
#pragma once

#include <chrono>
#include <string>

namespace sekisho::base {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;
using WallTime = std::chrono::system_clock::time_point;

/// RFC 3339 in UTC with milliseconds: 2026-11-22T05:16:00.123Z
std::string rfc3339(WallTime time);
/// Local time by strftime(3) pattern.
std::string local_time(WallTime time, const char* pattern);
std::int64_t unix_seconds(WallTime time);
std::int64_t unix_milliseconds(WallTime time);
/// What WallTime cannot say (before 1677, after 2262) becomes the nearest that it can.
WallTime from_unix_milliseconds(std::int64_t milliseconds);
WallTime wall_time(std::chrono::sys_seconds time);

}  // namespace sekisho::base

namespace sekisho {
using base::Duration;
using base::TimePoint;
using base::WallTime;
}  // namespace sekisho
