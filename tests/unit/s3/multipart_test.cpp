// Answers about uploads in parts, as S3's documentation shows them: what is whole counts, and nothing else does.
#include "s3/multipart.h"

#include <gtest/gtest.h>

#include "tests/unit/s3/changed_in.h"

namespace sekisho::s3 {
namespace {

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
TEST(MultipartTest, ReadsTheIdOfAnUpload) {
    const std::string xml = R"(<?xml version="1.0" encoding="UTF-8"?>
<InitiateMultipartUploadResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket><Key>k</Key>
<UploadId>VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA</UploadId></InitiateMultipartUploadResult>)";
    EXPECT_EQ(parse_created_upload(xml).value_or(""), "VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA");
    EXPECT_FALSE(parse_created_upload(xml.substr(0, xml.size() - 5)));
    EXPECT_FALSE(parse_created_upload(changed_in(xml, "VXBsb2Fk", "VXB\nsb2Fk")));
    EXPECT_FALSE(parse_created_upload("<Error><Code>AccessDenied</Code></Error>"));
    EXPECT_FALSE(parse_created_upload("<!DOCTYPE x [<!ENTITY e \"i\">]><InitiateMultipartUploadResult><UploadId>&e;</UploadId>"
                                      "</InitiateMultipartUploadResult>"));
}

const std::string kUploads = R"(<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket>
<KeyMarker/><UploadIdMarker/><NextKeyMarker>logs/b%2Fc</NextKeyMarker><NextUploadIdMarker>two</NextUploadIdMarker>
<EncodingType>url</EncodingType><MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated>
<Upload><Key>logs/a</Key><UploadId>one</UploadId><Initiated>2026-11-10T20:48:33.000Z</Initiated></Upload>
<Upload><Key>logs/b%2Fc</Key><UploadId>two</UploadId></Upload></ListMultipartUploadsResult>)";

TEST(MultipartTest, ReadsAPageOfUploads) {
    const auto page = parse_upload_page(kUploads, "logs/");
    ASSERT_TRUE(page) << page.error().full();
    EXPECT_EQ(page->uploads, (std::vector<Upload>{{"logs/a", "one"}, {"logs/b/c", "two"}}));
    EXPECT_EQ(page->next_key, "logs/b/c");
    EXPECT_EQ(page->next_id, "two");
    const auto last = parse_upload_page(changed_in(kUploads, "<IsTruncated>true", "<IsTruncated>false"), "logs/");
    ASSERT_TRUE(last);
    EXPECT_EQ(last->next_key, "");
}

TEST(MultipartTest, HalfAPageOfUploadsIsNone) {
    EXPECT_FALSE(parse_upload_page(kUploads, "other/"));
    EXPECT_FALSE(parse_upload_page(kUploads.substr(0, kUploads.size() / 2), "logs/"));
    EXPECT_FALSE(parse_upload_page(changed_in(kUploads, "<IsTruncated>true</IsTruncated>", ""), "logs/"));
    EXPECT_FALSE(parse_upload_page(changed_in(kUploads, "<NextKeyMarker>logs/b%2Fc</NextKeyMarker>", ""), "logs/"));
    EXPECT_FALSE(parse_upload_page(changed_in(kUploads, "<UploadId>one</UploadId>", ""), "logs/"));
}

const std::string kParts = R"(<ListPartsResult><UploadId>one</UploadId><PartNumberMarker>0</PartNumberMarker>
<NextPartNumberMarker>3</NextPartNumberMarker><IsTruncated>true</IsTruncated>
<Part><PartNumber>2</PartNumber><ETag>"7778aef83f66abc1fa1e8477f296d394"</ETag><Size>10485760</Size></Part>
<Part><PartNumber>3</PartNumber><ETag>&quot;aaaa18db4cc2f85cedef654fccc4a4x8&quot;</ETag><Size>5</Size></Part></ListPartsResult>)";

TEST(MultipartTest, ReadsAPageOfParts) {
    const auto page = parse_part_page(kParts);
    ASSERT_TRUE(page) << page.error().full();
    EXPECT_EQ(page->parts, (std::vector<Part>{{2, 10485760, "7778aef83f66abc1fa1e8477f296d394"},
                               {3, 5, "aaaa18db4cc2f85cedef654fccc4a4x8"}}));
    EXPECT_EQ(page->next, 3U);
}

TEST(MultipartTest, PartsThatCannotBeAreRefused) {
    EXPECT_FALSE(parse_part_page(changed_in(kParts, "<PartNumber>3<", "<PartNumber>2<")));
    EXPECT_FALSE(parse_part_page(changed_in(kParts, "<PartNumber>3<", "<PartNumber>x<")));
    EXPECT_FALSE(parse_part_page(changed_in(kParts, "<PartNumber>2<", "<PartNumber>0<")));
    EXPECT_FALSE(parse_part_page(changed_in(kParts, "<NextPartNumberMarker>3<", "<NextPartNumberMarker>2<")));
    EXPECT_FALSE(parse_part_page(changed_in(kParts, "7778aef8", "<b/>")));
    EXPECT_FALSE(parse_part_page(changed_in(kParts, "&quot;aaaa", "&quot;aa>a")));
}

TEST(MultipartTest, ACompletionNamesEveryPart) {
    EXPECT_EQ(completion({{1, 8, "ab"}, {2, 3, "cd-1"}}),
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"ab\"</ETag></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>\"cd-1\"</ETag></Part></CompleteMultipartUpload>");
}

// "If the upload fails after the headers were sent, the 200 OK has an error in its body."
TEST(MultipartTest, AnErrorInAnAnswerOf200IsAnError) {
    EXPECT_TRUE(parse_completed("<CompleteMultipartUploadResult><Key>k</Key><ETag>\"x-2\"</ETag></CompleteMultipartUploadResult>"));
    const auto failed = parse_completed("<?xml version=\"1.0\"?>\n\n<Error><Code>InternalError</Code><Message>secret</Message></Error>");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().full(), "the upload cannot be completed (InternalError)");
    EXPECT_FALSE(parse_completed(""));
    EXPECT_FALSE(parse_completed("<CompleteMultipartUploadResult>"));
}

}  // namespace
}  // namespace sekisho::s3
