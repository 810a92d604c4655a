// What a terminal did not show is not told: passwords, in all the ways that programs ask for them. And nothing else is lost.
#include "terminal/echo_watch.h"

#include <gtest/gtest.h>

namespace sekisho::terminal {
namespace {

class Typed {
public:
    void type(std::string_view keys) { watch.typed(base::view(keys), screen, ++time_us); }
    void show(std::string_view output) {
        while (watch.waits_for_line()) {
            const std::size_t line = output.find('\n');
            if (line == std::string_view::npos) break;
            screen.feed(base::view(output.substr(0, line)));
            watch.shown(screen, true);
            screen.feed(base::view("\n"));
            output.remove_prefix(line + 1);
        }
        screen.feed(base::view(output));
        watch.shown(screen, false);
    }
    void echo(std::string_view keys) {
        for (const char& c : keys) {
            type({&c, 1});
            show({&c, 1});
        }
    }
    /// All that was decided; hidden bytes as {n}.
    std::string told() {
        for (const auto& one : watch.take()) {
            m_told += one.bytes;
            if (one.hidden != 0) m_told += "{" + std::to_string(one.hidden) + "}";
        }
        return m_told;
    }
    Screen screen{80, 5};
    EchoWatch watch;
    std::uint64_t time_us = 0;

private:
    std::string m_told;
};

TEST(EchoWatch, WhatIsEchoedIsTold) {
    Typed one;
    one.show("$ ");
    one.echo("ls");
    EXPECT_EQ(one.told(), "ls");
    one.type("\r");
    one.show("\r\nfile\r\n$ ");
    one.type("\x1b[A");
    EXPECT_EQ(one.told(), "ls\r\x1b[A");
    one.show("ls");
    one.type(" -l");  // in one piece
    EXPECT_EQ(one.told(), "ls\r\x1b[A");
    one.show(" -l");
    EXPECT_EQ(one.told(), "ls\r\x1b[A -l");
    one.type("\x7f");
    one.type("日本");
    one.show("\b\x1b[K日本");
    EXPECT_EQ(one.told(), "ls\r\x1b[A -l\x7f日本");
}

TEST(EchoWatch, APasswordIsNot) {
    Typed one;
    one.show("$ ");
    one.echo("sudo ls");
    one.type("\r");
    one.show("\r\n[sudo] password for alice: ");
    for (const std::string_view key : {"s", "e", "c", "\x7f", "r", "e", "t"}) one.type(key);
    EXPECT_EQ(one.told(), "sudo ls\r");  // nothing is told before it is known
    one.type("\r");
    one.show("\r\n");
    EXPECT_EQ(one.told(), "sudo ls\r{3}\x7f{3}\r");
    one.show("file\r\n$ ");
    one.echo("id");
    EXPECT_EQ(one.told(), "sudo ls\r{3}\x7f{3}\rid");
}

TEST(EchoWatch, PastedWithItsEnter) {
    Typed one;
    one.show("Password: ");
    one.type("hunter2\r");
    one.show("\r\n$ ");
    EXPECT_EQ(one.told(), "{7}\r");
    one.type("ls -l\r");
    one.show("ls -l\r\ntotal 0\r\n$ ");
    EXPECT_EQ(one.told(), "{7}\rls -l\r");
    one.type("one\rtwo\r");
    one.show("one\r\ntwo\r\n");
    EXPECT_EQ(one.told(), "{7}\rls -l\rone\rtwo\r");
}

TEST(EchoWatch, TypedBeforeTheLineBeforeWasOver) {
    Typed one;
    one.show("$ ");
    one.echo("sleep 1");
    one.type("\r");
    one.type("make\r");
    one.show("\r\n\x1b[?2004l\r");
    one.show("make\r\n$ make\r\n");
    EXPECT_EQ(one.told(), "sleep 1\rmake\r");
    one.show("$ ");
    one.echo("su");
    one.type("\r");
    one.type("secret\r");  // before it is asked for: the terminal may have shown it, or not
    one.show("\r\nPassword: \r\n# ");
    EXPECT_EQ(one.told(), "sleep 1\rmake\rsu\r");  // a shell may still show it
    one.echo("id");
    EXPECT_EQ(one.told(), "sleep 1\rmake\rsu\r{6}\rid");
}

TEST(EchoWatch, TypedAheadAndShownBehindTheNextPrompt) {
    Typed one;
    one.show("$ ");
    one.echo("make");
    one.type("\r");
    one.show("\r\n");
    one.type("ls /usr\r");  // the shell has taken the terminal's own echo away, and does not read yet
    one.show("compiled one\r\ncompiled two\r\n");
    one.type("cat 日本語\r");
    EXPECT_EQ(one.told(), "make\r");
    one.show("$ ls /usr\r\nbin\r\n");
    EXPECT_EQ(one.told(), "make\rls /usr\r");
    one.show("$ cat 日 本語\r\n$ ");
    EXPECT_EQ(one.told(), "make\rls /usr\rcat 日本語\r");
    one.echo("true");
    EXPECT_EQ(one.told(), "make\rls /usr\rcat 日本語\rtrue");
}

TEST(EchoWatch, APasswordWithoutAPrompt) {
    Typed one;
    one.show("$ ");
    one.echo("read -s x");
    one.type("\r");
    one.show("\r\n");
    one.type("secret\r");
    one.show("$ ");
    EXPECT_EQ(one.told(), "read -s x\r");
    one.echo("l");
    EXPECT_EQ(one.told(), "read -s x\r{6}\rl");
    one.type("s\r");
    one.show("s\r\nfile\r\n");
    one.type("again\r");
    one.show("something\r\n");
    one.watch.finish();
    EXPECT_EQ(one.told(), "read -s x\r{6}\rls\r{5}\r");
}

TEST(EchoWatch, StarsInsteadOfIt) {
    Typed one;
    one.show("Password: ");
    for (int i = 0; i < 5; ++i) {
        one.type("x");
        one.show("*");
    }
    one.type("\r");
    one.show("\r\n");
    EXPECT_EQ(one.told(), "{5}\r");
}

TEST(EchoWatch, ALineOfALogMeanwhile) {
    Typed one;
    one.show("Password: ");
    for (int i = 0; i < 8; ++i) {
        one.type("s");
        if (i == 3) one.show("kernel: something happened\r\n");
    }
    one.type("\r");
    one.show("\r\n");
    EXPECT_EQ(one.told(), "{8}\r");
}

TEST(EchoWatch, KeysOfFullScreenProgramsAreTold) {
    Typed one;
    one.show("\x1b[?1049h\x1b[H\x1b[2Jtext\x1b[H");
    one.type("d");  // shows nothing by itself
    EXPECT_EQ(one.told(), "");
    one.type("w");
    one.show("\x1b[K");
    EXPECT_EQ(one.told(), "dw");
    one.type("j");
    one.show("\x1b[2;1H");
    one.echo(":q!");
    one.type("\r");
    EXPECT_EQ(one.told(), "dwj:q!\r");
}

TEST(EchoWatch, KeysThatLeaveAFullScreenProgramAreTold) {
    Typed one;
    one.show("$ \x1b[?1049h\x1b[H\x1b[2Ja page\r\n:");
    one.type(" ");
    one.show("\x1b[H\x1b[2Janother\r\n:");  // the cursor and its line are as before
    EXPECT_EQ(one.told(), "");
    one.type("q");
    one.show("\x1b[?1049l$ ");
    EXPECT_EQ(one.told(), " q");
    one.show("\x1b[?1049h\x1b[H\x1b[2JPIN: ");
    for (const std::string_view key : {"1", "2", "3"}) {
        one.type(key);
        one.show("*");
    }
    one.type("\r");
    one.show("\x1b[?1049l$ ");
    EXPECT_EQ(one.told(), " q{3}\r");
}

TEST(EchoWatch, APasswordWithinTmuxIsNot) {
    Typed one;
    one.show("\x1b[?1049h\x1b[H\x1b[2J[sudo] password for alice: ");
    for (const std::string_view key : {"s", "e", "c", "r", "e", "t", "\r"}) one.type(key);
    one.show("\r\n$ ");
    EXPECT_EQ(one.told(), "{6}\r");
    one.echo("ls");
    EXPECT_EQ(one.told(), "{6}\rls");
}

TEST(EchoWatch, AProgramThatAnswersKeysOnThePrimaryScreen) {
    Typed one;
    one.show("a page\r\n:");
    for (int i = 0; i < 4; ++i) {
        one.type("f");
        one.show("\r\x1b[Kanother page\r\n:");
    }
    one.type("q\r");
    one.show("\r\x1b[K$ \r\n$ ");
    EXPECT_EQ(one.told(), "ffffq\r");
}

TEST(EchoWatch, WhatNeverIsDecidedIsHidden) {
    Typed one;
    one.show("Password: ");
    one.type("abc");
    one.watch.finish();
    EXPECT_EQ(one.told(), "{3}");
    one.type(std::string(5000, 'x'));  // no password
    EXPECT_EQ(one.told(), "{3}" + std::string(5000, 'x'));
}

}  // namespace
}  // namespace sekisho::terminal
