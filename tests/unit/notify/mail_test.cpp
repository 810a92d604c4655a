// Headers of mails against whatever a name may be, and the file form. Expected encoded-words are Python's email.header's.
#include "notify/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "notify/one_line.h"

namespace sekisho::notify {
namespace {

/// What a reader of mail makes of a value: folding undone, encoded-words decoded.
std::string read_back(std::string_view value) {
    std::string out;
    while (!value.empty()) {
        const std::size_t begin = std::min(value.find("=?UTF-8?B?"), value.size());
        out += value.substr(0, begin);
        value.remove_prefix(begin);
        if (value.empty()) break;
        const std::size_t end = value.find("?=");
        EXPECT_LE(end + 2, 75U) << "RFC 2047 §2";
        const auto bytes = base::from_base64(value.substr(10, end - 10));
        EXPECT_TRUE(bytes);
        const std::string part = base::to_text(*bytes);
        EXPECT_EQ(one_line(part, 1000), part) << "whole characters";
        out += part;
        value.remove_prefix(end + 2);
        if (value.starts_with("\r\n ")) value.remove_prefix(3);
    }
    return out;
}

TEST(MailTest, HeadersOfPlainAndJapaneseText) {
    RecordProperty("row", "A4");
    EXPECT_EQ(header_value("alice: session started"), "alice: session started");
    EXPECT_EQ(header_value("alice でセッション開始"), "=?UTF-8?B?YWxpY2Ug44Gn44K744OD44K344On44Oz6ZaL5aeL?=");
    EXPECT_EQ(header_value(""), "");
}

TEST(MailTest, NothingBeginsAHeaderOfItsOwn) {
    RecordProperty("row", "A4");
    const std::string bytes = [] {
        std::string all;
        for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
        return all;
    }();
    const std::vector<std::string> names{"eve\r\nBcc: all@example.com", "eve\nBcc: x@example.com\n\nbody", "eve\rX: y",
        "\r\n.\r\nMAIL FROM:<x>",
        "=?UTF-8?B?DQpCY2M6IHhAZXhhbXBsZS5jb20=?=", "=?utf-8?q?a=0d=0aBcc:_x?=", std::string(10000, 'a'),
        std::string("a\0b", 3), "\xe2\x80\xa8next", "\xc2\x85next",
        "\xe2\x80\xae"
        "drowssap",
        "  blanks  ", "\xff\xfe", bytes};
    std::string long_japanese;
    for (int i = 0; i < 10000; ++i) long_japanese += "関";
    auto all = names;
    all.push_back(long_japanese);
    for (const std::string& name : all) {
        const std::string value = header_value(name);
        EXPECT_LE(value.size(), 700U);
        for (std::size_t at = 0; at < value.size(); ++at) {
            const auto c = static_cast<unsigned char>(value[at]);
            if (c == '\r') {
                EXPECT_EQ(value.substr(at, 3), "\r\n ");
            } else if (c != '\n') {
                EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
            }
            if (c == '\n') {
                ASSERT_GT(at, 0U);
                EXPECT_EQ(value[at - 1], '\r');
            }
        }
        EXPECT_EQ(read_back(value), one_line(name, 300));
    }
    EXPECT_EQ(read_back(header_value("=?UTF-8?B?QQ==?=")), "=?UTF-8?B?QQ==?=") << "what looks like a word is encoded itself";
}

TEST(MailTest, AddressesAreOfTheirPlainForm) {
    for (const char* good : {"a@example.com", "first.last+tag@mail.example.co.jp", "root@localhost", "o'neil@x1.y"})
        EXPECT_TRUE(is_mail_address(good)) << good;
    for (const char* bad : {"", "a", "@x.y", "a@", "a b@x.y", "a@x y", "a@x.y\r\nRCPT TO:<b@x.y>", "<a@x.y>", "a@x.y>",
             "\"a b\"@x.y", "a@[127.0.0.1]", "a@-x.y", "a@x_y.z", "a@b@c,d", ".a@x.y", "a.@x.y", "a..b@x.y", "関@x.y",
             "a@関.jp", "a@10.0.0.1", "a@x.y SIZE=1"}) {
        EXPECT_FALSE(is_mail_address(bad)) << bad;
    }
    EXPECT_FALSE(is_mail_address(std::string(65, 'a') + "@x.y"));
    EXPECT_FALSE(is_mail_address(std::string_view("a\0@x.y", 6)));
}

TEST(MailTest, HeadersStandAsRfc5322WantsThem) {
    ::setenv("TZ", "Asia/Tokyo", 1);
    ::tzset();
    const Mail mail{"000000000012-0-aa", "gate@example.com", "a@example.com", "s", "t", "gw 1\n",
        base::from_unix_milliseconds(1796050799000)};
    EXPECT_THAT(headers_of(mail), ::testing::ElementsAre("From: Sekisho <gate@example.com>", "To: <a@example.com>",
                                      "Subject: s", "Date: Mon, 30 Nov 2026 23:59:59 +0900",
                                      "Message-ID: <000000000012-0-aa@gw1>", "Auto-Submitted: auto-generated"));
    ::unsetenv("TZ");
    ::tzset();
}

TEST(MailTest, IsReadAsItWasWritten) {
    const Mail mail{
        "x-1", "gate@example.com", "a@example.com", "関所\n\"", "line\nline\n", "gw", base::from_unix_milliseconds(5)};
    const auto read = from_file(to_file(mail));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->subject, mail.subject);
    EXPECT_EQ(read->text, mail.text);
    EXPECT_EQ(read->made, mail.made);
    for (const char* bad : {"", "[]", "{", "{\"from\":1}", "{\"from\":\"a@x.y\",\"to\":\"a@x.y\\r\\nb\"}", "null"})
        EXPECT_FALSE(from_file(bad)) << bad;
}

TEST(OneLineTest, CutsBetweenCharacters) {
    EXPECT_EQ(one_line("abc", 3), "abc");
    EXPECT_EQ(one_line("abcd", 3), "…");
    EXPECT_EQ(one_line("関所関所", 12), "関所関所");
    EXPECT_EQ(one_line("関所関所", 11), "関所…");
    EXPECT_EQ(one_line("a\tb\x7f\xc2\x9b\xe2\x80\xa9", 100), "a_b___");
    EXPECT_EQ(one_line("\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80\xe9", 100), "??????????");
}

}  // namespace
}  // namespace sekisho::notify
