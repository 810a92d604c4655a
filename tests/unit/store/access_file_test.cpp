#include "store/access_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::store {
namespace {

using testing::HasSubstr;

constexpr const char* kKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKeTyczyvznepK50z516gPnnD/U1qJcfGraQBr0+dgbK";  // made by ssh-keygen

Result<model::Access> parse(std::string text) {
    for (std::size_t at = text.find("KEY"); at != std::string::npos; at = text.find("KEY", at + 60))
        text.replace(at, 3, kKey);
    return parse_access({{"access.toml", text}});
}

std::string error_of(const std::string& text) {
    const auto access = parse(text);
    return access ? "accepted" : access.error().text;
}

TEST(AccessFileTest, TheFileOfTheSurface) {
    const auto access = parse(R"(
[[user]]
name = "alice"
email = "alice@example.com"
groups = ["ops"]
keys = ["KEY alice@laptop", 'from="192.0.2.0/24",expiry-time="20271231" KEY']
expires = 2027-12-31T23:59:59+09:00

[[target]]
name = "web1"
address = "10.0.0.5:22"
logins = ["ubuntu", "root"]
auth = "agent"
host_keys = ["KEY"]
route = ["socks5://127.0.0.1:1080", "first-relay"]
labels = { env = "prod" }
set_env = { PATH = "/opt/bin:/bin" }

[[target]]
name = "lab"
address = "[2001:db8::5]:2222"
trust = "first-use"
legacy = true

[[rule]]
name = "ops may work on web servers"
users = ["@ops"]
targets = ["web*", "env=prod"]
logins = ["ubuntu"]
allow = ["shell", "exec", "sftp", "scp"]
commands = ["uptime", "git-upload-pack *"]
max_time = "8h"
idle_time = "30m"
max_sessions = 2
record = "commands"
index = ["files"]
on_failure = "alarm"
when = { from = ["203.0.113.0/24"], hours = "Mon-Fri 08:00-20:00 Asia/Tokyo", touch = true }

[[rule]]
name = "partner reaches the ledger only"
users = ["partner"]
allow = ["local-forward"]
forward = ["ledger.internal:443", "10.1.0.0/16:5432"]
)");
    ASSERT_TRUE(access) << access.error().text;
    const model::User& alice = access->users.at(0);
    EXPECT_EQ(alice.groups, (std::vector<std::string>{"ops"}));
    EXPECT_EQ(alice.keys.size(), 2U);
    EXPECT_EQ(alice.expires, "2027-12-31T23:59:59+09:00");
    const model::Target& web1 = access->targets.at(0);
    EXPECT_EQ(web1.auth, model::TargetAuth::Agent);
    EXPECT_EQ(web1.labels.at("env"), "prod");
    EXPECT_EQ(web1.set_env.at("PATH"), "/opt/bin:/bin");
    EXPECT_EQ(web1.route.size(), 2U);
    EXPECT_TRUE(access->targets.at(1).trust_first_use);
    EXPECT_TRUE(access->targets.at(1).legacy);
    const model::Rule& rule = access->rules.at(0);
    EXPECT_EQ(rule.allow.size(), 4U);
    EXPECT_EQ(rule.limits, (model::Limits{std::chrono::hours(8), std::chrono::minutes(30), 2}));
    EXPECT_EQ(rule.commands, (std::vector<std::string>{"uptime", "git-upload-pack *"}));
    EXPECT_EQ(rule.record, model::RecordLevel::Commands);
    EXPECT_EQ(rule.index, (model::Indexing{.commands = false, .files = true}));
    EXPECT_FALSE(access->rules.at(1).index);
    EXPECT_EQ(rule.on_failure, model::OnFailure::Alarm);
    EXPECT_EQ(rule.when.hours, "Mon-Fri 08:00-20:00 Asia/Tokyo");
    EXPECT_TRUE(rule.when.touch);
    EXPECT_FALSE(access->rules.at(1).when.touch);
    EXPECT_EQ(access->rules.at(1).forward.size(), 2U);
    EXPECT_FALSE(access->rules.at(1).on_failure);
}

TEST(AccessFileTest, ATableWithoutANameIsAnErrorOfItsLine) {
    EXPECT_THAT(error_of("\n[ = \"alice\"\n"), HasSubstr("access.toml:2: a table needs a name"));
}

TEST(AccessFileTest, ErrorsSayLineAndNearestKey) {
    EXPECT_EQ(error_of("[[user]]\nname = \"alice\"\nemial = \"x\"\n"),
        "access.toml:3: unknown key emial in [[user]]; did you mean email?");
    EXPECT_EQ(
        error_of("\n[[rules]]\nname = \"x\"\n"), "access.toml:2: unknown key rules in an access file; did you mean rule?");
    EXPECT_THAT(error_of("[[user]]\nname = \"alice\n"), HasSubstr("access.toml:2: "));
    EXPECT_THAT(error_of("[user]\nname = \"alice\"\n"), HasSubstr("access.toml:1: write [[user]]"));
    EXPECT_THAT(error_of("[[user]]\nemail = \"x\"\n"), HasSubstr("access.toml:1: name is missing"));
}

TEST(AccessFileTest, AllProblemsAtOnceButNotMoreThanTwenty) {
    std::string text;
    for (int i = 0; i < 30; ++i) text += fmt::format("[[user]]\nname = \"U{}\"\n", i);
    const std::string error = error_of(text);
    EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 20);
    EXPECT_THAT(error, HasSubstr("and 10 more"));
}

