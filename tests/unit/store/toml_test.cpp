#include "store/toml.h"

#include <gtest/gtest.h>

namespace sekisho::store {
namespace {

TEST(Toml, ReadsWhatIsWritten) {
    const auto table = parse_toml("name = \"関所\"\nwhen = 2027-12-31T23:59:59Z\n[[a]]\nb = [1, 2]\n");
    ASSERT_TRUE(table.has_value()) << table.error().text;
    EXPECT_EQ(table->at_path("name").value<std::string>(), "関所");
    EXPECT_EQ(table->at_path("a[0].b[1]").value<int>(), 2);
}

TEST(Toml, SaysInWhichLineItIsWrong) {
    const auto line = [](std::string_view text) {
        const auto table = parse_toml(text);
        return table ? 0U : table.error().line;
    };
    EXPECT_EQ(line("a = 1\nb = \n"), 2U);
    EXPECT_EQ(line("a = 1\n\n[ = x"), 3U);  // the guard
    // The parser's own assertions (found by fuzz/texts).
    EXPECT_EQ(line("a = 1\nexpires = 2027-12-31Tx\nb = 2\n"), 2U);
    EXPECT_EQ(line("expires = 2027-12-31Te/Berl23:59:59+09:00\n"), 1U);
    EXPECT_EQ(line("\n\nexpires = 2027-12-31Tx"), 3U);
}

}  // namespace
}  // namespace sekisho::store
