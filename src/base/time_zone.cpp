#include "base/time_zone.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>

namespace sekisho::base {
namespace {

constexpr std::size_t kHeaderSize = 44;
constexpr std::size_t kMostBytes = 256 * 1024;
constexpr std::string_view kFolder = "/usr/share/zoneinfo/";

std::uint32_t u32(BytesView bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = (value << 8) | std::to_integer<std::uint32_t>(bytes[at + i]);
    return value;
}

std::int64_t big_endian(BytesView bytes, std::size_t at, std::size_t size) {
    if (size == 4) return static_cast<std::int32_t>(u32(bytes, at));
    return static_cast<std::int64_t>((static_cast<std::uint64_t>(u32(bytes, at)) << 32) | u32(bytes, at + 4));
}

struct Header {
    std::uint8_t version = 0;
    std::size_t isut = 0, isstd = 0, leap = 0, times = 0, types = 0, chars = 0;

    std::size_t body(std::size_t time_size) const {
        return times * time_size + times + types * 6 + chars + leap * (time_size + 4) + isstd + isut;
    }
};

std::optional<Header> read_header(BytesView bytes) {
    if (bytes.size() < kHeaderSize || text_view(bytes.first(4)) != "TZif") return std::nullopt;
    Header h;
    h.version = std::to_integer<std::uint8_t>(bytes[4]);
    std::size_t* const counts[] = {&h.isut, &h.isstd, &h.leap, &h.times, &h.types, &h.chars};
    for (std::size_t i = 0; i < 6; ++i) {
        const std::uint32_t count = u32(bytes, 20 + 4 * i);
        if (count > kMostBytes) return std::nullopt;
        *counts[i] = count;
    }
    if (h.types == 0) return std::nullopt;
    return h;
}

/// Reads the POSIX TZ text of the footer: "JST-9", "CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3".
class FooterReader {
public:
    explicit FooterReader(std::string_view text) : m_rest(text) {}

    std::optional<TimeZone::Footer> read() {
        TimeZone::Footer footer;
        if (!name()) return std::nullopt;
        const auto standard = clock();
        if (!standard) return std::nullopt;
        footer.standard = -*standard;  // POSIX counts west of Greenwich as positive
        if (m_rest.empty()) return footer;
        if (!name()) return std::nullopt;
        footer.has_daylight = true;
        footer.daylight = footer.standard + 3600;
        if (!m_rest.empty() && m_rest[0] != ',') {
            const auto daylight = clock();
            if (!daylight) return std::nullopt;
            footer.daylight = -*daylight;
        }
        if (!take(',') || !turn(footer.begin) || !take(',') || !turn(footer.end) || !m_rest.empty()) return std::nullopt;
        return footer;
    }

private:
    bool take(char c) {
        if (m_rest.empty() || m_rest[0] != c) return false;
        m_rest.remove_prefix(1);
        return true;
    }
    bool name() {
        std::size_t n = 0;
        if (take('<')) {
            n = m_rest.find('>');
            if (n == std::string_view::npos || n == 0) return false;
            m_rest.remove_prefix(n + 1);
            return true;
        }
        while (n < m_rest.size() && ((m_rest[n] >= 'A' && m_rest[n] <= 'Z') || (m_rest[n] >= 'a' && m_rest[n] <= 'z'))) ++n;
        m_rest.remove_prefix(n);
        return n >= 3;
    }
    std::optional<std::int32_t> number(std::int32_t most) {
        std::int32_t value = 0;
        std::size_t n = 0;
        while (n < m_rest.size() && n < 3 && m_rest[n] >= '0' && m_rest[n] <= '9') value = value * 10 + (m_rest[n++] - '0');
        if (n == 0 || value > most) return std::nullopt;
        m_rest.remove_prefix(n);
        return value;
    }
    std::optional<std::int32_t> clock() {  // [+-]h[:mm[:ss]]
        std::int32_t sign = 1;
        if (take('-'))
            sign = -1;
        else
            take('+');
        const auto hours = number(167);
        if (!hours) return std::nullopt;
        std::int32_t seconds = *hours * 3600;
        for (const std::int32_t unit : {60, 1}) {
            if (!take(':')) break;
            const auto part = number(59);
            if (!part) return std::nullopt;
            seconds += *part * unit;
        }
        return sign * seconds;
    }
    bool turn(TimeZone::Turn& turn) {
        using Kind = TimeZone::Turn::Kind;
        if (take('M')) {
            turn.kind = Kind::MonthWeekDay;
            const auto month = number(12);
            if (!month || *month < 1 || !take('.')) return false;
            const auto week = number(5);
            if (!week || *week < 1 || !take('.')) return false;
            const auto day = number(6);
            if (!day) return false;
            turn.month = *month;
            turn.week = *week;
            turn.day = *day;
        } else {
            turn.kind = take('J') ? Kind::JulianWithoutLeapDay : Kind::DayOfYear;
            const auto day = number(365);
            if (!day) return false;
            turn.day = *day;
        }
        if (take('/')) {
            const auto second = clock();
            if (!second) return false;
            turn.second = *second;
        }
        return true;
    }

