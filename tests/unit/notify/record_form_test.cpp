// Records as syslog and JSON, whatever stands in them.
#include "notify/record_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sekisho::notify {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

model::AuditRecord record() {
    return {.sequence = 12,
        .time = base::from_unix_milliseconds(1796050799123),
        .kind = "access.refused",
        .session = "0123456789abcdef",
        .user = "alice",
        .source = "192.0.2.7",
        .subject = "ubuntu@web1",
        .outcome = "refused",
        .reason = "no rule"};
}

TEST(SyslogFormTest, IsAMessageOfRfc5424) {
    EXPECT_EQ(syslog_form(record(), {.host = "gw", .process = "42"}),
        "<84>1 2026-11-30T14:59:59.123Z gw sekisho 42 access.refused [sekisho@32473 sequence=\"12\" "
        "session=\"0123456789abcdef\" "
        "user=\"alice\" source=\"192.0.2.7\" outcome=\"refused\" subject=\"ubuntu@web1\" reason=\"no rule\"] "
        "access.refused alice 192.0.2.7 ubuntu@web1 refused");
    model::AuditRecord bare;
    bare.kind = "gateway.start";
    bare.outcome = "ok";
    EXPECT_EQ(syslog_form(bare, {.facility = 16, .sd_id = "x@1"}),
        "<134>1 1970-01-01T00:00:00.000Z - sekisho - gateway.start [x@1 sequence=\"0\" outcome=\"ok\"] gateway.start ok");
    bare.outcome = "failed";
    EXPECT_THAT(syslog_form(bare, {.facility = 16}), StartsWith("<131>1 "));
}

TEST(SyslogFormTest, NothingEndsAnElementOrAMessage) {
    model::AuditRecord odd = record();
    odd.subject = "a\"]b\\ [x y=\"z\"]\n<13>1 - - forged";
    odd.reason = "関所\r\nend";
    odd.kind = "a b\nc]";
    const std::string text = syslog_form(odd, {.host = "g w\n", .process = ""});
    EXPECT_THAT(text, HasSubstr(R"( subject="a\"\]b\\ [x y=\"z\"\]_<13>1 - - forged")"));
    EXPECT_THAT(text, HasSubstr("reason=\"関所__end\"] "));
    EXPECT_THAT(text, HasSubstr(" g_w_ sekisho - a_b_c] [sekisho@32473 "));
    EXPECT_EQ(text.find('\n'), std::string::npos);
    odd.user = "関";
    EXPECT_THAT(syslog_form(odd, {}), HasSubstr("] \xef\xbb\xbf"));
}

TEST(SyslogFormTest, FitsIntoADatagram) {
    model::AuditRecord long_one = record();
    for (auto* text :
        {&long_one.kind, &long_one.session, &long_one.user, &long_one.source, &long_one.subject, &long_one.reason})
        *text = std::string(10000, ']');
    for (const std::size_t most : {2048U, 8192U}) {
        const std::string text = syslog_form(long_one, {.host = std::string(300, 'h'), .most = most});
        EXPECT_LE(text.size(), most + 1024);
    }
    long_one = record();
    long_one.reason = std::string(10000, ']');
    long_one.subject = std::string(10000, '"');
    EXPECT_LE(syslog_form(long_one, {.host = "gw", .most = 2048}).size(), 2048U);
    EXPECT_LE(syslog_form(long_one, {.host = "gw", .most = 8192}).size(), 8192U);
}

TEST(SyslogFormTest, NamesOfFacilitiesAndElements) {
    EXPECT_EQ(syslog_facility("authpriv"), 10U);
    EXPECT_EQ(syslog_facility("local7"), 23U);
    EXPECT_EQ(syslog_facility(""), std::nullopt);
    EXPECT_EQ(syslog_facility("local8"), std::nullopt);
    for (const char* good : {"sekisho@32473", "a@1", "a@1.2"}) EXPECT_TRUE(is_sd_id(good)) << good;
    for (const char* bad :
        {"", "a", "@1", "a@", "a b@1", "a=b@1", "a]@1", "a\"@1", "a@1@2", "a@x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@1"})
        EXPECT_FALSE(is_sd_id(bad)) << bad;
}

TEST(JsonFormTest, IsOneObjectOnOneLine) {
    model::AuditRecord odd = record();
    odd.reason = "a\n\"b\" \xff 関";
    odd.recording = "2026-11-30_23-59-59_alice";
    odd.hash[0] = std::byte{0xab};
    const std::string text = json_form(odd, "gw");
    EXPECT_EQ(text.find('\n'), std::string::npos);
    const auto json = nlohmann::json::parse(text);
    EXPECT_EQ(json["sequence"], 12);
    EXPECT_EQ(json["time"], "2026-11-30T14:59:59.123Z");
    EXPECT_EQ(json["host"], "gw");
    EXPECT_EQ(json["reason"], "a\n\"b\" \xef\xbf\xbd 関");
    EXPECT_EQ(json["recording"], "2026-11-30_23-59-59_alice");
    EXPECT_EQ(json["hash"], "ab" + std::string(62, '0'));
    EXPECT_EQ(json.size(), 12U);
}

}  // namespace
}  // namespace sekisho::notify
