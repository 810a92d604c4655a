#include "base/toml_header.h"

#include <gtest/gtest.h>

namespace sekisho::base {
namespace {

TEST(TomlHeader, FindsTheLineWithoutAName) {
    for (const char* good : {"", "[a]", "[[a]]", "  [ a ]\n[ \"b\" ]\n", "x = [\n  1, 2\n]\n", "[]", "[['q']]\n", "a = '[ ='\n"}) {
        EXPECT_FALSE(nameless_table_line(good).has_value()) << good;
    }
    // Found by fuzz/texts: undefined behaviour in the parser.
    EXPECT_EQ(nameless_table_line("\n[ = \"alice\"\n"), 2U);
    EXPECT_EQ(nameless_table_line("[[ = 1"), 1U);
    EXPECT_EQ(nameless_table_line("[[[a"), 1U);
    EXPECT_EQ(nameless_table_line("a = 1\n\t[\n"), 2U);
    EXPECT_EQ(nameless_table_line("\xef\xbb\xbf[#]"), 1U);
    EXPECT_EQ(nameless_table_line("[\xc2\xa0x]"), 1U);
}

}  // namespace
}  // namespace sekisho::base
