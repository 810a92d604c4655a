#include "crypto/random.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace sekisho::crypto {
namespace {

using Sixteen = std::array<std::byte, 16>;

Sixteen sixteen() {
    Sixteen bytes{};
    system_random().fill(bytes);
    return bytes;
}

TEST(SystemRandom, NothingIsHandedOutTwice) {
    std::set<Sixteen> seen;
    for (int i = 0; i < 5000; ++i) EXPECT_TRUE(seen.insert(sixteen()).second);
}

TEST(SystemRandom, AnyLengthIsFilled) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{65}, std::size_t{100'000}}) {
        std::vector<std::byte> one(size), other(size);
        system_random().fill(one);
        system_random().fill(other);
        if (size >= 16) {
            EXPECT_NE(one, other);
        }
    }
}

TEST(SystemRandom, AForkedProcessDoesNotDrawItsParentsBytes) {
    (void)sixteen();  // what is drawn ahead now is in both processes
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const Sixteen bytes = sixteen();
        ::_exit(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) ? 0 : 1);
    }
    const Sixteen ours = sixteen();
    Sixteen theirs{};
    EXPECT_EQ(::read(ends[0], theirs.data(), theirs.size()), static_cast<ssize_t>(theirs.size()));
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_NE(ours, theirs);
    for (const int end : ends) ::close(end);
}

}  // namespace
}  // namespace sekisho::crypto
