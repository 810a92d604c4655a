// What strangers may: penalties of source networks, bounds of connections that are not signed in, and the words for those who are
// turned away. Time and dice are handed in.
#include <gtest/gtest.h>

#include "gateway/doorkeeper.h"
#include "gateway/source_penalties.h"
#include "gateway/start_limits.h"

namespace sekisho::gateway {
namespace {

using namespace std::chrono_literals;
using Verdict = SourcePenalties::Verdict;
using Why = SourcePenalties::Why;

base::Address address(std::string_view text) { return *base::Address::parse(text); }

class Penalties : public ::testing::Test {
protected:
    Penalties() { set(); }
    void set() { m_penalties.set(m_rules); }
    Verdict judge(std::string_view from) { return m_penalties.judge(address(from), m_now); }
    std::optional<SourcePenalties::Penalty> add(std::string_view from, Why why = Why::AuthFail) {
        return m_penalties.add(address(from), why, m_now);
    }

    SourcePenalties::Rules m_rules{.costs = {1s, 5s, 10s, 20s},
        .least = 15s,
        .most = 600s,
        .sources = 4,
        .deny_all = false,
        .blocks = {},
        .exempt = {}};
    SourcePenalties m_penalties;
    TimePoint m_now{std::chrono::hours(1)};
};

TEST_F(Penalties, GatherUntilTheThresholdAndEndByThemselves) {
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(add("192.0.2.1")) << i;  // 15 s: not more than the threshold
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Welcome);
    const auto begun = add("192.0.2.1");
    ASSERT_TRUE(begun);
    EXPECT_EQ(begun->block.text(), "192.0.2.1/32");
    EXPECT_EQ(begun->left, 20s);
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Penalised);
    EXPECT_EQ(judge("192.0.2.2"), Verdict::Welcome);
    EXPECT_FALSE(add("192.0.2.1")) << "begins once, then it only lasts longer";
    m_now += 25s - 1ms;
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Penalised) << "enforced to its end, also below the threshold";
    m_now += 1ms;
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Welcome);
    EXPECT_EQ(m_penalties.size(), 0u) << "what has ended is forgotten";
}

TEST_F(Penalties, TimeTakesThemAwayAgain) {
    for (int i = 0; i < 50; ++i) {
        EXPECT_FALSE(add("192.0.2.1")) << "one refused attempt in five seconds never gathers";
        m_now += 5s;
    }
}

TEST_F(Penalties, EachReasonCostsWhatTheRulesSayAndTheMostIsTheMost) {
    EXPECT_TRUE(add("192.0.2.1", Why::Root));
    EXPECT_FALSE(add("192.0.2.2", Why::GraceExceeded));
    EXPECT_TRUE(add("192.0.2.2", Why::GraceExceeded));
    for (int i = 0; i < 15; ++i) EXPECT_FALSE(add("192.0.2.3", Why::NoAuth));
    EXPECT_TRUE(add("192.0.2.3", Why::NoAuth));
    for (int i = 0; i < 100; ++i) add("192.0.2.1", Why::Root);
    EXPECT_EQ(m_penalties.list(m_now, 10).front().left, 600s);
    m_rules.costs[static_cast<std::size_t>(Why::NoAuth)] = 0s;
    set();
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(add("192.0.2.9", Why::NoAuth));
}

TEST_F(Penalties, ANetworkIsOneSource) {
    EXPECT_TRUE(add("2001:db8:1:2::1", Why::Root));
    EXPECT_EQ(judge("2001:db8:1:2:ffff:ffff:ffff:ffff"), Verdict::Penalised);
    EXPECT_EQ(judge("2001:db8:1:3::1"), Verdict::Welcome);
    EXPECT_TRUE(add("192.0.2.77", Why::Root));
    EXPECT_EQ(judge("::ffff:192.0.2.77"), Verdict::Penalised) << "IPv4 in IPv6 is IPv4";
    m_rules.blocks = {.v4 = 24, .v6 = 48};
    set();
    EXPECT_EQ(m_penalties.size(), 0u);
    EXPECT_EQ(add("192.0.2.77", Why::Root)->block.text(), "192.0.2.0/24");
    EXPECT_EQ(add("2001:db8:1:2::1", Why::Root)->block.text(), "2001:db8:1::/48");
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Penalised);
}

TEST_F(Penalties, TheExemptEarnNoneAlsoAfterwards) {
    EXPECT_TRUE(add("192.0.2.1", Why::Root));
    m_rules.exempt = {*base::Network::parse("192.0.2.0/24")};
    set();
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Welcome);
    EXPECT_FALSE(add("192.0.2.2", Why::Root));
    EXPECT_FALSE(add("::ffff:192.0.2.2", Why::Root));
    EXPECT_TRUE(add("198.51.100.1", Why::Root));
}

TEST_F(Penalties, ASweepOfAddressesIsBoundedAndForgivesTheFirstToEnd) {
    EXPECT_TRUE(add("2001:db8::1", Why::Root));
    EXPECT_TRUE(add("192.0.2.1", Why::Root));
    for (int i = 0; i < 100; ++i) add("2001:db8:0:" + std::to_string(i + 1) + "::1", Why::NoAuth);
    EXPECT_EQ(m_penalties.size(), 5u) << "four of IPv6, and the one of IPv4";
    EXPECT_EQ(judge("2001:db8::1"), Verdict::Penalised) << "the longest outlasts the sweep";
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Penalised);
    EXPECT_EQ(judge("2001:db8:0:100::1"), Verdict::Welcome);
}

