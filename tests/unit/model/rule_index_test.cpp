// The indexes of rules find what trying every rule finds.
#include "model/rule_index.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace sekisho::model {
namespace {

using Positions = std::vector<std::uint32_t>;

TEST(RuleSetTest, FirstUnionIntersectionAndRest) {
    RuleSet odd(200), high(200);
    for (std::uint32_t i = 1; i < 200; i += 2) odd.add(i);
    for (std::uint32_t i = 150; i < 200; ++i) high.add(i);
    EXPECT_EQ(odd.first(), 1U);
    EXPECT_EQ((odd & high).first(), 151U);
    EXPECT_EQ((high - odd).first(), 150U);
    EXPECT_EQ((odd & high).positions().size(), 25U);
    EXPECT_TRUE(odd.meets(high));
    EXPECT_FALSE((odd - high).meets(high));
    EXPECT_TRUE((high - high).empty());
    EXPECT_FALSE(RuleSet().first());
    odd |= high;
    EXPECT_EQ(odd.positions().size(), 125U);
}

TEST(RuleListTest, BothFormsHoldTheSame) {
    for (const std::uint32_t step : {1U, 2U, 7U, 63U, 64U, 500U}) {
        RuleList list;
        Positions wanted;
        for (std::uint32_t i = 0; i < 1000; i += step) {
            list.add(i);
            list.add(i);
            wanted.push_back(i);
        }
        list.pack(1000);
        RuleSet found(1000);
        list.add_to(found);
        EXPECT_EQ(found.positions(), wanted) << step;
    }
}

TEST(PatternIndexTest, FindsWhatTryingEveryPatternFinds) {
    std::mt19937 random(7);
    const auto text_of = [&](std::string_view letters, std::size_t most) {
        std::string text;
        for (std::size_t left = random() % (most + 1); left > 0; --left) text += letters[random() % letters.size()];
        return text;
    };
    std::size_t hits = 0;
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> patterns;
        PatternIndex index;
        for (std::uint32_t i = 0; i < 40; ++i) {
            patterns.push_back(text_of("ab*?", 5));
            index.add(patterns.back(), i);
        }
        index.pack(patterns.size());
        for (int asked = 0; asked < 40; ++asked) {
            const std::string text = text_of("ab*", 6);
            RuleSet found(patterns.size());
            index.find(text, found);
            Positions wanted;
            for (std::uint32_t i = 0; i < patterns.size(); ++i) {
                if (matches_pattern(patterns[i], text)) wanted.push_back(i);
            }
            EXPECT_EQ(found.positions(), wanted) << text;
            hits += wanted.size();
        }
    }
    EXPECT_GT(hits, 10'000U);
}

TEST(NetworkMapTest, FindsEveryNetworkAroundAnAddress) {
    NetworkMap<int> map;
    const auto put = [&](const char* network, int value) { map[*base::Network::parse(network)] = value; };
    put("0.0.0.0/0", 1);
    put("10.0.0.0/8", 2);
    put("10.1.2.0/23", 3);
    put("10.1.2.3", 4);
    put("::/0", 5);
    put("2001:db8::/33", 6);
    put("2001:db8::1", 7);
    const auto around = [&](const char* address) {
        std::vector<int> found;
        map.each(*base::Address::parse(address), [&](int value) { found.push_back(value); });
        std::sort(found.begin(), found.end());
        return found;
    };
    EXPECT_EQ(around("10.1.2.3"), (std::vector{1, 2, 3, 4}));
    EXPECT_EQ(around("10.1.3.255"), (std::vector{1, 2, 3}));
    EXPECT_EQ(around("10.1.4.0"), (std::vector{1, 2}));
    EXPECT_EQ(around("11.1.2.3"), (std::vector{1}));
    EXPECT_EQ(around("2001:db8::1"), (std::vector{5, 6, 7}));
    EXPECT_EQ(around("2001:db8:8000::1"), (std::vector{5}));
}

TEST(RuleIndexTest, AWordThatCannotBeReadContentsNoRequest) {
    Rule rule{.name = "r", .users = {"*"}, .forward = {"*:443", "nonsense"}};
    rule.when.from = {"10.0.0.1/8"};
    rule.when.hours = "always";
    const RuleIndex index({rule});
    EXPECT_TRUE(index.forwarding_to(*ForwardHost::parse("nonsense"), 443).empty());
    EXPECT_TRUE(index.from(base::Address::parse("10.0.0.1")).empty());
    EXPECT_TRUE(index.open_at(WallTime()).empty());
    EXPECT_TRUE(RuleIndex({}).of_user({.name = "alice"}).empty());
}

}  // namespace
}  // namespace sekisho::model
