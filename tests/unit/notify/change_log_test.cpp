// The exact lines of the log of user changes.
#include "notify/change_log.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

namespace sekisho::notify {
namespace {

TEST(ChangeLogTest, WritesTheLinesOfTheOldBastion) {
    RecordProperty("row", "B5");
    const char* zone = ::getenv("TZ");
    const std::optional<std::string> before = zone ? std::optional<std::string>(zone) : std::nullopt;
    ::setenv("TZ", "Asia/Tokyo", 1);
    ::tzset();
    const WallTime when = std::chrono::system_clock::from_time_t(1488754502);  // 2017-03-06 07:55:02 in Japan
    std::string name = (std::filesystem::temp_directory_path() / "sekisho-changes-XXXXXX").string();
    const std::string folder = ::mkdtemp(name.data());
    const ChangeLog log(folder + "/users_changelog.txt");
    using enum ChangeLog::Change;
    ASSERT_TRUE(log.write(ChangeLog::line(Created, "sshuser", "public-keys/sshuser.pub", when)));
    ASSERT_TRUE(log.write(ChangeLog::line(Removed, "sshuser", "public-keys/sshuser.pub", when + std::chrono::minutes(65)) +
                          ChangeLog::line(Removed, "x", "a\nb/x.pub", when)));
    std::ifstream file(folder + "/users_changelog.txt");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text,
        "2017-03-06 07-55-02: Creating user account for sshuser (public-keys/sshuser.pub)\n"
        "2017-03-06 09-00-02: Removing user account for sshuser (public-keys/sshuser.pub)\n"
        "2017-03-06 07-55-02: Removing user account for x (a_b/x.pub)\n");
    std::filesystem::remove_all(folder);
    EXPECT_FALSE(log.write("x\n"));
    before ? ::setenv("TZ", before->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
}

}  // namespace
}  // namespace sekisho::notify
