// Offsets as Python's zoneinfo gives them for the same instants; daylight edges, footer years, southern and odd zones.
#include "base/time_zone.h"

#include <gtest/gtest.h>

namespace sekisho::base {
namespace {

struct Case {
    const char* zone;
    std::int64_t time;
    std::int64_t offset;
};

TEST(TimeZoneTest, OffsetsAreThoseOfZoneinfo) {
    const Case cases[] = {{"Asia/Tokyo", 0, 32400}, {"Asia/Tokyo", 1732250000, 32400}, {"Europe/Berlin", 1711846799, 3600},
        {"Europe/Berlin", 1711846800, 7200}, {"Europe/Berlin", 1729990799, 7200}, {"Europe/Berlin", 1729990800, 3600},
        {"Europe/Berlin", 2524608000, 3600}, {"Europe/Berlin", 2541067200, 7200}, {"America/New_York", 2000000000, -14400},
        {"America/New_York", 4102444800, -18000}, {"America/New_York", 4118083200, -14400},
        {"Australia/Lord_Howe", 1712415599, 39600}, {"Australia/Lord_Howe", 1712415600, 37800},
        {"Australia/Lord_Howe", 2555000000, 39600}, {"Australia/Lord_Howe", 2570000000, 37800},
        {"Africa/Casablanca", 1710000000, 3600}, {"Africa/Casablanca", 1711000000, 0}, {"Asia/Kolkata", -1500000000, 19800},
        {"America/St_Johns", 3000000000, -12600}, {"America/St_Johns", 3010000000, -9000}, {"UTC", 0, 0}};
    for (const Case& c : cases) {
        const auto zone = time_zone(c.zone);
        ASSERT_TRUE(zone) << c.zone;
        EXPECT_EQ((*zone)->offset(WallTime(std::chrono::seconds(c.time))).count(), c.offset) << c.zone << ' ' << c.time;
    }
}

TEST(TimeZoneTest, NamesThatLeaveTheFolderAreRefused) {
    for (const char* name :
        {"", "../../etc/passwd", "/etc/localtime", "Asia//Tokyo", "Asia/", "Mars/Olympus", "Asia/Tokyo\n", "."}) {
        EXPECT_FALSE(time_zone(name)) << name;
    }
}

TEST(TimeZoneTest, BrokenFilesAreRefused) {
    EXPECT_FALSE(TimeZone::parse(view("TZif2"), "x"));
    std::string huge = "TZif2" + std::string(15, '\0') + std::string(24, '\xff');
    EXPECT_FALSE(TimeZone::parse(view(huge), "x"));
}

TEST(Rfc3339Test, ReadsTimesWithTheirZone) {
    const auto seconds = [](const char* text) { return unix_seconds(parse_rfc3339(text).value_or(WallTime{})); };
    EXPECT_EQ(seconds("2027-12-31T23:59:59+09:00"), 1830265199);
    EXPECT_EQ(seconds("2024-02-29T00:00:00.5-03:30"), 1709177400);
    EXPECT_EQ(seconds("1970-01-01T00:00:01Z"), 1);
    // Beyond what a clock in nanoseconds can count (found by fuzz/texts).
    EXPECT_GT(parse_rfc3339("9999-12-31T23:59:59Z").value(), parse_rfc3339("2200-01-01T00:00:00Z").value());
    EXPECT_LT(parse_rfc3339("0001-01-01T00:00:00Z").value(), parse_rfc3339("1700-01-01T00:00:00Z").value());
    for (const char* wrong : {"", "2027-12-31", "2027-12-31T23:59:59", "2023-02-29T00:00:00Z", "2027-13-01T00:00:00Z",
             "2027-12-31T24:00:00Z", "2027-12-31T23:59:59+0900", "2027-12-31T23:59:59Zx", "2027-12-31T23:59:59.Z"}) {
        EXPECT_FALSE(parse_rfc3339(wrong)) << wrong;
    }
}

}  // namespace
}  // namespace sekisho::base