TEST(AccessFileTest, NamesAreDefinedOnceAcrossFiles) {
    const auto access =
        parse_access({{"a.toml", "[[user]]\nname = \"alice\"\n"}, {"b.toml", "\n[[user]]\nname = \"alice\"\n"}});
    ASSERT_FALSE(access);
    EXPECT_EQ(access.error().text, "b.toml:2: user \"alice\" is already defined at a.toml:1");
}

struct Wrong {
    const char* text;
    const char* error;
};

TEST(AccessFileTest, ValuesAreChecked) {
    const std::string target = "[[target]]\nname = \"t\"\naddress = \"h:22\"\ntrust = \"first-use\"\n";
    const std::string rule = "[[rule]]\nname = \"r\"\nusers = [\"*\"]\n";
    const Wrong users[] = {{"name = \"root\"", "root is never a user"}, {"name = \"Alice\"", "lower-case"},
        {"name = \"../x\"", "lower-case"}, {"name = 5", "name is a text"},
        {"name = \"a\"\ngroups = \"ops\"", "groups is a list"}, {"name = \"a\"\ngroups = [\"Ops\"]", "a group's name"},
        {"name = \"a\"\ngroups = [\"ops\", \"ops\"]", "there twice"},
        {"name = \"a\"\nkeys = [\"ssh-ed25519 AAAA\"]", "keys \"ssh-ed25519 AAAA\""},
        {"name = \"a\"\nkeys = ['froom=\"10.0.0.0/8\" KEY']", "froom"},
        {"name = \"a\"\nlocked = \"yes\"", "locked is true or false"},
        {"name = \"a\"\nexpires = \"tomorrow\"", "expires is a time with its zone"},
        {"name = \"a\"\nexpires = 2027-12-31T23:59:59", "expires is a time with its zone"}};
    for (const Wrong& wrong : users)
        EXPECT_THAT(error_of(std::string("[[user]]\n") + wrong.text), HasSubstr(wrong.error)) << wrong.text;
    const Wrong targets[] = {{"logins = [\"-l\"]", "a login is"}, {"auth = \"certificat\"", "did you mean certificate?"},
        {"host_keys = [\"x\"]", "host_keys \"x\""}, {"route = [\"socks4://x:1\"]", "a hop is"},
        {"labels = { Env = \"x\" }", "not a name"}, {"labels = { env = 1 }", "labels.env is a text"},
        {"set_env = { \"A=B\" = \"x\" }", "not a name"}, {"trust_first_use = true", "unknown key"}};
    for (const Wrong& wrong : targets) EXPECT_THAT(error_of(target + wrong.text), HasSubstr(wrong.error)) << wrong.text;
    EXPECT_THAT(
        error_of("[[target]]\nname = \"t\"\naddress = \"h\"\ntrust = \"first-use\""), HasSubstr("an address is host:port"));
    EXPECT_THAT(error_of("[[target]]\nname = \"t\"\naddress = \"h:22\""),
        HasSubstr("how the target's host key is known is missing"));
    const Wrong rules[] = {{"allow = [\"shel\"]", "did you mean shell?"},
        {"allow = []\nrecord = \"all\"", "full, commands or metadata"},
        {"allow = [\"sftp\"]\nrecord_contents = \"first 64\"", "for example \"first 64 KiB\""},
        {"allow = [\"sftp\"]\nrecord_contents = \"digest\"\nrecord = \"commands\"", "keeps no contents at all"},
        {"allow = [\"shell\"]\ntargets = []", "targets is empty"},
        {"allow = [\"shell\"]\nindex = []", "index is empty"},
        {"allow = [\"shell\"]\nindex = [\"command\"]", "did you mean commands?"},
        {"allow = [\"shell\"]\nindex = [\"files\", \"none\"]", "index says none and more"},
        {"allow = [\"shell\"]\ntargets = [\"web[12]\"]", "a pattern with * and ?"},
        {"allow = [\"shell\"]\nforward = [\"h:1\"]", "allow has no forward"},
        {"allow = [\"local-forward\"]\nforward = [\"10.0.0.1/8:22\"]", "bits behind the prefix"},
        {"allow = [\"remote-forward\"]\naccept_from = [\"10.0.0.1/8\"]", "bits behind the prefix"},
        {"allow = [\"remote-forward\"]\naccept_from = []", "accept_from is empty"},
        {"allow = [\"local-forward\"]\naccept_from = [\"10.0.0.0/8\"]", "allow has remote-forward"},
        {"allow = [\"remote-forward\"]\ntargets = [\"*\"]\naccept_from = [\"10.0.0.0/8\"]", "targets is left out"},
        {"allow = [\"exec\"]\nsftp_read_only = true", "narrow sftp, but allow does not have it"},
        {"allow = [\"sftp\"]\nsftp_paths = []", "sftp_paths is empty"},
        {"allow = [\"sftp\"]\nsftp_paths = [\"srv/**\"]", "a path begins with /"},
        {"allow = [\"sftp\"]\nsftp_paths = [\"/srv/../**\"]", "a path begins with /"},
        {"allow = [\"sftp\"]\nsftp_readonly = true", "did you mean sftp_read_only?"},
        {"allow = [\"local-forward\"]\nforward = [\"*:22\"]", "a host is named"},
        {"allow = [\"shell\"]\ncommands = [\"uptime\"]", "commands narrows exec, but allow does not have it"},
        {"allow = [\"shell\"]\nmax_time = \"soon\"", "a time is wanted, for example \"30m\""},
        {"allow = [\"shell\"]\nidle_time = \"0\"", "without a limit leave it out"},
        {"allow = [\"shell\"]\nmax_time = 5", "max_time is a text"},
        {"allow = [\"shell\"]\nmax_sessions = 0", "max_sessions is a number from 1 on"},
        {"allow = [\"exec\"]\ncommands = []", "commands is empty"},
        {"allow = [\"exec\"]\ncommands = [\"\"]", "a command is 1 to 1024 bytes"},
        {"allow = [\"exec\"]\ncommands = [\"a\\nb\"]", "without control characters"},
        {"allow = [\"exec\"]\ncommand = [\"uptime\"]", "did you mean commands?"},
        {"allow = [\"shell\"]\nwhen = { from = [\"10.0.0.1/8\"] }", "a network is"},
        {"allow = [\"shell\"]\nwhen = { from = [] }", "from is empty"},
        {"allow = [\"shell\"]\nwhen = { hours = \"always\" }", "hours \"always\""},
        {"allow = [\"shell\"]\nwhen = { hour = \"x\" }", "did you mean hours?"},
        {"allow = [\"shell\"]\non_failure = \"ignore\"", "refuse, end or alarm"}, {"", "allow is missing"}};
    for (const Wrong& wrong : rules) EXPECT_THAT(error_of(rule + wrong.text), HasSubstr(wrong.error)) << wrong.text;
    EXPECT_THAT(error_of("[[rule]]\nname = \"r\"\nallow = [\"shell\"]"), HasSubstr("users is missing"));
}

