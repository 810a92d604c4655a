#include "app/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config_table.h"

namespace sekisho::app {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string error_of(std::string_view text) {
    const auto config = parse_config(text, "sekisho.toml");
    return config ? "accepted" : config.error().text;
}

TEST(ConfigFileTest, AnEmptyFileMeansTheDefaults) {
    const auto config = parse_config("", "x");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->data_dir, "/var/lib/sekisho");
    EXPECT_EQ(config->ssh.listen.size(), 2U);
    EXPECT_EQ(config->path(config->admin_socket), "/run/sekisho/admin.sock");
    EXPECT_EQ(config->path(config->recording.dir), "/var/lib/sekisho/recordings");
}

TEST(ConfigFileTest, ValuesOfEveryType) {
    const auto config = parse_config(R"(
data_dir = "/srv/gate"
[ssh]
listen = ["127.0.0.1:2222"]
keepalive = "1m"
rekey_bytes = "64M"
auth_attempts = 3
[recording]
on_failure = "alarm"
[log.monthly]
dir = "/var/log/sekisho"
)",
        "x");
    ASSERT_TRUE(config) << config.error().text;
    EXPECT_EQ(config->data_dir, "/srv/gate");
    EXPECT_EQ(config->ssh.listen, (std::vector<std::string>{"127.0.0.1:2222"}));
    EXPECT_EQ(config->ssh.keepalive.count(), 60);
    EXPECT_EQ(config->ssh.rekey_bytes, 64U << 20);
    EXPECT_EQ(config->ssh.auth_attempts, 3U);
    EXPECT_EQ(config->recording.on_failure, model::OnFailure::Alarm);
    EXPECT_EQ(config->log.monthly_dir, "/var/log/sekisho");
}

TEST(ConfigFileTest, WhereRecordingsLeaveTo) {
    RecordProperty("row", "B4");
    const auto config = parse_config(R"(
[recording.upload]
url = "s3://bucket/logs/"
region = "ap-northeast-1"
encryption = "aws:kms"
kms_key = "alias/gate"
every = "1m"
keep_local = "2d"
local_limit = "50G"
when_full = "refuse"
keep_remote = "365d"
)",
        "x");
    ASSERT_TRUE(config) << config.error().text;
    const model::UploadConfig& upload = config->recording.upload;
    EXPECT_EQ(upload.kms_key, "alias/gate");
    EXPECT_EQ(upload.every.count(), 60);
    EXPECT_EQ(upload.keep_local.count(), 2 * 86400);
    EXPECT_EQ(upload.local_limit, 50ULL << 30);
    EXPECT_EQ(upload.keep_remote.count(), 365 * 86400);
    EXPECT_THAT(error_of("[recording.upload]\nurl = \"s3://x\"\n"), HasSubstr("sekisho.toml:2: recording.upload.url: a bucket's name"));
    EXPECT_THAT(error_of("[recording.upload]\nkms_key = \"k\"\n"), HasSubstr("it is for encryption"));
    EXPECT_THAT(error_of("[recording.upload]\nkeep_remote = \"1h\"\n"), HasSubstr("keep_local"));
}

TEST(ConfigFileTest, UnknownKeysAreErrorsWithLineAndNearest) {
    EXPECT_EQ(error_of("[ssh]\nlisen = []\n"), "sekisho.toml:2: unknown key ssh.lisen; did you mean ssh.listen?");
    EXPECT_EQ(error_of("\n[shs]\nlisten = []\n"), "sekisho.toml:2: unknown key shs; did you mean ssh?");
    EXPECT_EQ(error_of("datadir = \"/x\""), "sekisho.toml:1: unknown key datadir; did you mean data_dir?");
    EXPECT_EQ(error_of("[recording.upload]\nuri = \"s3://x\"\n"),
        "sekisho.toml:2: unknown key recording.upload.uri; did you mean recording.upload.url?");
    EXPECT_EQ(error_of("[zeppelin]\nto = []\n"), "sekisho.toml:1: unknown key zeppelin");
    EXPECT_EQ(error_of("ssh = 5"), "sekisho.toml:1: ssh is a section: write [ssh]");
}

