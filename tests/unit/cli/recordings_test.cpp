// `sekisho recordings` on a folder that real recorders wrote.
#include "cli/recordings.h"

#include <fstream>

#include <CLI/CLI.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/unit/recording/fixture.h"

namespace sekisho::cli {
namespace {

using recording::Stream;
using recording::testing::Session;
using recording::testing::TemporaryFolder;
using base::view;

struct Outcome {
    int status = 0;
    std::string out;
    std::string err;
};

class RecordingsCommand : public ::testing::Test {
protected:
    RecordingsCommand() {
        const auto recordings = recording::make_recordings(m_folder.path() + "/recordings");
        Session session(*recordings, recording::testing::facts_of("alice"));
        const TimePoint now = std::chrono::steady_clock::now();
        session->channel_opened({1, "session", "ubuntu@web1", ""}, now);
        session->data(1, Stream::Output, view("out \xe9\x96\xa2\n"), now);
        session->data(1, Stream::Stderr, view("err\n"), now + std::chrono::hours(2));
        session->channel_opened({2, "session", "ubuntu@web1", ""}, now);
        session->data(2, Stream::Output, view("second\n"), now + std::chrono::hours(3));
        EXPECT_TRUE(session.finish());
        m_key = session.key;
        Session other(*recordings, recording::testing::facts_of("bob"));
        EXPECT_TRUE(other.finish());
    }

    Outcome run(std::vector<std::string> words) {
        Context context;
        context.load_config = [this](const std::string&) -> Result<model::Config> {
            model::Config config;
            config.data_dir = m_folder.path();
            return config;
        };
        CLI::App app;
        add_recordings_command(app, context);
        words.insert(words.begin(), "recordings");
        std::ranges::reverse(words);
        Outcome outcome;
        ::testing::internal::CaptureStdout();
        ::testing::internal::CaptureStderr();
        try {
            app.parse(words);
            outcome.status = context.run();
        } catch (const CLI::ParseError&) {
            outcome.status = kUsage;
        }
        std::fflush(stdout);
        outcome.out = ::testing::internal::GetCapturedStdout();
        outcome.err = ::testing::internal::GetCapturedStderr();
        return outcome;
    }

    std::string path() const { return recording::testing::path_in(m_folder.path() + "/recordings", m_key); }

    TemporaryFolder m_folder;
    std::string m_key;
};

TEST_F(RecordingsCommand, ListsWhatIsThere) {
    const Outcome json = run({"ls", "--json"});
    const auto all = nlohmann::json::parse(json.out);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0]["audit_key"], m_key);
    EXPECT_EQ(all[0]["user"], "alice");
    EXPECT_EQ(all[0]["state"], "complete");
    EXPECT_EQ(all[0]["targets"], nlohmann::json({"ubuntu@web1"}));
    EXPECT_NEAR(all[0]["duration_seconds"].get<double>(), 3 * 3600, 5);
    const Outcome table = run({"ls", "--user", "alice"});
    EXPECT_NE(table.out.find(m_key), std::string::npos);
    EXPECT_NE(table.out.find("3:00:0"), std::string::npos) << table.out;
    EXPECT_EQ(table.out.find("bob"), std::string::npos);
}

TEST_F(RecordingsCommand, ListsWhatItCannotReadToo) {
    std::ofstream(path(), std::ios::trunc) << "overwritten";
    const auto all = nlohmann::json::parse(run({"ls", "--json"}).out);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0]["audit_key"], m_key);
    EXPECT_EQ(all[0]["state"], "damaged");
}

TEST_F(RecordingsCommand, PlaysByAuditKeyAndByFile) {
    for (const std::string& which : {m_key, path()}) {
        const Outcome outcome = run({"play", which, "--speed", "0"});
        EXPECT_EQ(outcome.status, kDone);
        EXPECT_EQ(outcome.out, "out \xe9\x96\xa2\nsecond\n");
        EXPECT_EQ(outcome.err, "err\n");
    }
    EXPECT_EQ(run({"play", m_key, "--raw", "--channel", "2"}).out, "second\n");
}

TEST_F(RecordingsCommand, CapsPauses) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(run({"play", m_key, "--max-pause", "0.05"}).status, kDone);
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(took, std::chrono::milliseconds(100));  // two pauses of hours
    EXPECT_LT(took, std::chrono::seconds(10));
}

TEST_F(RecordingsCommand, ExportsToFilesAndStdout) {
    EXPECT_TRUE(run({"export", m_key, "-o", "-"}).out.starts_with("{"));
    const std::string stem = m_folder.path() + "/x";
    EXPECT_EQ(run({"export", m_key, "--format", "script", "--output", stem}).status, kDone);
    EXPECT_TRUE(std::filesystem::exists(stem + ".data") && std::filesystem::exists(stem + ".time"));
    EXPECT_EQ(run({"export", m_key, "--format", "asciicast-v3", "-o", stem + ".cast"}).status, kDone);
    EXPECT_GT(std::filesystem::file_size(stem + ".cast"), 100U);
    EXPECT_EQ(run({"export", m_key, "--format", "script", "-o", "-"}).status, kUsage);
    EXPECT_EQ(run({"export", m_key, "--format", "gif"}).status, kUsage);
}

TEST_F(RecordingsCommand, NamesWhatIsWrong) {
    EXPECT_EQ(run({"verify", m_key}).status, kDone);
    Bytes bytes = recording::testing::file_bytes(path());
    bytes[bytes.size() / 2] ^= std::byte{1};
    recording::testing::write_file(path(), bytes);
    const Outcome verified = run({"verify", m_key});
    EXPECT_EQ(verified.status, kFailed);
    EXPECT_NE(verified.err.find("block 1 "), std::string::npos) << verified.err;
    EXPECT_EQ(run({"play", m_key, "--raw"}).status, kFailed);
    EXPECT_EQ(run({"play", "2020-01-01_00-00-00_nobody"}).status, kFailed);
    EXPECT_EQ(run({"play", "../../etc/passwd"}).status, kFailed);
}

}  // namespace
}  // namespace sekisho::cli
