#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/recordings.h"

namespace sekisho::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

class CompletionTest : public testing::Test {
protected:
    CompletionTest() {
        m_app.add_option("--config", m_context.config_path, "");
        m_app.fallthrough();
        add_access_commands(m_app, m_context);
        add_sessions_command(m_app, m_context);
        add_explain_command(m_app, m_context);
        add_recordings_command(m_app, m_context);
        add_ca_command(m_app, m_context);
        add_completion_command(m_app, m_context);
    }
    Words at(const Words& words) {
        return candidates(m_app, words, [](std::string_view what, const Words&) -> Words {
            if (what == "users") return {"alice", "bob"};
            if (what == "targets") return {"db1", "web1"};
            if (what == "rules") return {"ops on web"};
            if (what == "groups") return {"ops"};
            return {"SHA256:abc"};
        });
    }

    Context m_context;
    CLI::App m_app{"", "sekisho"};
};

TEST_F(CompletionTest, CommandsAndTheirCommands) {
    EXPECT_THAT(at({""}), ElementsAre("ca", "client-host", "completion", "explain", "group", "key", "recordings", "route",
                              "rule", "sessions", "target", "user"));
    EXPECT_THAT(at({"re"}), ElementsAre("recordings"));
    EXPECT_THAT(at({"user", ""}), ElementsAre("add", "ls", "rm", "set", "show"));
    EXPECT_THAT(at({"--config", "file", "user", "s"}), ElementsAre("set", "show"));
    EXPECT_THAT(at({"completion", "z"}), ElementsAre("zsh"));
    EXPECT_THAT(at({"nothing", ""}), IsEmpty());
}

TEST_F(CompletionTest, Options) {
    EXPECT_THAT(at({"user", "ls", "--"}), ElementsAre("--config", "--help", "--json"));
    EXPECT_THAT(at({"ca", "rotate", "--a"}), ElementsAre("--activate"));
    EXPECT_THAT(at({"sessions", "ls", "--user", ""}), ElementsAre("alice", "bob"));
    EXPECT_THAT(at({"sessions", "ls", "--live", "--target", "w"}), ElementsAre("web1"));
    EXPECT_THAT(at({"recordings", "play", "--speed", ""}), IsEmpty());
}

TEST_F(CompletionTest, Names) {
    EXPECT_THAT(at({"user", "show", "a"}), ElementsAre("alice"));
    EXPECT_THAT(at({"user", "add", ""}), IsEmpty());
    EXPECT_THAT(at({"rule", "rm", ""}), ElementsAre("ops on web"));
    EXPECT_THAT(at({"group", "add", ""}), ElementsAre("ops"));
    EXPECT_THAT(at({"group", "add", "ops", "alice", ""}), ElementsAre("alice", "bob"));
    EXPECT_THAT(at({"key", "rm", "alice", ""}), ElementsAre("SHA256:abc"));
    EXPECT_THAT(at({"explain", "alice", "ubuntu@"}), ElementsAre("ubuntu@db1", "ubuntu@web1"));
    EXPECT_THAT(at({"explain", "alice", "ubuntu@web1", "--as", "sh"}), ElementsAre("shell"));
    EXPECT_THAT(at({"explain", "alice", "web1", ""}), IsEmpty());
}

TEST_F(CompletionTest, Fields) {
    EXPECT_THAT(at({"target", "set", "web1", "a"}), ElementsAre("address=", "auth="));
    EXPECT_THAT(at({"target", "set", "web1", "l"}), ElementsAre("labels.", "legacy=", "logins="));
    EXPECT_THAT(at({"target", "set", "web1", "auth=ag"}), ElementsAre("auth=agent"));
    EXPECT_THAT(
        at({"rule", "add", "x", "users=alice,"}), ElementsAre("users=alice,@ops", "users=alice,alice", "users=alice,bob"));
    EXPECT_THAT(at({"rule", "set", "x", "targets+=w"}), ElementsAre("targets+=web1"));
    EXPECT_THAT(at({"user", "set", "alice", "locked="}), ElementsAre("locked=false", "locked=true"));
    EXPECT_THAT(at({"rule", "add", "x", "allow=shell,e"}), ElementsAre("allow=shell,exec"));
    EXPECT_THAT(at({"rule", "add", "x", "--before", ""}), ElementsAre("ops on web"));
    EXPECT_THAT(at({"key", "set", "alice", "k", ""}), ElementsAre("comment=", "options="));
}

TEST(ShellWords, AsAShellReadsThem) {
    EXPECT_THAT(shell_words("sekisho user  show a"), ElementsAre("sekisho", "user", "show", "a"));
    EXPECT_THAT(shell_words("sekisho user "), ElementsAre("sekisho", "user", ""));
    EXPECT_THAT(shell_words(R"(s rule rm ops\ on)"), ElementsAre("s", "rule", "rm", "ops on"));
    EXPECT_THAT(shell_words(R"(s 'a  b'"c\"d" "open w)"), ElementsAre("s", "a  bc\"d", "open w"));
    EXPECT_THAT(shell_words(""), ElementsAre(""));
    EXPECT_EQ(stated_config({"user", "--config", "a.toml", "ls", ""}), "a.toml");
    EXPECT_EQ(stated_config({"--config=b.toml", "ls"}), "b.toml");
    EXPECT_EQ(stated_config({"user", "--config", "a"}), "") << "it is being typed";
}

}  // namespace
}  // namespace sekisho::cli
