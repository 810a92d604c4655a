#include <gtest/gtest.h>

#include "sftp/paths.h"

namespace sekisho::sftp {
namespace {

TEST(Paths, NormalPathsAreWhatIsWrittenWithoutDots) {
    EXPECT_EQ(normal_path("/home/alice", ""), "/home/alice");
    EXPECT_EQ(normal_path("/home/alice", "."), "/home/alice");
    EXPECT_EQ(normal_path("/home/alice", "a//./b/../c/"), "/home/alice/a/c");
    EXPECT_EQ(normal_path("/home/alice", "../../../../etc"), "/etc");
    EXPECT_EQ(normal_path("/home/alice", "..//"), "/home");
    EXPECT_EQ(normal_path("/home/alice", "/.."), "/");
    EXPECT_EQ(normal_path("/", "x"), "/x");
    EXPECT_EQ(normal_path("/h", "..."), "/h/...");
}

TEST(Paths, OnlyOneSpellingIsReal) {
    for (const char* real : {"/", "/a", "/a/b", "/a/..b", "/ä\xff"}) EXPECT_TRUE(is_real_path(real)) << real;
    for (const char* other : {"", "a", "/a/", "//", "//a", "/a//b", "/a/./b", "/..", "/a/../b", "."})
        EXPECT_FALSE(is_real_path(other)) << other;
    EXPECT_FALSE(is_real_path(std::string_view("/a\0b", 4)));
}

TEST(Paths, TheLastNameIsSplitOff) {
    const auto split = [](const char* path) {
        const Split one = split_path(path);
        return one.folder + "|" + one.name;
    };
    EXPECT_EQ(split("a"), ".|a");
    EXPECT_EQ(split("/a"), "/|a");
    EXPECT_EQ(split("x/../a//"), "x/../|a");
    EXPECT_EQ(split(""), ".|");
    EXPECT_EQ(split("/"), "/|");
    EXPECT_EQ(split("a/.."), "a/..|");
    EXPECT_EQ(split("a/../"), "a/..|");
    EXPECT_EQ(split("a/."), "a/.|");
}

TEST(Paths, PatternsReach) {
    const PathPatterns patterns({"/srv/data/**", "/home/*/up?oad/*.csv", "/etc/motd"});
    const auto reach = [&](const char* path) { return patterns.reach(path); };
    EXPECT_EQ(reach("/"), Reach::OnTheWay);
    EXPECT_EQ(reach("/srv"), Reach::OnTheWay);
    EXPECT_EQ(reach("/srv/data"), Reach::Folder);
    EXPECT_EQ(reach("/srv/data/x"), Reach::Under);
    EXPECT_EQ(reach("/srv/data/x/y/z"), Reach::Under);
    EXPECT_EQ(reach("/srv/database"), Reach::Out);
    EXPECT_EQ(reach("/srv/dat"), Reach::Out);
    EXPECT_EQ(reach("/srv/DATA/x"), Reach::Out);
    EXPECT_EQ(reach("/home/alice"), Reach::OnTheWay);
    EXPECT_EQ(reach("/home/alice/upload"), Reach::OnTheWay);
    EXPECT_EQ(reach("/home/alice/upload/a.csv"), Reach::Under);
    EXPECT_EQ(reach("/home/alice/upload/a.csv/b"), Reach::Out);
    EXPECT_EQ(reach("/home/alice/upload/a.txt"), Reach::Out);
    EXPECT_EQ(reach("/home/alice/bob/upload/a.csv"), Reach::Out);  // a star does not stand for a slash
    EXPECT_EQ(reach("/etc/motd"), Reach::Under);
    EXPECT_EQ(reach("/etc/motd/x"), Reach::Out);
    EXPECT_EQ(reach("/etc/passwd"), Reach::Out);
    EXPECT_EQ(PathPatterns({"/**"}).reach("/"), Reach::Folder);
    EXPECT_EQ(PathPatterns({"/**"}).reach("/any/thing"), Reach::Under);
}

TEST(Paths, ManyStarsCostLittle) {
    const PathPatterns patterns({"/" + std::string(500, '*') + "b"});
    EXPECT_EQ(patterns.reach("/" + std::string(16000, 'a')), Reach::Out);
}

}  // namespace
}  // namespace sekisho::sftp
