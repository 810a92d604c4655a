#include "model/activity.h"

#include <gtest/gtest.h>

namespace sekisho::model::test {
namespace {

constexpr Indexed kNothing{};

TEST(ActivityTest, WithoutAWordWhatIsReadableAnywayIsFoundAndNothingThatWasTyped) {
    for (const RecordLevel level : {RecordLevel::Full, RecordLevel::Commands}) {
        EXPECT_EQ(indexed({}, level, false), (Indexed{.exec = true, .typed = false, .files = true}));
        EXPECT_EQ(indexed({}, level, true), kNothing);
    }
    EXPECT_EQ(indexed({}, RecordLevel::Metadata, false), kNothing);
}

TEST(ActivityTest, TheRulesWordCounts) {
    for (const bool sealed : {false, true}) {
        EXPECT_EQ(indexed(Indexing{.commands = true}, RecordLevel::Full, sealed), (Indexed{.exec = true, .typed = true}));
        EXPECT_EQ(indexed(Indexing{.files = true}, RecordLevel::Full, sealed), (Indexed{.files = true}));
        EXPECT_EQ(indexed(Indexing{}, RecordLevel::Full, sealed), kNothing);
    }
}

TEST(ActivityTest, IndexWordsComeBackAsTheyWere) {
    for (const std::optional<Indexing>& one : {std::optional<Indexing>{}, std::optional(Indexing{}),
             std::optional(Indexing{.files = true}), std::optional(Indexing{.commands = true, .files = true})}) {
        std::optional<Indexing> back;
        for (const std::string& word : index_words(one)) {
            EXPECT_TRUE(is_index_word(word));
            add_index_word(back, word);
        }
        EXPECT_EQ(back, one);
    }
}

TEST(ActivityTest, HowACommandRanHasAName) {
    EXPECT_EQ(parse_command_how(name(CommandHow::Typed)), CommandHow::Typed);
    EXPECT_EQ(parse_command_how(name(CommandHow::Exec)), CommandHow::Exec);
    EXPECT_FALSE(parse_command_how("screen"));
}

}  // namespace
}  // namespace sekisho::model::test
