// Pages of ListObjectsV2: what is whole counts, and nothing else does.
#include "s3/listing.h"

#include <gtest/gtest.h>

#include "tests/unit/s3/changed_in.h"

namespace sekisho::s3 {
namespace {

const std::string kPage =
    R"(<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>keys/</Prefix><KeyCount>2</KeyCount>
<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<NextContinuationToken>to+ken/=</NextContinuationToken>
<Contents><Key>keys/a%2Fb.pub</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>"abc"</ETag><Size>81</Size></Contents>
<Contents><Key>keys/alice.pub</Key><ETag>&quot;d&amp;f&quot;</ETag><Size>0</Size><Owner><ID>x</ID></Owner></Contents></ListBucketResult>)";

TEST(ListingTest, ReadsAPage) {
    const auto page = parse_list_page(kPage, "keys/");
    ASSERT_TRUE(page) << page.error().full();
    EXPECT_EQ(page->objects, (std::vector<Object>{{"keys/a/b.pub", "abc", 81}, {"keys/alice.pub", "d&f", 0}}));
    EXPECT_EQ(page->next, "to+ken/=");
}

TEST(ListingTest, TheLastPageHasNoToken) {
    const auto page = parse_list_page(changed_in(kPage, "<IsTruncated>true", "<IsTruncated>false"), "keys/");
    ASSERT_TRUE(page) << page.error().full();
    EXPECT_EQ(page->next, "");
    const auto empty = parse_list_page("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", "keys/");
    ASSERT_TRUE(empty) << empty.error().full();
    EXPECT_TRUE(empty->objects.empty());
}

TEST(ListingTest, KeysAreDecodedOnlyWhereTheServerSaysThatItEncoded) {
    std::string plain = changed_in(kPage, "<EncodingType>url</EncodingType>", "");
    EXPECT_EQ(parse_list_page(plain, "keys/")->objects[0].key, "keys/a%2Fb.pub");
    EXPECT_FALSE(parse_list_page(changed_in(kPage, "url</Enc", "rot13</Enc"), "keys/"));
    EXPECT_FALSE(parse_list_page(changed_in(kPage, "a%2F", "a%zz"), "keys/"));
}

TEST(ListingTest, EveryCutIsAnError) {
    for (std::size_t size = 0; size < kPage.size(); ++size)
        EXPECT_FALSE(parse_list_page(std::string_view(kPage).substr(0, size), "keys/")) << size;
}

TEST(ListingTest, WhatDoesNotSayThatItIsWholeIsAnError) {
    const auto refused = [](const std::string& text) { return !parse_list_page(text, "keys/").has_value(); };
    EXPECT_TRUE(refused(changed_in(kPage, "<NextContinuationToken>to+ken/=</NextContinuationToken>", "")));
    EXPECT_TRUE(refused(changed_in(kPage, "<IsTruncated>true</IsTruncated>", "")));
    EXPECT_TRUE(refused(changed_in(kPage, "<IsTruncated>true", "<IsTruncated>maybe")));
    EXPECT_TRUE(refused(changed_in(kPage, "<KeyCount>2", "<KeyCount>3")));
    EXPECT_TRUE(refused(changed_in(kPage, "<Size>81</Size>", "")));
    EXPECT_TRUE(refused(changed_in(kPage, "<Size>81", "<Size>-1")));
    EXPECT_TRUE(refused(changed_in(kPage, "<Key>keys/alice.pub</Key>", "")));
    EXPECT_TRUE(refused(changed_in(kPage, "<Key>keys/alice", "<Key>other/alice")));
    EXPECT_TRUE(refused("<Error><Code>SlowDown</Code></Error>"));
    EXPECT_TRUE(refused("<html><body>Sign in to this network</body></html>"));
}

TEST(ListingTest, DocumentTypesAndTheirEntitiesAreRefused) {
    std::string bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    EXPECT_FALSE(parse_list_page(bomb + "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", ""));
    EXPECT_FALSE(
        parse_list_page("<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><ListBucketResult><IsTruncated>false</IsTruncated>"
                        "</ListBucketResult>",
            ""));
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "<a>";
    EXPECT_FALSE(parse_list_page(deep, ""));
    EXPECT_FALSE(parse_list_page("<ListBucketResult><Name>" + std::string(100'000, 'x') + "</Name></ListBucketResult>", ""));
}

TEST(ListingTest, OfAnErrorOnlyItsCodeIsTaken) {
    EXPECT_EQ(parse_error_code("<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>ID</AWSAccessKeyId></Error>"),
        "SignatureDoesNotMatch");
    EXPECT_EQ(parse_error_code("<Error><Code>a\nb</Code></Error>"), "");
    EXPECT_EQ(parse_error_code("<html/>"), "");
    EXPECT_EQ(parse_error_code(""), "");
}

}  // namespace
}  // namespace sekisho::s3
