// The commands as an administrator uses them before the first start: the built functions, a folder of their own, no gateway.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/config_file.h"
#include "cli/command.h"

namespace sekisho::app {
namespace {

using testing::HasSubstr;
using testing::Not;

class CommandsTest : public testing::Test {
protected:
    CommandsTest() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-cli-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
    }
    ~CommandsTest() override { std::filesystem::remove_all(m_folder); }

    /// Runs one command line; its standard output and error are in m_out and m_err.
    int run(std::vector<std::string> words) {
        cli::Context context;
        context.load_config = load_config;
        context.sample_config = sample_config;
        context.config_manual = config_manual;
        context.config_path = m_folder + "/sekisho.toml";
        CLI::App app("test", "sekisho");
        app.require_subcommand(1);
        cli::add_init_command(app, context);
        cli::add_check_command(app, context);
        cli::add_apply_command(app, context);
        cli::add_explain_command(app, context);
        cli::add_sessions_command(app, context);
        cli::add_audit_command(app, context);
        cli::add_ca_command(app, context);
        cli::add_access_commands(app, context);
        cli::add_ssh_config_command(app, context);
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        int status = cli::kUsage;
        try {
            std::reverse(words.begin(), words.end());
            app.parse(std::move(words));
            status = context.run();
        } catch (const CLI::ParseError&) {
        }
        std::fflush(stdout);
        m_out = testing::internal::GetCapturedStdout();
        m_err = testing::internal::GetCapturedStderr();
        return status;
    }

