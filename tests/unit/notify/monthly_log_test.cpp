#include "notify/monthly_log.h"

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::notify {
namespace {

using Moment = MonthlyLog::Moment;

class MonthlyLogTest : public ::testing::Test {
protected:
    MonthlyLogTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sekisho-test-XXXXXX").string();
        m_folder = ::mkdtemp(pattern.data());
        ::setenv("TZ", "Asia/Tokyo", 1);
        ::tzset();
    }
    ~MonthlyLogTest() override {
        std::filesystem::remove_all(m_folder);
        ::unsetenv("TZ");
        ::tzset();
    }
    std::string read(const std::string& name) const {
        std::ifstream in(m_folder + "/" + name);
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    }
    std::string m_folder;
};

// 2026-11-30 23:59:59 in Tokyo, by date(1): date -d '2026-11-30 23:59:59 +0900' +%s
constexpr std::int64_t kLastSecond = 1796050799;

TEST_F(MonthlyLogTest, WritesTheLinesOfTheOriginal) {
    MonthlyLog log(m_folder);
    const WallTime november = base::from_unix_milliseconds(kLastSecond * 1000);
    const WallTime december = november + std::chrono::seconds(1);
    ASSERT_TRUE(log.write(Moment::Start, "alice", "192.0.2.7", november));
    ASSERT_TRUE(log.write(Moment::Finish, "alice", "192.0.2.7", december));
    ASSERT_TRUE(log.write(Moment::Start, "bob", "2001:db8::1", december));
    EXPECT_EQ(read("sshfw-202611.log"), "[11/30 23:59:59] alice rhost=192.0.2.7 START\n");
    EXPECT_EQ(read("sshfw-202612.log"),
              "[12/01 00:00:00] alice rhost=192.0.2.7 FINISH\n"
              "[12/01 00:00:00] bob rhost=2001:db8::1 START\n");
}

TEST_F(MonthlyLogTest, NobodyForgesALine) {
    const WallTime when = base::from_unix_milliseconds(kLastSecond * 1000);
    EXPECT_EQ(MonthlyLog::line(Moment::Start, "eve\n[11/30 23:59:59] root rhost=::1 START", "1.2.3.4 FINISH", when),
              "[11/30 23:59:59] eve__11_30_23:59:59__root_rhost_::1_START rhost=1.2.3.4_FINISH START\n");
    EXPECT_EQ(MonthlyLog::line(Moment::Finish, "", "", when), "[11/30 23:59:59] - rhost=- FINISH\n");
    EXPECT_EQ(MonthlyLog::line(Moment::Start, "\xe3\x81\x82\x1b[2J", "::1", when), "[11/30 23:59:59] _____2J rhost=::1 START\n");
}

TEST_F(MonthlyLogTest, LinesOfManyThreadsStayWhole) {
    MonthlyLog log(m_folder + "/made/on/demand");
    const WallTime when = base::from_unix_milliseconds(kLastSecond * 1000);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 500; ++i) {
                EXPECT_TRUE(log.write(i % 2 == 0 ? Moment::Start : Moment::Finish, "user" + std::to_string(t), "::1", when));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    std::istringstream all(read("made/on/demand/sshfw-202611.log"));
    const std::string two = "[0-9][0-9]";
    const std::string form = "\\[" + two + "/" + two + " " + two + ":" + two + ":" + two + "\\] user[0-9] rhost=::1 (START|FINISH)";
    int count = 0;
    for (std::string line; std::getline(all, line); ++count) ASSERT_THAT(line, ::testing::MatchesRegex(form));
    EXPECT_EQ(count, 2000);
}

TEST_F(MonthlyLogTest, AFileThatWasMovedAwayIsBegunAnew) {
    MonthlyLog log(m_folder);
    const WallTime when = base::from_unix_milliseconds(kLastSecond * 1000);
    ASSERT_TRUE(log.write(Moment::Start, "alice", "::1", when));
    std::filesystem::rename(m_folder + "/sshfw-202611.log", m_folder + "/old.log");
    std::this_thread::sleep_for(MonthlyLog::kKeptOpen);
    ASSERT_TRUE(log.write(Moment::Start, "bob", "::1", when));
    EXPECT_EQ(read("old.log"), "[11/30 23:59:59] alice rhost=::1 START\n");
    EXPECT_EQ(read("sshfw-202611.log"), "[11/30 23:59:59] bob rhost=::1 START\n");
}

TEST_F(MonthlyLogTest, SaysWhyItCannotWrite) {
    MonthlyLog log("/proc/nowhere");
    const auto result = log.write(Moment::Start, "alice", "::1", std::chrono::system_clock::now());
    ASSERT_FALSE(result.has_value());
    EXPECT_NE(result.error().detail.find("/proc/nowhere/sshfw-"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::notify
