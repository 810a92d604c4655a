// Commands as they stand on the screen at Enter. Output is what bash with readline writes; tests/interop has real shells.
#include "terminal/command_reader.h"

#include <gtest/gtest.h>

namespace sekisho::terminal {
namespace {

class Shell {
public:
    void type(std::string_view keys) { reader.typed(base::view(keys), screen, ++time_us); }
    void show(std::string_view output) { reader.shown(base::view(output), screen, found); }
    /// Each key and its echo.
    void echo(std::string_view keys) {
        for (const char& c : keys) {
            type({&c, 1});
            show({&c, 1});
        }
    }
    void enter() {
        type("\r");
        show("\r\n\x1b[?2004l\r");
    }
    std::vector<std::string> texts() const {
        std::vector<std::string> out;
        for (const auto& one : found) out.push_back(one.text);
        return out;
    }
    Screen screen{40, 10};
    CommandReader reader;
    std::vector<CommandReader::Command> found;
    std::uint64_t time_us = 0;
};

using Texts = std::vector<std::string>;

TEST(CommandReader, WhatIsTypedAtAPrompt) {
    Shell shell;
    shell.show("Welcome\r\nalice@web1:~$ ");
    shell.echo("ls -la");
    shell.enter();
    ASSERT_EQ(shell.texts(), Texts{"ls -la"});
    EXPECT_EQ(shell.found[0].prompt, "alice@web1:~$ ");
    EXPECT_EQ(shell.found[0].entered_us, 7U);
    shell.show("total 0\r\nalice@web1:~$ ");
    shell.enter();  // an empty line is no command
    EXPECT_EQ(shell.found.size(), 1U);
}

TEST(CommandReader, EchoThatComesAfterEnter) {
    Shell shell;
    shell.show("$ ");
    shell.type("l");
    shell.type("s\r");  // typed faster than it comes back
    shell.show("l");
    shell.show("s\r\nfile\r\n$ ");
    EXPECT_EQ(shell.texts(), Texts{"ls"});
}

TEST(CommandReader, EditingAndHistoryAreResolved) {
    Shell shell;
    shell.show("$ ");
    shell.echo("lx");
    shell.type("\x7f");
    shell.show("\b\x1b[K");
    shell.echo("s");
    shell.enter();
    shell.show("$ ");
    shell.type("\x1b[A");  // up: the line before
    shell.show("ls");
    shell.echo(" /");
    shell.enter();
    shell.show("$ ");
    shell.type("\x12");  // Ctrl-R
    shell.show("\r\x1b[C\r(reverse-i-search)`': ");
    shell.type("/");
    shell.show("\b\b\b/': ls /\b");
    shell.type("\r");
    shell.show("\r\x1b[K$ ls /\r\n");
    shell.show("$ ");
    shell.echo("cd /ho");
    shell.type("\t");
    shell.show("me/");
    shell.enter();
    EXPECT_EQ(shell.texts(), (Texts{"ls", "ls /", "ls /", "cd /home/"}));
}

TEST(CommandReader, JapaneseAndLinesThatWrap) {
    Shell shell;
    shell.show("利用者$ ");
    shell.type("cat 議事録");
    shell.show("cat 議事録");
    shell.enter();
    shell.show("利用者$ ");
    shell.echo("echo ");
    const std::string more = "長い行が端で折り返すまで続けるとどうなるか見る";
    shell.type(more);
    shell.show(more);
    shell.enter();
    EXPECT_EQ(shell.texts(), (Texts{"cat 議事録", "echo " + more}));
}

TEST(CommandReader, NothingOfAnEditorAndNothingThatWasNotShown) {
    Shell shell;
    shell.show("$ ");
    shell.echo("vim x");
    shell.enter();
    shell.show("\x1b[?1049h\x1b[H\x1b[2J~");
    shell.type(":wq\r");
    shell.show("\x1b[24;1H:wq\r\n\x1b[?1049l");
    shell.show("$ ");
    shell.echo("sudo ls");
    shell.enter();
    shell.show("[sudo] password for alice: ");
    shell.type("s3cret\r");
    shell.show("\r\n");
    shell.show("Again: ");
    shell.type("s3");
    shell.show("**");
    shell.type("\r");
    shell.show("\r\n$ ");
    EXPECT_EQ(shell.texts(), (Texts{"vim x", "sudo ls"}));
}

TEST(CommandReader, TypedAheadOfThePrompt) {
    Shell shell;
    shell.show("$ ");
    shell.echo("sleep 5");
    shell.enter();
    shell.type("make all\r");
    shell.show("make all\r\n");  // the terminal's own echo
    EXPECT_EQ(shell.texts(), Texts{"sleep 5"});
    shell.show("$ make all\r\n");
    EXPECT_EQ(shell.texts(), (Texts{"sleep 5", "make all"}));
    EXPECT_FALSE(shell.reader.waiting());
}

TEST(CommandReader, TypedBeforeTheLineBeforeWasOver) {
    Shell shell;
    shell.show("$ ");
    shell.echo("ls /usr");
    shell.type("\r");
    shell.type("echo 日本語\r");
    shell.show("\r\n");
    shell.show("bin  lib\r\n");
    shell.show("$ echo 日本語\r\n日本語\r\n$ ");
    EXPECT_EQ(shell.texts(), (Texts{"ls /usr", "echo 日本語"}));
}

TEST(CommandReader, TypedAheadAndShownBeforeEnter) {
    Shell shell;
    shell.show("$ ");
    shell.echo("ls /usr");
    shell.type("\r");
    shell.type("cat 日本");  // while the line before is not over
    shell.show("\r\nbin  lib\r\n$ cat 日本");
    shell.echo("語");
    shell.enter();
    EXPECT_EQ(shell.texts(), (Texts{"ls /usr", "cat 日本語"}));
    EXPECT_FALSE(shell.reader.waiting());
    shell.show("nothing\r\n");
    shell.type("echo 長い行長い行長い行長い行長い行");  // before the prompt, and over the last column
    shell.show("% echo 長い行長い行長い行長い行長い行 \x1b[K");
    shell.type("\r");
    shell.show("\r\n% ");
    EXPECT_EQ(shell.texts().back(), "echo 長い行長い行長い行長い行長い行");
    EXPECT_EQ(shell.found.back().prompt, "% ");
    shell.echo("true");
    shell.type("\r");
    shell.type("make");
    shell.show("\r\n");
    shell.show("% make");
    shell.type("x\x7f\x7f");  // corrected behind the prompt
    shell.show("x\b\x1b[K\b\x1b[K");
    shell.enter();
    EXPECT_EQ(shell.texts().back(), "mak");
}

// A shell that starts to read puts its prompt behind what the terminal itself has shown of the line so far.
TEST(CommandReader, TypedAheadAndShownTwiceInOneLine) {
    Shell shell;
    shell.show("shell$ ");
    shell.echo("true");
    shell.enter();
    const std::string_view line = "echo 長い行長い行長い行長い行長い行";
    shell.type(line);
    shell.show(line);
    shell.show("\x1b[?2004hshell$ ");
    shell.show("echo 長い行長い行長い行長い行長 \x1b[Kい行");  // the shell believes to be in the first column
    shell.type("\r");
    shell.show("\r\n\x1b[?2004l\r");
    EXPECT_EQ(shell.texts(), (Texts{"true", std::string(line)}));
    EXPECT_EQ(shell.found[1].prompt, "shell$ ");
    shell.type("make");  // of which the terminal shows a part
    shell.show("ma\x1b[?2004hshell$ make");
    shell.type(" all\t");
    shell.show(" all");
    shell.enter();
    EXPECT_EQ(shell.texts().back(), "make all");
    EXPECT_EQ(shell.found.back().prompt, "shell$ ");
    shell.type("ls /usr\t");  // completed when the shell reads it
    shell.show("ls /usr");
    shell.show("shell$ ls /usr/");
    shell.enter();
    EXPECT_EQ(shell.texts().back(), "ls /usr/");
}

TEST(CommandReader, LinesTypedAheadAreShownInTheirOrder) {
    Shell shell;
    shell.show("$ ");
    shell.echo("sleep 5");
    shell.enter();
    shell.type("make all\r");
    shell.show("make all\r\n");
    shell.type("ls /usr");
    shell.show("ls /usr");
    shell.show("\r\n$ make all");
    shell.type("\t\r");  // of the second line, while the first is shown
    shell.show("\r\nmade\r\n$ ls /usr/\r\nbin\r\n");
    EXPECT_EQ(shell.texts(), (Texts{"sleep 5", "make all", "ls /usr/"}));
    EXPECT_FALSE(shell.reader.waiting());
}

TEST(CommandReader, TheFirstPromptBehindWhatWasTypedAhead) {
    Shell shell;
    shell.type("uptime");
    shell.show("uptimealice@web1:~$ uptime");
    shell.enter();
    ASSERT_EQ(shell.texts(), Texts{"uptime"});
    EXPECT_EQ(shell.found[0].prompt, "alice@web1:~$ ");
}

TEST(CommandReader, PastedLinesAreOneCommand) {
    Shell shell;
    shell.show("$ \x1b[?2004h");
    shell.type("\x1b[200~for i in 1 2\ndo echo $i\ndone\x1b[201~");
    shell.show("for i in 1 2\r\ndo echo $i\r\ndone");
    EXPECT_TRUE(shell.found.empty());
    shell.enter();
    EXPECT_EQ(shell.texts(), Texts{"for i in 1 2\ndo echo $i\ndone"});
}

TEST(CommandReader, ASecondPromptOnTheRightIsNoneOfIt) {
    Shell shell;
    shell.show("% \x1b[35C~/x\x1b[1;3H");
    shell.echo("ls");
    shell.enter();
    // Answers that a terminal gives by itself are no keys: the prompt is taken when somebody types.
    shell.type("\x1b[12;3R\x1b[?62;22c");
    shell.show("% ");
    shell.echo("pwd");
    shell.type("\r");
    shell.show("\r\x1b[K> pwd\r\n");  // the prompt is replaced when the line is taken
    EXPECT_EQ(shell.texts(), (Texts{"ls", "pwd"}));
    shell.show("% ");
    shell.echo("rm -rf /");
    shell.type("\x03");  // given up
    shell.show("^C\r\n% ");
    shell.enter();
    EXPECT_EQ(shell.found.size(), 2U);
}

}  // namespace
}  // namespace sekisho::terminal
