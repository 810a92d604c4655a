// The pauses between looks.
#include "shipping/shipping.h"

#include <gtest/gtest.h>

namespace sekisho::shipping {
namespace {

using namespace std::chrono_literals;

TEST(ShippingPauseTest, GrowsWithEachFailureAndNeverBeyondThePeriod) {
    for (int i = 0; i < 100; ++i) {
        const Duration usual = Shipping::pause(300s, 0);
        EXPECT_LE(usual, 300s);
        EXPECT_GE(usual, 270s);
        Duration before = 0s;
        for (unsigned failures = 1; failures < 6; ++failures) {
            const Duration pause = Shipping::pause(300s, failures);
            EXPECT_GT(pause, before);
            EXPECT_LE(pause, 5s * (1 << (failures - 1)));
            before = pause;
        }
        EXPECT_LE(Shipping::pause(300s, 1000), 300s);
        EXPECT_LE(Shipping::pause(1s, 7), 1s);
    }
}

}  // namespace
}  // namespace sekisho::shipping
