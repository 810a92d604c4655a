#include "gateway/menu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

Menu menu(Menu::Language language = Menu::Language::English, bool more = false) {
    return Menu("alice",
        {{"ubuntu", "web1", "env=prod"}, {"root", "web1", "env=prod"}, {"ubuntu", "db1", "env=test city=東京"}}, more, language);
}

std::string chosen(std::string_view keys) {
    Menu one = menu();
    one.type(keys);
    return one.state() == Menu::State::Chosen ? one.chosen().login + "@" + one.chosen().target : "";
}

TEST(Menu, ArrowsAndEnterChoose) {
    EXPECT_EQ(chosen("\r"), "ubuntu@web1");
    EXPECT_EQ(chosen("\x1b[B\r"), "root@web1");
    EXPECT_EQ(chosen("\x1bOB\x1bOB\n"), "ubuntu@db1");
    EXPECT_EQ(chosen("\x1b[B\x1b[B\x1b[B\x1b[B\r"), "ubuntu@db1");  // not below the last
    EXPECT_EQ(chosen("\x1b[B\x1b[B\x1b[A\r"), "root@web1");
    EXPECT_EQ(chosen("\x1b[F\r"), "ubuntu@db1");
    EXPECT_EQ(chosen("\x1b[F\x1b[H\r"), "ubuntu@web1");
    EXPECT_EQ(chosen("\x0e\x10\x0e\r"), "root@web1");  // Ctrl-N, Ctrl-P
    EXPECT_EQ(chosen("\x1b[6~\x1b[5~\x1b[1;5C\x1b[200~\r"), "ubuntu@web1");
}

TEST(Menu, KeysThatComeInPieces) {
    Menu one = menu();
    for (const char c : std::string_view("\x1b[Broot\r")) one.type(std::string_view(&c, 1));
    ASSERT_EQ(one.state(), Menu::State::Chosen);
    EXPECT_EQ(one.chosen().login, "root");
}

TEST(Menu, SearchesAsOneTypes) {
    EXPECT_EQ(chosen("db\r"), "ubuntu@db1");
    EXPECT_EQ(chosen("WEB root\r"), "root@web1");  // every word, in any order and case
    EXPECT_EQ(chosen("東京\r"), "ubuntu@db1");
    EXPECT_EQ(chosen("env=test\r"), "ubuntu@db1");
    EXPECT_EQ(chosen("nothing\r"), "");
    EXPECT_EQ(chosen("nothing\x15""db\r"), "ubuntu@db1");  // Ctrl-U
    EXPECT_EQ(chosen("dbx\x7f\r"), "ubuntu@db1");
    EXPECT_EQ(chosen("db関\x7f\r"), "ubuntu@db1");  // a letter, not a byte
    EXPECT_EQ(chosen(std::string(100'000, 'x') + "\x15\r"), "ubuntu@web1");
}

TEST(Menu, Leaves) {
    for (const char* keys : {"\x03", "\x04", "x\x03", "x\x7f\x04"}) {
        Menu one = menu();
        one.type(keys);
        EXPECT_EQ(one.state(), Menu::State::Left);
    }
    Menu one = menu();
    one.type("x\x04");
    EXPECT_EQ(one.state(), Menu::State::Open);
}

TEST(Menu, WhatIsTypedAheadIsNotItsOwn) {
    Menu one = menu();
    EXPECT_EQ(one.type("db\ruptime\r"), 3U);
}

TEST(Menu, ShowsWhatFits) {
    Menu one = menu();
    one.resize(20, 6);
    const std::string first = one.screen();
    EXPECT_THAT(first, HasSubstr("\x1b[?1049h"));
    EXPECT_THAT(first, HasSubstr("> ubuntu@web1"));
    EXPECT_THAT(first, HasSubstr("  root@web1"));
    EXPECT_THAT(first, Not(HasSubstr("db1")));  // two places fit
    EXPECT_EQ(std::ranges::count(first, '\n'), 5);
    one.type("\x1b[F");
    const std::string last = one.screen();
    EXPECT_THAT(last, Not(HasSubstr("\x1b[?1049h")));
    EXPECT_THAT(last, HasSubstr("> ubuntu@db1"));
    EXPECT_THAT(last, Not(HasSubstr("ubuntu@web1")));
    one.resize(0, 0);
    EXPECT_THAT(one.screen(), HasSubstr("city=東京"));
    one.resize(26, 24);
    EXPECT_THAT(one.screen(), Not(HasSubstr("東")));  // half a wide letter is none
    one.type("zzz");
    EXPECT_THAT(one.screen(), HasSubstr("Nothing is called that."));
    EXPECT_EQ(one.closing(), "\x1b[?25h\x1b[?1049l");
    for (const auto& [columns, rows] : {std::pair{1U, 1U}, {~0U, ~0U}, {5U, 0U}}) {
        one.resize(columns, rows);
        EXPECT_LT(one.screen().size(), 200'000U);
    }
}

TEST(Menu, SpeaksJapanese) {
    EXPECT_EQ(Menu::language_of("ja_JP.UTF-8"), Menu::Language::Japanese);
    EXPECT_EQ(Menu::language_of("C.UTF-8"), Menu::Language::English);
    Menu one = menu(Menu::Language::Japanese, true);
    EXPECT_THAT(one.screen(), HasSubstr("検索: "));
    EXPECT_THAT(one.screen(), HasSubstr("ほかにもあります"));
}

TEST(Menu, NothingThatIsTypedReachesTheTerminalAsItIs) {
    Menu one = menu();
    one.type("\x01\x02\xff\xc2\x9b" "31m\xe9");
    const std::string screen = one.screen();
    EXPECT_THAT(screen, Not(HasSubstr("\xff")));
    EXPECT_THAT(screen, Not(HasSubstr("\xc2\x9b")));
    EXPECT_THAT(screen, Not(HasSubstr("\x01")));
}

}  // namespace
}  // namespace sekisho::gateway
