#include "model/contents.h"

#include <gtest/gtest.h>

namespace sekisho::model {
namespace {

TEST(Contents, AreReadAsTheyAreWritten) {
    EXPECT_TRUE(parse_contents("full")->all());
    EXPECT_EQ(parse_contents("digest")->most, 0U);
    EXPECT_EQ(parse_contents("first 64 KiB")->most, 65536U);
    EXPECT_EQ(parse_contents("first 1 B")->most, 1U);
    EXPECT_EQ(parse_contents("first 1024 MiB")->most, 1024ULL * 1024 * 1024);
    for (const std::string_view same : {"full", "digest", "first 64 KiB", "first 3 MiB", "first 1000 B"})
        EXPECT_EQ(contents_text(*parse_contents(same)), same);
    EXPECT_EQ(contents_text(*parse_contents("first 1024 KiB")), "first 1 MiB");
}

TEST(Contents, WhatIsNotClearIsNone) {
    for (const std::string_view wrong : {"", "none", "first", "first ", "first 0 KiB", "first -1 KiB", "first 64",
             "first 64KiB", "first 64 KB", "first 1025 MiB", "first 18446744073709551616 B", "first 64 KiB ", "digest "})
        EXPECT_FALSE(parse_contents(wrong)) << wrong;
}

}  // namespace
}  // namespace sekisho::model