    std::string_view m_rest;
};

/// Seconds since 1970 at which the turn happens in `year`, in the local time that holds before it: its offset is not yet
/// taken off.
std::int64_t turn_in_year(const TimeZone::Turn& turn, std::chrono::year year) {
    using namespace std::chrono;
    using Kind = TimeZone::Turn::Kind;
    sys_days date;
    if (turn.kind == Kind::MonthWeekDay) {
        const auto m = month(static_cast<unsigned>(turn.month));
        const auto d = weekday(static_cast<unsigned>(turn.day));
        date = turn.week == 5 ? sys_days(year / m / d[last]) : sys_days(year / m / d[static_cast<unsigned>(turn.week)]);
    } else if (turn.kind == Kind::DayOfYear) {
        date = sys_days(year / January / 1) + days(turn.day);
    } else {
        const int leap = year.is_leap() && turn.day >= 60 ? 1 : 0;
        date = sys_days(year / January / 1) + days(turn.day - 1 + leap);
    }
    return duration_cast<seconds>(date.time_since_epoch()).count() + turn.second;
}

std::int32_t footer_offset(const TimeZone::Footer& footer, std::int64_t time) {
    if (!footer.has_daylight) return footer.standard;
    using namespace std::chrono;
    const auto local = floor<days>(sys_seconds(seconds(time + footer.standard)));
    const year y = year_month_day(local).year();
    const std::int64_t begin = turn_in_year(footer.begin, y) - footer.standard;
    const std::int64_t end = turn_in_year(footer.end, y) - footer.daylight;
    const bool daylight = begin < end ? (time >= begin && time < end) : (time >= begin || time < end);
    return daylight ? footer.daylight : footer.standard;
}

bool is_zone_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || name.front() == '/' || name.back() == '/') return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                          c == '-' || c == '+' || (c == '/' && name[i - 1] != '/');
        if (!fine) return false;
    }
    return true;
}

Result<std::shared_ptr<const TimeZone>> load(std::string_view name) {
    std::ifstream file(std::string(kFolder) + std::string(name), std::ios::binary);
    std::string text(kMostBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.empty()) return fail("there is no time zone " + std::string(name), "no file below " + std::string(kFolder));
    if (text.size() > kMostBytes) return fail("the file of time zone " + std::string(name) + " is too large");
    auto zone = TimeZone::parse(view(text), name);
    if (!zone) return std::unexpected(zone.error());
    return std::make_shared<const TimeZone>(std::move(*zone));
}

}  // namespace

