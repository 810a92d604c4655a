// The terminal model by itself: what is drawn, text, sizes, and that a repaint restores it.
#include "terminal/screen.h"

#include <random>

#include <gtest/gtest.h>

namespace sekisho::terminal {
namespace {

Screen shown(std::string_view text, int columns = 20, int rows = 5) {
    Screen screen(columns, rows);
    screen.feed(base::view(text));
    return screen;
}

void expect_restored(const Screen& screen) {
    const auto repaint = screen.repaint();
    ASSERT_TRUE(repaint);
    EXPECT_TRUE(Screen::restored(screen.columns(), screen.rows(), *repaint, screen.last_printed()) == screen) << *repaint;
}

TEST(Screen, LinesWrapAndBelongTogether) {
    const Screen screen = shown("abcdefghijklmnopqrstuvwxyz\r\nnext", 10);
    EXPECT_EQ(screen.text(), "abcdefghij\nklmnopqrst\nuvwxyz\nnext\n");
    EXPECT_EQ(screen.line_text(1), "abcdefghijklmnopqrstuvwxyz");
    EXPECT_EQ(screen.line_of(2), std::pair(0, 2));
    EXPECT_EQ(screen.line_text(3), "next");
    expect_restored(screen);
}

TEST(Screen, WideCharactersAndMarks) {
    // Five columns: the third character does not fit and goes to the next row.
    const Screen screen = shown("日本語\r\nか\u3099e\u0301", 5);
    EXPECT_EQ(screen.row_text(0), "日本");
    EXPECT_EQ(screen.row_text(1), "語");
    EXPECT_EQ(screen.line_text(0), "日本語");
    EXPECT_EQ(screen.row_text(2), "か\u3099e\u0301");
    EXPECT_EQ(screen.cursor_column(), 3);
    expect_restored(screen);
    // Half a character that is written over takes its other half with it.
    EXPECT_EQ(shown("日本\x1b[1;2Hx").row_text(0), " x本");
    EXPECT_EQ(shown("日本\x1b[1;1Hx").row_text(0), "x 本");
}

TEST(Screen, LettersCutBetweenPieces) {
    const std::string text = "\x1b[1;31m日\x1b]0;題名\x1b\\本\x1b[0m語";
    const Screen whole = shown(text);
    EXPECT_EQ(whole.title(), "題名");
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Screen screen = shown(text.substr(0, cut));
        expect_restored(screen);
        const auto repaint = screen.repaint();
        Screen later = Screen::restored(20, 5, *repaint, screen.last_printed());
        screen.feed(base::view(std::string_view(text).substr(cut)));
        later.feed(base::view(std::string_view(text).substr(cut)));
        EXPECT_TRUE(screen == whole) << cut;
        EXPECT_TRUE(later == whole) << cut;
    }
}

TEST(Screen, AlternateScreenGivesThePrimaryOneBack) {
    Screen screen = shown("$ vim\r\n\x1b[?1049h\x1b[H\x1b[2J\x1b[2;3r~ text\x1b[4h");
    EXPECT_TRUE(screen.alternate());
    EXPECT_EQ(screen.text(), "~ text\n");
    expect_restored(screen);
    Screen restored = Screen::restored(20, 5, *screen.repaint(), screen.last_printed());
    for (Screen* one : {&screen, &restored}) {
        one->feed(base::view("\x1b[4l\x1b[r\x1b[?1049l$ "));
        EXPECT_FALSE(one->alternate());
        EXPECT_EQ(one->text(), "$ vim\n$\n");
    }
    EXPECT_TRUE(screen == restored);
}

TEST(Screen, EverythingThatSequencesSetIsRestored) {
    for (const std::string_view text : {
             "\x1b[2;4r\x1b[?6h\x1b[2;3Habc",                  // region, origin
             "\x1b(0lqqk\x1b)0\x0e",                           // line drawing, SO
             "\x1b[3g\x1b[1;5H\x1bH\ta",                       // tabulators
             "abc\x1b[44m\x1b"
             "7\x1b[H\x1b[0m",               // saved cursor with a pen
             "\x1b[?1h\x1b=\x1b[?25l\x1b[?2004h\x1b[?1006;1000h\x1b[5 q",  // modes
             "01234567890123456789",                           // behind the last column
             "0123456789012345678日",
             "\x1b[42m\x1b[2J\x1b[3;3Hx\x1b[K",                // erased with a colour
             "\x1b[1;2;3;4:3;5;7;8;9;53mx\x1b[38;2;1;2;3;48:5:200my\x1b[97;101mz",
             "\x1b[?7labc\x1b[4h",                             // no wrapping, insertion
             "\x1b]2;title\x07\x1b[1;20Hx\x1b[2;1Hy\x1b[20h",
             "日本語日本語日本語日本語\x1b[H\x1b[M",
         }) {
        const Screen screen = shown(text);
        expect_restored(screen);
        // What comes afterwards looks the same, too.
        Screen one = Screen::restored(20, 5, *screen.repaint(), screen.last_printed());
        Screen two = shown(text);
        const std::string_view later =
            "x\tq\r\nnext\x1b"
            "8y\x1b[5b\n\n\n\n\x1b[?6l\x1b[Hz";
        one.feed(base::view(later));
        two.feed(base::view(later));
        EXPECT_TRUE(one == two) << text;
    }
}

TEST(Screen, WhatCannotBeSaidInBytesIsNotSaid) {
    EXPECT_FALSE(shown("\x1b[?69h").repaint());                                  // margins left and right
    EXPECT_FALSE(shown("\x1b]0;" + std::string(10'000, 'x')).repaint());         // within a string that is stepped over
    EXPECT_EQ(shown("\x1b]0;" + std::string(10'000, 'x') + "\x1b\\a").text(), "a\n");
    EXPECT_EQ(shown("\x1b[" + std::string(10'000, '1') + "ma").text(), "a\n");
}

TEST(Screen, SizesAreBounded) {
    const Screen huge(1'000'000, 1'000'000);
    EXPECT_EQ(huge.columns(), Screen::kColumnsMost);
    EXPECT_EQ(huge.rows(), Screen::kRowsMost);
    const Screen none(-1, 0);
    EXPECT_EQ(none.columns(), 2);
    EXPECT_EQ(none.rows(), 1);
    EXPECT_LT(shown("$ ", 512, 256).memory(), 20'000U);  // what is empty takes no room
}

TEST(Screen, ResizeKeepsTheCursorsLine) {
    Screen screen = shown("1\r\n2\r\n3\r\n4\r\n5日本語日本語日本", 20, 5);
    screen.resize(12, 3);
    EXPECT_EQ(screen.text(), "3\n4\n5日本語日本\n");  // half a character is cut off whole
    screen.resize(30, 10);
    EXPECT_EQ(screen.cursor_row(), 2);
    expect_restored(screen);
}

TEST(Screen, LinesThatLeaveAreTold) {
    Screen screen(10, 2);
    std::vector<std::string> lines;
    screen.on_scrolled = [&](std::string line, bool goes_on) { lines.push_back(std::move(line) + (goes_on ? "\\" : "")); };
    screen.feed(base::view("one\r\nlonger than ten\r\n\x1b[31mred\r\n\x1b[?1049hhidden\r\n\r\n\r\n\x1b[?1049l"));
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "longer tha\\", "n ten"}));
}

// What `feed` leaves out of output that pours must make no difference.
TEST(Screen, NothingThatIsSeenIsLeftOut) {
    std::mt19937 dice(5);
    for (int round = 0; round < 60; ++round) {
        const int columns = 20 + static_cast<int>(dice() % 60);
        const int rows = 2 + static_cast<int>(dice() % 30);
        Screen quick(columns, rows);
        Screen drawn(columns, rows);
        drawn.on_scrolled = [](const std::string&, bool) {};
        for (int piece = 0; piece < 4; ++piece) {
            std::string text;
            while (text.size() < 40'000) {
                static constexpr std::string_view kParts[] = {"word ", "\x1b[3", "日本語", "\x1b[1;32m", "\x1b[0m", "\x1b[K",
                    "\t", "\r\n", "\r\n", "\b", "\x1b[44m", "long long long long text that goes on and on ", "\xe3\x81",
                    "\n", "\r"};
                const auto which = dice() % 1000;
                if (which == 0) {
                    text += "\x1b[H\x1b[2J";
                } else if (which == 1) {
                    text += "\x1b[5;10r\x1b[r";
                } else {
                    text += kParts[which % std::size(kParts)];
                }
            }
            quick.feed(base::view(text));
            drawn.feed(base::view(text));
            ASSERT_TRUE(quick == drawn) << round;
        }
    }
}

}  // namespace
}  // namespace sekisho::terminal
