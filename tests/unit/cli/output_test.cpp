#include <gtest/gtest.h>

#include "cli/command.h"
#include "cli/gateway_call.h"

namespace sekisho::cli {
namespace {

TEST(PrintableTest, NothingDrivesTheTerminal) {
    EXPECT_EQ(printable("plain ü 関所"), "plain ü 関所");
    EXPECT_EQ(printable("a\x1b[2Jb\n\x7f"), "a\\x1b[2Jb\\x0a\\x7f");
    EXPECT_EQ(printable("\u009b31m"), "\\x9b31m");         // CSI in one C1 character
    EXPECT_EQ(printable("a\u202ecod"), "a\\x202ecod");     // turns the direction
    EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(TableTest, ColumnsStandUnderEachOtherInWideTextToo) {
    testing::internal::CaptureStdout();
    print_table({"NAME", "X"}, {{"関所", "1"}, {"a", "2"}});
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "NAME  X\n関所  1\na     2\n");
}

TEST(QueryTest, ValuesAreEncodedAndEmptyOnesLeftOut) {
    EXPECT_EQ(with_query("/v1/x", {{"a", "b c&d"}, {"e", ""}, {"f", "1"}}), "/v1/x?a=b%20c%26d&f=1");
    EXPECT_EQ(with_query("/v1/x", {{"a", ""}}), "/v1/x");
}

TEST(JsonViewTest, ReadsWhatIsThereAndNothingElse) {
    const auto json =
        JsonView::parse(R"({"a": "x", "n": 5, "f": true, "l": [{"a": "y"}, 3], "t": ["p", 1], "o": {"k": "v", "n": 1}})");
    ASSERT_TRUE(json);
    EXPECT_EQ(json->text("a"), "x");
    EXPECT_EQ(json->text("n"), "");
    EXPECT_EQ(json->number("n"), 5U);
    EXPECT_EQ(json->number("a"), 0U);
    EXPECT_TRUE(json->flag("f"));
    ASSERT_EQ(json->list("l").size(), 2U);
    EXPECT_EQ(json->list("l")[0].text("a"), "y");
    EXPECT_EQ(json->list("l")[1].text("a"), "");
    EXPECT_EQ(json->texts("t"), (std::vector<std::string>{"p"}));
    EXPECT_EQ(json->pairs("o").size(), 1U);
    EXPECT_EQ(json->at("o").text("k"), "v");
    EXPECT_EQ(json->at("none").text("k"), "");
    EXPECT_FALSE(JsonView::parse("{"));
}

}  // namespace
}  // namespace sekisho::cli
