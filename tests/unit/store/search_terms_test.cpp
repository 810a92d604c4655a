#include "store/search_terms.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sekisho::store::test {
namespace {

bool leads_to(std::string_view word, std::string_view text) {
    const Terms sought = terms_sought(word);
    return !sought.empty() && std::ranges::includes(terms_of(text), sought);
}

TEST(SearchTermsTest, PiecesOfATextAreFound) {
    const std::string_view text = "sudo rm -rf /var/lib/MySQL && systemctl restart nginx";
    for (const std::string_view word :
        {"rm -rf", "RM", "mysql", "ysq", "/var/lib", "systemctl restart nginx", "nginx", "l", "&&", "- r"}) {
        EXPECT_EQ(leads_to(word, text), word != "l" && word != "- r") << word;
    }
    EXPECT_FALSE(leads_to("apache", text));
    EXPECT_TRUE(leads_to(text, text));
}

TEST(SearchTermsTest, TwoLettersBeginAWord) {
    EXPECT_TRUE(leads_to("ls", "ls -l"));
    EXPECT_TRUE(leads_to("ls", "/bin/ls -l"));
    EXPECT_TRUE(leads_to("ls", "lsof"));
    EXPECT_FALSE(leads_to("ls", "false"));
    EXPECT_TRUE(leads_to("w", "w"));
    EXPECT_FALSE(leads_to("w", "who"));
}

TEST(SearchTermsTest, JapaneseIsFoundByOneCharacterAndMore) {
    const std::string_view text = "cp 障害報告書.txt /共有/";
    for (const std::string_view word : {"障害", "報告書", "害報告", "書", "共有", "書.", "障害報告書.txt"})
        EXPECT_TRUE(leads_to(word, text)) << word;
    for (const std::string_view word : {"害障", "告", "議事録"}) EXPECT_EQ(leads_to(word, text), word == "告") << word;
}

TEST(SearchTermsTest, NothingSaysNothing) {
    EXPECT_TRUE(terms_sought("").empty());
    EXPECT_FALSE(looked_at_again("ls"));
    EXPECT_TRUE(looked_at_again("lsof"));
    EXPECT_EQ(terms_of("\xff\xc0"), terms_of("\xff\xc0"));
    EXPECT_LE(terms_sought(std::string(100000, 'x') + "y").size(), 17U);
}

TEST(SearchTermsTest, FactsAreWhole) {
    EXPECT_EQ(fact_term('u', "alice"), fact_term('u', "alice"));
    EXPECT_NE(fact_term('u', "alice"), fact_term('u', "alic"));
    EXPECT_NE(fact_term('u', "alice"), fact_term('l', "alice"));
}

}  // namespace
}  // namespace sekisho::store::test