TEST(ConfigFileTest, WrongValuesAreErrors) {
    EXPECT_THAT(error_of("data_dir = \"var\""), HasSubstr("an absolute path"));
    EXPECT_THAT(error_of("[ssh]\nlisten = \"0.0.0.0:22\""), HasSubstr(":2: ssh.listen: a list of texts"));
    EXPECT_THAT(error_of("[ssh]\nlisten = [\"2222\"]"), HasSubstr("is not host:port"));
    EXPECT_THAT(error_of("[ssh]\nlisten = []"), HasSubstr("at least one"));
    EXPECT_THAT(error_of("[ssh]\nkeepalive = 15"), HasSubstr("a time is wanted"));
    EXPECT_THAT(error_of("[ssh]\nkeepalive = \"15\""), HasSubstr("a time is wanted"));
    EXPECT_THAT(error_of("[ssh]\nrekey_bytes = \"1P\""), HasSubstr("a number of bytes"));
    EXPECT_THAT(error_of("[ssh]\nrekey_bytes = \"9999999999999T\""), HasSubstr("a number of bytes"));
    EXPECT_THAT(error_of("[ssh]\nauth_attempts = -1"), HasSubstr("a number is wanted"));
    EXPECT_THAT(error_of("[ssh]\nauth_attempts = 0"), HasSubstr("1 to 100"));
    EXPECT_THAT(error_of("[target]\ncertificate_life = \"61s\""), HasSubstr("5s to 60s"));
    EXPECT_THAT(error_of("[store]\nurl = \"mysql://x\""), HasSubstr("sqlite:FILE or postgresql://"));
    EXPECT_THAT(error_of("[store]\nurl = \"postgresql://u:secret@h/d?sslmod=x\""), HasSubstr("did you mean sslmode?"));
    EXPECT_THAT(error_of("[store]\nurl = \"postgresql://u:secret@h/d?sslmod=x\""), Not(HasSubstr("secret")));
    EXPECT_THAT(error_of("[store]\nurl = postgresql://u:secret@h/d"), Not(HasSubstr("secret")));
    EXPECT_THAT(error_of("[store]\nurl = 'postgresql://u:secret@h/d\n"), Not(HasSubstr("secret")));
    EXPECT_THAT(error_of("[recording]\non_failure = \"refuze\""), HasSubstr("did you mean refuse?"));
    EXPECT_THAT(error_of("[recording]\nseal_to = [\"x\"]"), HasSubstr("public key is wanted"));
    EXPECT_THAT(error_of("[ssh"), HasSubstr("sekisho.toml:1: "));
}

TEST(ConfigFileTest, TheSampleIsAConfiguration) {
    const auto plain = parse_config(sample_config(), "sample");
    ASSERT_TRUE(plain) << plain.error().text;
    const std::string text = sample_config({{"data_dir", "/srv/a \"b\""}, {"admin.socket", "admin.sock"}});
    const auto stated = parse_config(text, "sample");
    ASSERT_TRUE(stated) << stated.error().text;
    EXPECT_EQ(stated->data_dir, "/srv/a \"b\"");
    EXPECT_EQ(stated->path(stated->admin_socket), "/srv/a \"b\"/admin.sock");
    // With every line taken out of its comment it says the same, and names every key once.
    std::string open;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        std::string line = text.substr(at, end - at);
        if (line.starts_with("#") && !line.starts_with("# ")) line.erase(0, 1);
        open += line + "\n";
        at = end + 1;
    }
    const auto all = parse_config(open, "sample");
    ASSERT_TRUE(all) << all.error().text;
    EXPECT_EQ(all->ssh.listen, model::Config().ssh.listen);
    EXPECT_EQ(all->ssh.rekey_bytes, model::Config().ssh.rekey_bytes);
}

TEST(ConfigFileTest, TheManualNamesEveryKey) {
    const std::string manual = config_manual();
    for (const ConfigKey& key : config_keys()) EXPECT_THAT(manual, HasSubstr("`" + std::string(key.key) + "`"));
}

TEST(UnitsTest, AreReadBackAsWritten) {
    for (const char* text : {"90s", "5m", "1h", "2d", "0"}) EXPECT_EQ(time_text(*parse_time(text)), text);
    for (const char* text : {"1", "64M", "1G", "3K", "1000"}) EXPECT_EQ(bytes_text(*parse_bytes(text)), text);
    EXPECT_FALSE(parse_time("-5s"));
    EXPECT_FALSE(parse_time("5 m"));
}

}  // namespace
}  // namespace sekisho::app