Result<TimeZone> TimeZone::parse(BytesView file, std::string_view name) {
    const auto broken = [&] { return fail("the file of time zone " + std::string(name) + " is not a TZif file"); };
    auto header = read_header(file);
    if (!header) return broken();
    std::size_t time_size = 4;
    if (header->version >= '2') {  // RFC 8536 §3: a second header and body with 64-bit times follow
        const std::size_t skip = kHeaderSize + header->body(4);
        if (file.size() < skip) return broken();
        file = file.subspan(skip);
        header = read_header(file);
        if (!header) return broken();
        time_size = 8;
    }
    file = file.subspan(kHeaderSize);
    if (file.size() < header->body(time_size)) return broken();

    const std::size_t indexes = header->times * time_size;
    const std::size_t types = indexes + header->times;
    const auto offset_of = [&](std::size_t type) { return static_cast<std::int32_t>(u32(file, types + type * 6)); };
    TimeZone zone;
    zone.m_first = offset_of(0);
    for (std::size_t i = 0; i < header->times; ++i) {
        const auto type = std::to_integer<std::size_t>(file[indexes + i]);
        if (type >= header->types) return broken();
        zone.m_transitions.push_back(big_endian(file, i * time_size, time_size));
        zone.m_offsets.push_back(offset_of(type));
    }
    if (!std::is_sorted(zone.m_transitions.begin(), zone.m_transitions.end())) return broken();

    std::string_view footer = text_view(file.subspan(header->body(time_size)));
    if (time_size == 8 && footer.size() > 2 && footer.front() == '\n') {
        footer.remove_prefix(1);
        footer = footer.substr(0, footer.find('\n'));
        zone.m_footer = FooterReader(footer).read();
        if (!footer.empty() && !zone.m_footer) return broken();
    }
    return zone;
}

std::chrono::seconds TimeZone::offset(WallTime time) const {
    const std::int64_t at = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
    const auto next = std::upper_bound(m_transitions.begin(), m_transitions.end(), at);
    if (next == m_transitions.end() && m_footer) return std::chrono::seconds(footer_offset(*m_footer, at));
    if (next == m_transitions.begin()) return std::chrono::seconds(m_first);
    return std::chrono::seconds(m_offsets[static_cast<std::size_t>(next - m_transitions.begin()) - 1]);
}

Result<std::shared_ptr<const TimeZone>> time_zone(std::string_view name) {
    static std::mutex mutex;
    static std::map<std::string, std::shared_ptr<const TimeZone>, std::less<>> known{
        {"UTC", std::make_shared<const TimeZone>()}};
    if (!is_zone_name(name)) return fail("not the name of a time zone; write for example Asia/Tokyo or UTC");
    const std::lock_guard lock(mutex);
    if (const auto found = known.find(name); found != known.end()) return found->second;
    auto zone = load(name);
    if (zone) known.emplace(name, *zone);
    return zone;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    // RFC 3339 §5.6: YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)
    const auto digits = [&](std::size_t at, std::size_t count, unsigned low, unsigned high) -> std::optional<unsigned> {
        unsigned value = 0;
        for (std::size_t i = at; i < at + count; ++i) {
            if (i >= text.size() || text[i] < '0' || text[i] > '9') return std::nullopt;
            value = value * 10 + static_cast<unsigned>(text[i] - '0');
        }
        if (value < low || value > high) return std::nullopt;
        return value;
    };
    const auto at = [&](std::size_t i) { return i < text.size() ? text[i] : '\0'; };
    const auto year = digits(0, 4, 1, 9999), month = digits(5, 2, 1, 12), day = digits(8, 2, 1, 31);
    const auto hour = digits(11, 2, 0, 23), minute = digits(14, 2, 0, 59), second = digits(17, 2, 0, 60);
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    if (at(4) != '-' || at(7) != '-' || (at(10) != 'T' && at(10) != 't' && at(10) != ' ') || at(13) != ':' ||
        at(16) != ':') {
        return std::nullopt;
    }
    const std::chrono::year_month_day date(
        std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month), std::chrono::day(*day));
    if (!date.ok()) return std::nullopt;
    std::size_t i = 19;
    if (at(i) == '.') {
        const std::size_t begin = ++i;
        while (at(i) >= '0' && at(i) <= '9') ++i;
        if (i == begin || i - begin > 9) return std::nullopt;
    }
    std::chrono::seconds offset{0};
    if (at(i) == 'Z' || at(i) == 'z') {
        ++i;
    } else if (at(i) == '+' || at(i) == '-') {
        const auto hours = digits(i + 1, 2, 0, 23), minutes = digits(i + 4, 2, 0, 59);
        if (!hours || !minutes || at(i + 3) != ':') return std::nullopt;
        offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
        if (at(i) == '-') offset = -offset;
        i += 6;
    } else {
        return std::nullopt;
    }
    if (i != text.size()) return std::nullopt;
    return wall_time(std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
                     std::chrono::seconds(std::min(*second, 59U)) - offset);
}

}  // namespace sekisho::base