TEST(AccessFileTest, Routes) {
    const auto access = parse(R"(
[[route]]
name = "inside"
hosts = ["*.example.net", "10.1.0.0/16"]
via = ["socks5://10.0.0.1:1080", "relay"]

[[route]]
name = "rest"
hosts = ["*"]
)");
    ASSERT_TRUE(access) << access.error().text;
    ASSERT_EQ(access->routes.size(), 2U);
    EXPECT_EQ(access->routes[0].hosts, (std::vector<std::string>{"*.example.net", "10.1.0.0/16"}));
    EXPECT_EQ(access->routes[0].via, (std::vector<std::string>{"socks5://10.0.0.1:1080", "relay"}));
    EXPECT_TRUE(access->routes[1].via.empty());
    const std::string begin = "[[route]]\nname = \"r\"\n";
    EXPECT_THAT(error_of(begin), HasSubstr("hosts is missing"));
    EXPECT_THAT(error_of(begin + "hosts = []"), HasSubstr("hosts is empty"));
    EXPECT_THAT(error_of(begin + "hosts = [\"*\"]\nvia = []"), HasSubstr("via is empty"));
    EXPECT_THAT(error_of(begin + "hosts = [\"10.0.0.1/8\"]"), HasSubstr("networks whose bits"));
    EXPECT_THAT(error_of(begin + "hosts = [\"*\"]\nvia = [\"a\", \"http://h:1\"]"), HasSubstr("only be the first hop"));
    EXPECT_THAT(error_of(begin + "hosts = [\"*\"]\nroute = [\"a\"]"), HasSubstr("unknown key"));
    EXPECT_THAT(error_of(begin + "hosts = [\"*\"]\n" + begin + "hosts = [\"*\"]"), HasSubstr("already defined"));
}

