#include "base/clock.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace sekisho::base {

std::string rfc3339(WallTime time) {
    const std::int64_t ms = unix_milliseconds(time);
    const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec, ms % 1000);
}

std::string local_time(WallTime time, const char* pattern) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::localtime_r(&seconds, &parts);
    char buffer[128];
    const std::size_t n = std::strftime(buffer, sizeof buffer, pattern, &parts);
    return {buffer, n};
}

std::int64_t unix_seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::int64_t unix_milliseconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

WallTime from_unix_milliseconds(std::int64_t milliseconds) {
    // WallTime counts nanoseconds: from the year 1677 to 2262.
    constexpr std::int64_t kLeast = std::chrono::duration_cast<std::chrono::milliseconds>(WallTime::min().time_since_epoch()).count();
    constexpr std::int64_t kMost = std::chrono::duration_cast<std::chrono::milliseconds>(WallTime::max().time_since_epoch()).count();
    return WallTime(std::chrono::milliseconds(std::clamp(milliseconds, kLeast, kMost)));
}

WallTime wall_time(std::chrono::sys_seconds time) { return from_unix_milliseconds(time.time_since_epoch().count() * 1000); }

}  // namespace sekisho::base
