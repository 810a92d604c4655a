// Steps of the user CA as the admin thread waits for them: answers, refusals, and a gateway that goes down meanwhile.
#include "gateway/ca_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "keyholder/messages.h"
#include "keys/private_key.h"

namespace sekisho::gateway {
namespace {

using model::CaStep;
using testing::HasSubstr;

keys::PublicKey some_key() { return keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key(); }

TEST(CaControl, WhatTheKeyholderHasAsLines) {
    CaControl ca;
    EXPECT_EQ(ca.lines().text(), "");
    const auto first = some_key();
    ca.has({base::to_bytes(first.blob()), {}, {}});
    EXPECT_EQ(ca.lines().text(), first.line("sekisho user CA") + "\n");

    const auto second = some_key();
    const keyholder::UserCaKeys both{base::to_bytes(second.blob()), {}, base::to_bytes(first.blob())};
    std::thread loop;
    const auto changed = ca.change(CaStep::Activate, [&](CaStep step, std::function<void(Result<Bytes>)> done) {
        EXPECT_EQ(step, CaStep::Activate);
        loop = std::thread([both, done] { done(keyholder::encode(both)); });
    });
    loop.join();
    ASSERT_TRUE(changed.has_value()) << changed.error().full();
    EXPECT_EQ(changed->signing, second.line("sekisho user CA"));
    EXPECT_EQ(ca.lines().text(), second.line("sekisho user CA") + "\n" + first.line("sekisho user CA") + "\n");

    const auto refused = ca.change(CaStep::Publish, [](CaStep, const auto& done) { done(fail("not now")); });
    EXPECT_EQ(refused.error().text, "not now");
    EXPECT_EQ(ca.lines().signing, second.line("sekisho user CA"));
    EXPECT_FALSE(ca.change(CaStep::Publish, [](CaStep, const auto& done) { done(Bytes(3)); }).has_value());
}

TEST(CaControl, NobodyWaitsForAGatewayThatGoesDown) {
    CaControl ca;
    std::promise<std::function<void(Result<Bytes>)>> asked;
    std::thread stopping([&] {
        const auto late = asked.get_future().get();
        ca.stop();
        late(Bytes());  // the answer comes all the same, and to nobody
    });
    const auto changed =
        ca.change(CaStep::Publish, [&](CaStep, std::function<void(Result<Bytes>)> done) { asked.set_value(done); });
    stopping.join();
    EXPECT_THAT(changed.error().text, HasSubstr("going down"));
    EXPECT_THAT(ca.change(CaStep::Publish, [](CaStep, const auto&) { FAIL(); }).error().text, HasSubstr("going down"));
}

}  // namespace
}  // namespace sekisho::gateway
