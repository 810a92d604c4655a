#include "base/toml_guard.h"

#include <gtest/gtest.h>

namespace sekisho::base {
namespace {

unsigned line_of_fault(std::string_view text) {
    const auto fault = toml_fault(text);
    return fault ? fault->line : 0;
}

TEST(TomlGuard, FindsTheLineWithoutAName) {
    for (const char* good : {"", "[a]", "[[a]]", "  [ a ]\n[ \"b\" ]\n", "x = [\n  1, 2\n]\n", "[]", "[['q']]\n", "a = '[ ='\n",
                             "a = \"\"\"\n[ = \n\"\"\"\n"}) {
        EXPECT_FALSE(toml_fault(good).has_value()) << good;
    }
    // Found by fuzz/texts: undefined behaviour in the parser.
    EXPECT_EQ(line_of_fault("\n[ = \"alice\"\n"), 2U);
    EXPECT_EQ(line_of_fault("[[ = 1"), 1U);
    EXPECT_EQ(line_of_fault("[[[a"), 1U);
    EXPECT_EQ(line_of_fault("a = 1\n\t[\n"), 2U);
    EXPECT_EQ(line_of_fault("\xef\xbb\xbf[#]"), 1U);
    EXPECT_EQ(line_of_fault("[\xc2\xa0x]"), 1U);
}

TEST(TomlGuard, FindsLettersBeyondAsciiWhereTomlAllowsNone) {
    for (const char* good : {"a = \"関所\" # 関所\n", "\"é\" = 'é'\n[\"é\"]\n", "a = \"\"\"é\n関\"\"\"\n", "a = '''\\é'''\n",
                             "a = '\\é'\n", "a = \"\"\nb = ''\n# é", "a = \"\\\"é\"", "a = \"\"\"\"é\"\"\"\" # é",
                             "a = \"\"\"x\"\"\"\"\"\nb = \"é\"\n", "a = '''x'''''\nb = 'é'\n", "a = \"\"\" \\\n  x é\"\"\"\n",
                             "a = \"\"\"\\\n\\té\"\"\"\n", "a = \"\"\"\\\n\"é\"\"\"\n", "\xef\xbb\xbf" "a = 1\n",
                             "a.\"é\" = {\"é\"='é',b=[\"é\",'é']}\n",
                             "a = {}\nb = []\nc = [{x={\"é\"=1}},\n  [ 'é' ]] # é\n[x.\"é\"]\n[[\"é\"]]\n",
                             "d='é'\r\n\"é\" = 2027-12-31 10:00:00\n"}) {
        EXPECT_FALSE(toml_fault(good).has_value()) << good;
    }
    EXPECT_EQ(line_of_fault("[05.0\xd2\x8f"), 1U);  // found by fuzz/texts
    EXPECT_EQ(line_of_fault("a = 1\nb = é\n"), 2U);
    EXPECT_EQ(line_of_fault("a = \"x\" é\n"), 1U);
    EXPECT_EQ(line_of_fault("a = \"\"\"\n\n\"\"\" é"), 3U);
    EXPECT_EQ(line_of_fault("a = \"\"\"x\"\"\"\"\"é\""), 1U);
    EXPECT_EQ(line_of_fault("a = \"\\é\"\n"), 1U);
    EXPECT_EQ(line_of_fault("a = \"\"\"\\é\"\"\"\n"), 1U);
    EXPECT_EQ(line_of_fault("a = \"\"\"\\ \n\n  é\"\"\"\n"), 3U);
    EXPECT_EQ(line_of_fault("む = 1\n"), 1U);
    // What looks like a text is none here (found by fuzz/texts).
    EXPECT_EQ(line_of_fault("K = 222222'22\xef\xb9\xbf'"), 1U);
    EXPECT_EQ(line_of_fault("K = 2r[\"0.)8\xef\xbb\xb7\""), 1U);
    EXPECT_EQ(line_of_fault("K = [1,\n 2=\"é\"]"), 2U);
    EXPECT_EQ(line_of_fault("a = 1\nb = \"x\"\"é\"\n"), 2U);
}

}  // namespace
}  // namespace sekisho::base
