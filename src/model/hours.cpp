#include "model/hours.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::model {
namespace {

constexpr std::array<std::string_view, 7> kDays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::optional<std::size_t> day(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
        [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto found = std::find(kDays.begin(), kDays.end(), lower);
    if (found == kDays.end()) return std::nullopt;
    return static_cast<std::size_t>(found - kDays.begin());
}

bool parse_days(std::string_view text, std::array<bool, 7>& days) {
    while (true) {
        const std::size_t comma = text.find(',');
        const std::string_view part = text.substr(0, comma);
        const std::size_t dash = part.find('-');
        const auto first = day(part.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : day(part.substr(dash + 1));
        if (!first || !last) return false;
        for (std::size_t d = *first;; d = (d + 1) % 7) {
            days[d] = true;
            if (d == *last) break;
        }
        if (comma == std::string_view::npos) return true;
        text.remove_prefix(comma + 1);
    }
}

std::optional<int> clock_minutes(std::string_view text) {  // HH:MM, up to 24:00
    const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
    const int hour = (text[0] - '0') * 10 + (text[1] - '0');
    const int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (minute > 59 || hour * 60 + minute > 1440) return std::nullopt;
    return hour * 60 + minute;
}

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> found;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(' ', at)) != std::string_view::npos) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        found.push_back(text.substr(at, end - at));
        at = end;
    }
    return found;
}

}  // namespace

Result<Hours> Hours::parse(std::string_view text) {
    const auto wrong = [&](std::string_view what) {
        return fail("hours \"" + std::string(text) + "\": " + std::string(what) +
                    "; write for example \"Mon-Fri 08:00-20:00 Asia/Tokyo\"");
    };
    std::vector<std::string_view> parts = words(text);
    Hours hours;
    if (parts.size() == 2 && clock_minutes(parts[0].substr(0, 5))) {
        hours.days.fill(true);
    } else if (parts.size() == 3) {
        if (!parse_days(parts[0], hours.days)) return wrong("the days are not understood");
        parts.erase(parts.begin());
    } else {
        return wrong("days, a time span and a time zone are wanted");
    }
    const std::string_view span = parts[0];
    const auto begin = clock_minutes(span.substr(0, 5));
    const auto end = span.size() == 11 && span[5] == '-' ? clock_minutes(span.substr(6)) : std::nullopt;
    if (!begin || !end || *begin == 1440 || *begin == *end) return wrong("the time span is not understood");
    auto zone = base::time_zone(parts[1]);
    if (!zone) return wrong(zone.error().text);
    hours.begin = *begin;
    hours.end = *end;
    hours.zone = std::move(*zone);
    return hours;
}

WeekMinute WeekMinute::at(const base::TimeZone& zone, WallTime time) {
    using namespace std::chrono;
    const auto local = floor<minutes>(time + zone.offset(time));
    const auto today = floor<std::chrono::days>(local);
    return {std::chrono::weekday(sys_days(today)).c_encoding(), static_cast<int>((local - today).count())};
}

bool Hours::contains(WeekMinute local) const {
    if (begin < end) return days[local.weekday] && local.minute >= begin && local.minute < end;
    const std::size_t weekday_before = (local.weekday + 6) % 7;
    return (days[local.weekday] && local.minute >= begin) || (days[weekday_before] && local.minute < end);
}

}  // namespace sekisho::model