TEST(AccessFileTest, ClientHosts) {
    const auto access = parse(R"(
[[client_host]]
name = "build1.example.net"
addresses = ["192.0.2.7", "2001:db8::/32"]
keys = ["KEY root@build1"]
users = ["alice", "@ops"]
accounts = { jenkins = "alice" }
)");
    ASSERT_TRUE(access) << access.error().text;
    const model::ClientHost& host = access->client_hosts.at(0);
    EXPECT_EQ(host.name, "build1.example.net");
    EXPECT_EQ(host.addresses, (std::vector<std::string>{"192.0.2.7", "2001:db8::/32"}));
    EXPECT_EQ(host.keys.size(), 1U);
    EXPECT_EQ(host.users, (std::vector<std::string>{"alice", "@ops"}));
    EXPECT_EQ(host.accounts.at("jenkins"), "alice");

    const std::string rest = "keys = [\"KEY\"]\nusers = [\"alice\"]\n";
    const std::string good = "[[client_host]]\nname = \"h\"\n" + rest;
    EXPECT_EQ(error_of(good), "accepted");
    EXPECT_THAT(error_of("[[client_host]]\nname = \"H.example\"\n" + rest), HasSubstr("lower case"));
    EXPECT_THAT(error_of("[[client_host]]\nname = \"h.\"\n" + rest), HasSubstr("without a dot"));
    EXPECT_THAT(error_of("[[client_host]]\nname = \"h\"\nkeys = [\"KEY\"]\n"), HasSubstr("users is missing"));
    EXPECT_THAT(error_of("[[client_host]]\nname = \"h\"\nusers = [\"a\"]\n"), HasSubstr("keys is missing"));
    EXPECT_THAT(error_of(good + "addresses = []\n"), HasSubstr("addresses is empty"));
    EXPECT_THAT(error_of(good + "accounts = {}\n"), HasSubstr("accounts is empty"));
    EXPECT_THAT(error_of(good + "accounts = { x = \"root\" }\n"), HasSubstr("root is never a user"));
    EXPECT_THAT(error_of(good + "addresses = [\"192.0.2.7/24\"]\n"), HasSubstr("bits behind the prefix"));
    EXPECT_THAT(error_of(good + "adresses = []\n"), HasSubstr("did you mean addresses?"));
    EXPECT_THAT(error_of(good + good), HasSubstr("already defined"));
}

}  // namespace
}  // namespace sekisho::store
