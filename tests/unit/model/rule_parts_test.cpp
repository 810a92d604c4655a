// Patterns, hours and forward entries: what rules are made of.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "model/forward.h"
#include "model/hours.h"
#include "model/pattern.h"

namespace sekisho::model {
namespace {

TEST(PatternTest, StarAndQuestionMark) {
    EXPECT_TRUE(matches_pattern("web*", "web"));
    EXPECT_TRUE(matches_pattern("web*", "web1"));
    EXPECT_TRUE(matches_pattern("*", ""));
    EXPECT_TRUE(matches_pattern("w?b*1", "web-001"));
    EXPECT_TRUE(matches_pattern("*a*b*c", "xxaxbxbxcxc"));
    EXPECT_FALSE(matches_pattern("web?", "web"));
    EXPECT_FALSE(matches_pattern("web", "web1"));
    EXPECT_FALSE(matches_pattern("web[12]", "web1"));
    EXPECT_FALSE(matches_pattern("", "a"));
    // No blow-up: a pattern of many stars ends quickly.
    EXPECT_FALSE(matches_pattern("*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(PatternTest, AWildcardOfACommandStandsForWordsOnly) {
    EXPECT_TRUE(matches_command("git-upload-pack *", "git-upload-pack 'team/app.git'"));
    EXPECT_TRUE(matches_command("echo *", "echo a b=c ~/d -e 50% x,y@z:1+2 関所"));
    EXPECT_TRUE(matches_command("uptime", "uptime"));
    EXPECT_TRUE(matches_command("? *", "w -h"));
    // Every character that a shell reads as more than a part of a word, and every control character.
    for (const char c : std::string_view(";&|<>`$(){}[]*?!#^\\\"\n\r\t\0\x1b\x7f", 26)) {
        EXPECT_FALSE(matches_command("echo *", std::string("echo a") + c + "b")) << static_cast<int>(c);
        EXPECT_FALSE(matches_command("echo ?", std::string("echo ") + c)) << static_cast<int>(c);
        EXPECT_FALSE(matches_command("*", std::string(1, c))) << static_cast<int>(c);
    }
    // What the pattern itself says is what the operator meant.
    EXPECT_TRUE(matches_command("cd /srv && ls *", "cd /srv && ls -l"));
    EXPECT_FALSE(matches_command("cd /srv && ls *", "cd /srv && ls -l && id"));
    EXPECT_FALSE(matches_command("echo *", "echo *"));
    EXPECT_FALSE(matches_command("uptime", "uptime; id"));
    EXPECT_FALSE(matches_command("uptime", ""));
    EXPECT_FALSE(matches_command("*a*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(NamesTest, WhatTheyMayLookLike) {
    EXPECT_TRUE(is_user_name("alice"));
    EXPECT_FALSE(is_user_name("Alice"));
    EXPECT_FALSE(is_user_name("1alice"));
    EXPECT_FALSE(is_user_name("../alice"));
    EXPECT_TRUE(is_target_name("1.example.net"));
    EXPECT_FALSE(is_target_name("WEB1"));
    EXPECT_TRUE(is_login("DOMAIN\\user$"));
    EXPECT_FALSE(is_login("-oProxyCommand=x"));
    EXPECT_FALSE(is_login("a@b"));
    EXPECT_FALSE(is_login("a b"));
    EXPECT_TRUE(is_variable_name("PATH"));
    EXPECT_FALSE(is_variable_name("A=B"));
}

WallTime at(const char* rfc3339) { return *base::parse_rfc3339(rfc3339); }

TEST(HoursTest, WindowInItsZone) {
    const auto hours = Hours::parse("Mon-Fri 08:00-20:00 Asia/Tokyo");
    ASSERT_TRUE(hours) << hours.error().text;
    EXPECT_TRUE(hours->contains(at("2026-11-23T08:00:00+09:00")));   // a Monday
    EXPECT_FALSE(hours->contains(at("2026-11-23T07:59:59+09:00")));
    EXPECT_TRUE(hours->contains(at("2026-11-22T23:00:00Z")));        // Sunday in UTC, Monday 08:00 in Tokyo
    EXPECT_FALSE(hours->contains(at("2026-11-23T20:00:00+09:00")));
    EXPECT_FALSE(hours->contains(at("2026-11-28T12:00:00+09:00")));  // Saturday
}

TEST(HoursTest, OverMidnightBelongsToTheDayItBeginsOn) {
    const auto hours = Hours::parse("Fri 22:00-06:00 UTC");
    ASSERT_TRUE(hours);
    EXPECT_TRUE(hours->contains(at("2026-11-27T22:00:00Z")));
    EXPECT_TRUE(hours->contains(at("2026-11-28T05:59:00Z")));
    EXPECT_FALSE(hours->contains(at("2026-11-28T06:00:00Z")));
    EXPECT_FALSE(hours->contains(at("2026-11-27T05:00:00Z")));
}

TEST(HoursTest, DaylightSavingMovesTheWindow) {
    const auto hours = Hours::parse("08:00-09:00 Europe/Berlin");
    ASSERT_TRUE(hours);
    EXPECT_TRUE(hours->contains(at("2026-07-01T06:30:00Z")));
    EXPECT_FALSE(hours->contains(at("2026-12-01T06:30:00Z")));
    EXPECT_TRUE(hours->contains(at("2026-12-01T07:30:00Z")));
}

TEST(HoursTest, ListsAndWrappingDays) {
    const auto hours = Hours::parse("Sat-Mon,wed 00:00-24:00 UTC");
    ASSERT_TRUE(hours) << hours.error().text;
    EXPECT_EQ(hours->days, (std::array<bool, 7>{true, true, false, true, false, false, true}));
    EXPECT_TRUE(hours->contains(at("2026-11-22T23:59:59Z")));
    EXPECT_FALSE(hours->contains(at("2026-11-24T00:00:00Z")));
}

TEST(HoursTest, WhatIsNotUnderstoodIsRefused) {
    for (const char* wrong : {"", "Mon-Fri", "Mon-Fri 08:00-20:00", "Mon-Fri 8:00-20:00 UTC", "Mon-Fri 08:00-25:00 UTC",
             "Mo-Fr 08:00-20:00 UTC", "Mon-Fri 08:00-08:00 UTC", "Mon-Fri 08:00-20:00 Asia/Tokio",
             "Mon-Fri 08:00-20:00 UTC x", "08:00 UTC", "Mon- 08:00-20:00 UTC"}) {
        EXPECT_FALSE(Hours::parse(wrong)) << wrong;
    }
}

bool permits(const char* entry, const char* host, std::uint16_t port) {
    const auto parsed = ForwardEntry::parse(entry);
    EXPECT_TRUE(parsed) << entry << ": " << (parsed ? "" : parsed.error().text);
    const auto wanted = ForwardHost::parse(host);
    return parsed && wanted && parsed->permits(*wanted, port);
}

TEST(ForwardTest, NamesAreExactButForCaseAndTrailingDot) {
    EXPECT_TRUE(permits("ledger.internal:443", "ledger.internal", 443));
    EXPECT_TRUE(permits("Ledger.Internal:443", "LEDGER.internal.", 443));
    EXPECT_FALSE(permits("ledger.internal:443", "ledger.internal", 444));
    EXPECT_FALSE(permits("ledger.internal:443", "x.ledger.internal", 443));
    EXPECT_FALSE(permits("ledger.internal:443", "ledger.internal..", 443));
    EXPECT_FALSE(permits("localhost:22", "127.0.0.1", 22));
    EXPECT_FALSE(permits("127.0.0.1:22", "localhost", 22));
}

TEST(ForwardTest, NetworksMatchAddressesOnly) {
    EXPECT_TRUE(permits("10.1.0.0/16:5432", "10.1.200.3", 5432));
    EXPECT_FALSE(permits("10.1.0.0/16:5432", "10.2.0.1", 5432));
    EXPECT_FALSE(permits("10.1.0.0/16:5432", "db.internal", 5432));
    EXPECT_TRUE(permits("[2001:db8::]/32:443", "2001:DB8:0::5", 443));
    EXPECT_TRUE(permits("[2001:db8::/32]:443", "2001:db8::5", 443));
    EXPECT_TRUE(permits("[::1]:443", "0:0:0:0:0:0:0:1", 443));
    EXPECT_TRUE(permits("0.0.0.0/0:*", "8.8.8.8", 1));
}

TEST(ForwardTest, PortsAreOneARangeOrAll) {
    EXPECT_TRUE(permits("db:8000-8100", "db", 8000));
    EXPECT_TRUE(permits("db:8000-8100", "db", 8100));
    EXPECT_FALSE(permits("db:8000-8100", "db", 8101));
    EXPECT_TRUE(permits("db:*", "db", 65535));
    EXPECT_FALSE(permits("db:*", "db", 0));
}

TEST(ForwardTest, OtherSpellingsOfAddressesAreNoDestinations) {
    for (const char* host : {"::ffff:10.1.0.1", "::10.1.0.1", "0:0:0:0:0:ffff:0a01:0001", "0x0a010001", "167837697",
             "012.1.0.1", "10.1.1", "10.1.0.1.", "0x0a.1.0.1", "10.0x1.0.1", "10.1.0.0x1", "0X7f.1", "127.1", "00",
             "fe80::1%lo", "", ".", "a..b", "a b", "a\nb", "*", "[::1]", "10.1.0.1:22", "a/b", "-a"}) {
        EXPECT_FALSE(ForwardHost::parse(host)) << host;
    }
}

bool permits_socket(const char* entry, std::string_view path) {
    const auto parsed = ForwardEntry::parse(entry);
    EXPECT_TRUE(parsed) << entry;
    const auto wanted = SocketPath::parse(path);
    return parsed && wanted && parsed->permits(*wanted);
}

TEST(ForwardTest, SocketsAreNamedByPathOrFolder) {
    EXPECT_TRUE(permits_socket("/run/docker.sock", "/run/docker.sock"));
    EXPECT_FALSE(permits_socket("/run/docker.sock", "/run/docker.sock2"));
    EXPECT_FALSE(permits_socket("/run/docker.sock", "/run/docker"));
    EXPECT_TRUE(permits_socket("/run/app/*", "/run/app/a"));
    EXPECT_TRUE(permits_socket("/run/app/*", "/run/app/a/b.sock"));
    EXPECT_FALSE(permits_socket("/run/app/*", "/run/app"));
    EXPECT_FALSE(permits_socket("/run/app/*", "/run/apple/a"));
    EXPECT_TRUE(permits_socket("/*", "/x"));
    EXPECT_FALSE(permits_socket("host:*", "/x"));
    EXPECT_FALSE(permits("/run/app/*", "localhost", 80));
    for (const char* entry : {"/run/*/a", "/run/a*", "/run//a", "/run/../a", "/run/./a", "/", "/run/", "/*/*"}) {
        EXPECT_FALSE(ForwardEntry::parse(entry)) << entry;
    }
    using namespace std::string_view_literals;
    for (const std::string_view path : {""sv, "run/a"sv, "/run/a\0"sv, "/run/a\0/b"sv, "/run/\n"sv, "/run/../a"sv, "/.."sv, "//a"sv,
             "/a/"sv, "/./a"sv, "\0abstract"sv, "~/a"sv}) {
        EXPECT_FALSE(SocketPath::parse(path)) << path;
    }
    EXPECT_TRUE(SocketPath::parse("/" + std::string(106, 'x')));
    EXPECT_FALSE(SocketPath::parse("/" + std::string(107, 'x')));
    EXPECT_TRUE(SocketPath::parse("/run/...a/..b"));
}

TEST(ForwardTest, AddressesThatMeanTheOneWhoDials) {
    const auto kind = [](const char* text) { return kind_of_own_address(*base::Address::parse(text)); };
    for (const char* text : {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"})
        EXPECT_EQ(kind(text), "loopback") << text;
    for (const char* text : {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"}) EXPECT_EQ(kind(text), "unspecified") << text;
    for (const char* text : {"169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.0.1"})
        EXPECT_EQ(kind(text), "link-local") << text;
    for (const char* text : {"224.0.0.1", "239.255.255.255", "ff02::1"}) EXPECT_EQ(kind(text), "multicast") << text;
    EXPECT_EQ(kind("255.255.255.255"), "broadcast");
    EXPECT_EQ(kind("::10.0.0.1"), "IPv4 inside IPv6");
    for (const char* text : {"10.0.0.1", "128.0.0.1", "126.255.255.255", "1.0.0.0", "169.253.255.255", "223.255.255.255",
             "2001:db8::1", "fec0::1", "::ffff:10.0.0.1", "fd00::1"}) {
        EXPECT_EQ(kind(text), "") << text;
    }
}

TEST(ForwardTest, ListeningOnAPortOfTheTargetsChoiceNeedsEveryPort) {
    const auto host = *ForwardHost::parse("localhost");
    EXPECT_TRUE(ForwardEntry::parse("localhost:*")->permits_listening(host, 0));
    EXPECT_TRUE(ForwardEntry::parse("localhost:1-65535")->permits_listening(host, 0));
    EXPECT_FALSE(ForwardEntry::parse("localhost:8000-9000")->permits_listening(host, 0));
    EXPECT_FALSE(ForwardEntry::parse("other:*")->permits_listening(host, 0));
    EXPECT_TRUE(ForwardEntry::parse("localhost:8000-9000")->permits_listening(host, 8500));
    EXPECT_FALSE(ForwardEntry::parse("localhost:8000-9000")->permits_listening(host, 80));
}

TEST(ForwardTest, EntriesThatSayTooMuchOrTooLittleAreRefused) {
    for (const char* entry : {"ledger.internal", "*:443", "*", ":443", "ledger:0", "ledger:", "ledger:100-50",
             "ledger:1-70000", "10.1.0.1/16:22", "[::1:22", "[10.0.0.1]:22", "[ledger]:22", "::1:22", "::/0:22",
             "[::ffff:10.0.0.0]:22", "10.1:22", "led*:22", "ledger:ssh"}) {
        EXPECT_FALSE(ForwardEntry::parse(entry)) << entry;
    }
}

TEST(PatternTest, PathsOfSftpAreAbsoluteAndHaveOneSpelling) {
    for (const char* fine : {"/srv/data/**", "/**", "/srv/data", "/home/*/up?oad/*.csv", "/C:/data/**", "/srv/..data/...", "/日本/**"})
        EXPECT_TRUE(is_path_pattern(fine)) << fine;
    for (const char* wrong : {"", "/", "srv/**", "~/x", "/srv/", "/srv//data", "/srv/./data", "/srv/../etc/**", "/srv/**/data", "/srv/a**",
             "/srv/**/", "**", "/srv/***", "/srv/a\nb"})
        EXPECT_FALSE(is_path_pattern(wrong)) << wrong;
    EXPECT_FALSE(is_path_pattern("/" + std::string(1024, 'x')));
}

}  // namespace
}  // namespace sekisho::model