TEST_F(Penalties, DenyAllTurnsEverybodyOfThatFamilyAwayUntilThereIsRoom) {
    m_rules.deny_all = true;
    m_rules.exempt = {*base::Network::parse("2001:db8:ffff::/48")};
    set();
    for (int i = 0; i < 10; ++i) add("2001:db8:0:" + std::to_string(i) + "::1", Why::AuthFail);
    EXPECT_EQ(m_penalties.size(), 4u);
    EXPECT_EQ(judge("2001:db8:0:1234::1"), Verdict::Overflow);
    EXPECT_EQ(judge("2001:db8:ffff::1"), Verdict::Welcome);
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Welcome);
    m_now += 5s;
    EXPECT_EQ(judge("2001:db8:0:1234::1"), Verdict::Welcome);
}

TEST_F(Penalties, ZeroAsTheMostIsOff) {
    EXPECT_TRUE(add("192.0.2.1", Why::Root));
    m_rules.most = 0s;
    set();
    EXPECT_EQ(judge("192.0.2.1"), Verdict::Welcome);
    EXPECT_FALSE(add("192.0.2.2", Why::Root));
}

SourceBlock block(std::string_view from) { return block_of(address(from), {}); }

TEST(StartLimits, OfAllAndOfOneSource) {
    StartLimits limits;
    limits.set({.drop_from = 4, .drop_percent = 50, .most = 8, .most_per_source = 3});
    using V = StartLimits::Verdict;
    for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.begin(block("192.0.2.1"), 0), V::Welcome);
    EXPECT_EQ(limits.begin(block("192.0.2.1"), 0), V::SourceFull);
    EXPECT_EQ(limits.begin(block("192.0.2.2"), 0), V::Welcome);
    // 4 of 8: half of them; 6 of 8: three quarters; 8: all.
    EXPECT_EQ(limits.begin(block("192.0.2.2"), 49), V::Full);
    EXPECT_EQ(limits.begin(block("192.0.2.2"), 50), V::Welcome);
    EXPECT_EQ(limits.begin(block("192.0.2.2"), 99), V::Welcome);
    EXPECT_EQ(limits.begin(block("192.0.2.3"), 74), V::Full);
    EXPECT_EQ(limits.begin(block("192.0.2.3"), 75), V::Welcome);
    EXPECT_EQ(limits.begin(block("192.0.2.3"), 99), V::Welcome);
    EXPECT_EQ(limits.begin(block("192.0.2.4"), 99), V::Full);
    EXPECT_EQ(limits.count(), 8u);
    EXPECT_EQ(limits.sources(), 3u);
    limits.end(block("192.0.2.1"));
    EXPECT_EQ(limits.begin(block("192.0.2.1"), 99), V::Welcome);
    for (int i = 0; i < 3; ++i) limits.end(block("192.0.2.1"));
    EXPECT_EQ(limits.sources(), 2u) << "a source without connections is forgotten";
    limits.end(block("192.0.2.1"));
    EXPECT_EQ(limits.count(), 5u) << "what was not begun does not end";
}

class DoorkeeperTest : public ::testing::Test {
protected:
    DoorkeeperTest()
        : m_store(std::move(*store::open_store(":memory:", ""))), m_worker(*m_store), m_door(m_worker, m_refusals) {}

    std::unique_ptr<store::Store> m_store;
    StoreWorker m_worker;
    RefusalBudget m_refusals;
    Doorkeeper m_door;
    TimePoint m_now{std::chrono::hours(1)};
};

TEST_F(DoorkeeperTest, CountsStrangersWhileTheyLiveAndAuditsAPenaltyOnce) {
    model::SshConfig config;
    config.startups = {.drop_from = 2, .drop_percent = 100, .most = 2, .most_per_source = 1};
    m_door.configure(config);
    const net::Endpoint one{"192.0.2.1", 1000};
    {
        auto first = m_door.admit(one, m_now);
        ASSERT_TRUE(std::holds_alternative<Stranger>(first));
        EXPECT_EQ(m_door.strangers(), 1u);
        Stranger moved = std::move(std::get<Stranger>(first));
        EXPECT_EQ(m_door.strangers(), 1u);
        EXPECT_EQ(std::get<TurnedAway>(m_door.admit(one, m_now)), TurnedAway::StartsOfSource);
        auto second = m_door.admit({"192.0.2.2", 1}, m_now);
        EXPECT_EQ(std::get<TurnedAway>(m_door.admit({"192.0.2.3", 1}, m_now)), TurnedAway::Starts);
        moved = Stranger();
        EXPECT_EQ(m_door.strangers(), 1u);
    }
    EXPECT_EQ(m_door.strangers(), 0u);
    for (int i = 0; i < 2; ++i) std::get<Stranger>(m_door.admit(one, m_now)).failed(SourcePenalties::Why::Root, m_now);
    EXPECT_EQ(std::get<TurnedAway>(m_door.admit(one, m_now)), TurnedAway::Penalty);
    ASSERT_EQ(m_door.penalties(m_now).size(), 1u);
    EXPECT_EQ(m_door.penalties(m_now)[0].network, "192.0.2.1/32");
    m_worker.settle();
    const auto records = *m_store->audit_records({.kind = "source.penalised"});
    ASSERT_EQ(records.size(), 1u);
    EXPECT_EQ(records[0].subject, "192.0.2.1/32");
    EXPECT_EQ(records[0].source, "192.0.2.1");
    EXPECT_NE(records[0].reason.find("20s"), std::string::npos) << records[0].reason;
    EXPECT_NE(records[0].reason.find("root"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::gateway
