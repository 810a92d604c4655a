// Which streams are let rest: those that pour, never a dialogue.
#include "net/pacer.h"

#include <gtest/gtest.h>

namespace sekisho::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPacket = 4096;

/// Reads of `size` bytes, `apart` from each other, each answered with `answer` bytes; how many of them asked for a rest.
int rests(int reads, std::size_t size, Duration apart, std::size_t answer, bool full = false) {
    Pace pace;
    TimePoint now{1h};
    int count = 0;
    for (int i = 0; i < reads; ++i) {
        now += apart;
        if (pace.read(size, full, now)) ++count;
        pace.sent(answer);
    }
    return count;
}

TEST(Pace, AStreamThatPoursRestsAfterAWhile) {
    EXPECT_EQ(rests(16, kPacket, 100us, 0), 0);
    EXPECT_GT(rests(100, kPacket, 100us, 0), 80);
    EXPECT_GT(rests(100, kPacket, 100us, 44), 80);  // window adjusts are no dialogue
}

TEST(Pace, ADialogueNeverRests) {
    EXPECT_EQ(rests(1000, kPacket, 100us, 1000), 0);
    EXPECT_EQ(rests(1000, 100, 100us, 0), 0);       // keystrokes
    EXPECT_EQ(rests(1000, kPacket, 20ms, 0), 0);    // slow
    EXPECT_EQ(rests(1000, 40, 100us, 40), 0);       // echoes
    EXPECT_EQ(rests(1000, 68, 100us, 65 * 1024), 0);  // sftp, one request after the other
}

TEST(Pace, AReadThatLeftSomethingBehindIsFollowedByTheNext) {
    EXPECT_EQ(rests(1000, 256 * 1024, 100us, 0, true), 0);
}

TEST(Pace, WindowAdjustsOfAPeerThatIsPouredUponRest) {
    EXPECT_GT(rests(100, 36, 100us, 200 * 1024), 80);
    EXPECT_EQ(rests(100, 36, 20ms, 200 * 1024), 0);
    EXPECT_EQ(rests(100, 36, 100us, 4096), 0);
}

TEST(Pace, AnAnswerEndsTheRest) {
    Pace pace;
    TimePoint now{1h};
    bool rest = false;
    for (int i = 0; i < 50; ++i) rest = pace.read(kPacket, false, now += 100us);
    EXPECT_TRUE(rest);
    pace.sent(5000);
    EXPECT_FALSE(pace.read(kPacket, false, now += 100us));
}

}  // namespace
}  // namespace sekisho::net