    /// init with a socket inside the folder, where no gateway of this machine listens.
    void init() {
        std::ofstream(m_folder + "/sekisho.toml")
            << "data_dir = \"" << m_folder << "/data\"\n[admin]\nsocket = \"admin.sock\"\n";
        ASSERT_EQ(run({"init"}), cli::kDone) << m_err;
    }
    std::string file(const std::string& name, const std::string& text) {
        std::ofstream(m_folder + "/" + name) << text;
        return m_folder + "/" + name;
    }
    std::string read(const std::string& name) {
        std::ifstream stream(m_folder + "/" + name);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    mode_t mode(const std::string& name) {
        struct stat facts{};
        return ::stat((m_folder + "/" + name).c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
    }

    static constexpr const char* kAccess =
        "[[user]]\nname = \"alice\"\ngroups = [\"ops\"]\n"
        "[[target]]\nname = \"web1\"\naddress = \"10.0.0.5:22\"\nlogins = [\"ubuntu\"]\ntrust = \"first-use\"\n"
        "[[rule]]\nname = \"ops on web\"\nusers = [\"@ops\"]\ntargets = [\"web*\"]\nallow = [\"shell\"]\n";

    std::string m_folder;
    std::string m_out;
    std::string m_err;
};

TEST_F(CommandsTest, InitMakesWhatIsMissingAndKeepsWhatIsThere) {
    ASSERT_EQ(run({"init", "--data-dir", m_folder + "/data"}), cli::kDone) << m_err;
    EXPECT_THAT(m_out, HasSubstr("user CA"));
    EXPECT_EQ(mode("data"), 0700U);
    EXPECT_EQ(mode("data/keys"), 0700U);
    EXPECT_EQ(mode("data/keys/ca_ed25519"), 0600U);
    EXPECT_EQ(mode("data/sekisho.db"), 0600U);
    const std::string key = read("data/keys/ca_ed25519");
    const std::string config = read("sekisho.toml");
    EXPECT_THAT(config, HasSubstr("data_dir = \"" + m_folder + "/data\""));

    ASSERT_EQ(run({"init"}), cli::kDone) << m_err;
    EXPECT_THAT(m_out, Not(HasSubstr("made")));
    EXPECT_EQ(read("data/keys/ca_ed25519"), key);
    EXPECT_EQ(read("sekisho.toml"), config);
    EXPECT_EQ(run({"init", "--data-dir", m_folder + "/other"}), cli::kFailed);
    EXPECT_THAT(m_err, HasSubstr("change it there"));
}

TEST_F(CommandsTest, InitDoesNotOpenUpOrCloseWhatBelongsToOthers) {
    std::filesystem::create_directories(m_folder + "/data");
    file("data/precious", "x");
    ::chmod((m_folder + "/data").c_str(), 0755);
    EXPECT_EQ(run({"init", "--data-dir", m_folder + "/data"}), cli::kFailed);
    EXPECT_THAT(m_err, HasSubstr("is open to others"));
    EXPECT_EQ(mode("data"), 0755U);
}

TEST_F(CommandsTest, CheckSaysWhatIsWrongAndWhere) {
    EXPECT_EQ(run({"check"}), cli::kFailed);
    EXPECT_THAT(m_out, HasSubstr("cannot read the configuration"));
    init();
    EXPECT_EQ(run({"check"}), cli::kDone) << m_out;
    EXPECT_EQ(run({"check", file("a.toml", "[[user]]\nnmae = \"x\"\n")}), cli::kFailed);
    EXPECT_THAT(m_out, HasSubstr("a.toml:2: unknown key nmae"));
    EXPECT_EQ(run({"check", file("b.toml", kAccess)}), cli::kDone);
    ::chmod((m_folder + "/data/keys/host_ed25519").c_str(), 0644);
    EXPECT_EQ(run({"check"}), cli::kFailed);
    file("sekisho.toml", "[ssh]\nlisen = []\n");
    EXPECT_EQ(run({"check"}), cli::kFailed);
    EXPECT_THAT(m_out, HasSubstr("sekisho.toml:2: unknown key ssh.lisen; did you mean ssh.listen?"));
    EXPECT_EQ(run({"check", "--sample"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("#listen = "));
    EXPECT_EQ(run({"check", "--manual"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("| `ssh.listen` |"));
}

TEST_F(CommandsTest, CheckMindsWhoReadsTheStoresPassword) {
    init();
    const std::string config = read("sekisho.toml");
    for (const auto& [url, wanted] :
        {std::pair("postgresql://u:secret@h/d", cli::kFailed), std::pair("postgresql://u@h/d", cli::kDone)}) {
        file("sekisho.toml", config + "[store]\nurl = \"" + url + "\"\n");
        EXPECT_EQ(run({"check"}), wanted) << m_out;
        EXPECT_THAT(m_out + m_err, Not(HasSubstr("secret")));
        if (wanted == cli::kFailed) {
            EXPECT_THAT(m_out, HasSubstr("chmod 600 " + m_folder + "/sekisho.toml"));
        }
        ASSERT_EQ(::chmod((m_folder + "/sekisho.toml").c_str(), 0600), 0);
        EXPECT_EQ(run({"check"}), cli::kDone) << m_out;
        ASSERT_EQ(::chmod((m_folder + "/sekisho.toml").c_str(), 0644), 0);
    }
}

TEST_F(CommandsTest, ApplyThenListThenExplain) {
    init();
    const std::string access = file("access.toml", kAccess);
    EXPECT_EQ(run({"apply", access, "--dry-run"}), cli::kDone) << m_err;
    EXPECT_THAT(m_out, HasSubstr("+ user alice"));
    EXPECT_THAT(m_out, HasSubstr("nothing was changed"));
    EXPECT_EQ(run({"user", "ls", "--json"}), cli::kDone);
    EXPECT_EQ(m_out, "[]\n");
    EXPECT_EQ(run({"apply", access}), cli::kDone) << m_err;
    EXPECT_THAT(m_out, HasSubstr("applied"));
    EXPECT_EQ(run({"apply", access}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("nothing to change"));
    EXPECT_EQ(run({"user", "ls"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("alice"));
    EXPECT_EQ(run({"group", "show", "ops", "--json"}), cli::kDone);
    EXPECT_EQ(m_out, "{\n  \"name\": \"ops\",\n  \"users\": [\n    \"alice\"\n  ]\n}\n");
    EXPECT_EQ(run({"rule", "show", "nothing"}), cli::kFailed);
    EXPECT_EQ(run({"explain", "alice", "ubuntu@web1", "--as", "shell"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("rule \"ops on web\" lets it"));
    EXPECT_EQ(run({"explain", "alice", "ubuntu@web1", "--as", "exec"}), cli::kFailed);
    EXPECT_THAT(m_out, HasSubstr("no rule lets alice use exec as ubuntu on web1"));
    EXPECT_EQ(run({"explain", "alice", "ubuntu@web1"}), cli::kDone);
    EXPECT_EQ(run({"audit", "ls"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("target web1"));
    EXPECT_EQ(run({"ssh-config", "--user", "alice", "--host", "gw.example.com"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("Host web1.gw\n    User ubuntu@web1"));
    EXPECT_THAT(m_out, HasSubstr("Host web1\n    ProxyJump gw\n    User ubuntu"));
    EXPECT_EQ(run({"ssh-config", "--user", "alice", "--host", "gw.example.com", "--known-hosts"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("@cert-authority web1 ssh-ed25519 "));
    EXPECT_EQ(run({"apply", file("empty.toml", "# nobody\n"), "--prune"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("- rule ops on web"));
}

TEST_F(CommandsTest, FailuresAreOneAndWrongUsageIsTwo) {
    EXPECT_EQ(run({"apply", m_folder + "/none.toml"}), cli::kFailed);
    EXPECT_THAT(m_err, HasSubstr("cannot read"));
    EXPECT_EQ(run({"apply"}), cli::kUsage);
    EXPECT_EQ(run({"sessions"}), cli::kUsage);
    EXPECT_EQ(run({"sessions", "ls", "--nonsense"}), cli::kUsage);
    init();
    EXPECT_EQ(run({"sessions", "show", "none"}), cli::kFailed);
    EXPECT_EQ(run({"sessions", "end", "none"}), cli::kFailed);
    EXPECT_THAT(m_err, HasSubstr("no gateway is running"));
    EXPECT_EQ(run({"apply", file("wrong.toml", "[[user]]\nname = \"Root\"\n")}), cli::kFailed);
    EXPECT_THAT(m_err, HasSubstr("wrong.toml:2: name \"Root\""));
}

TEST_F(CommandsTest, CaLines) {
    init();
    EXPECT_EQ(run({"ca", "show", "--user"}), cli::kDone);
    EXPECT_EQ(m_out, read("data/keys/ca_ed25519.pub"));
    EXPECT_EQ(run({"ca", "show", "--host", "--hosts", "web*"}), cli::kDone);
    EXPECT_EQ(m_out, "@cert-authority web* " + read("data/keys/host_ca_ed25519.pub"));
    EXPECT_EQ(run({"ca", "show"}), cli::kDone);
    EXPECT_THAT(m_out, HasSubstr("TrustedUserCAKeys"));
}

}  // namespace
}  // namespace sekisho::app
