// What S3 says about uploads in parts, and the list of parts that ends one. Half an answer is an error, never a shorter list. Pure.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::s3 {

struct Upload {  // that has begun and not ended
    std::string key;
    std::string id;
    friend bool operator==(const Upload&, const Upload&) = default;
};

struct Part {
    unsigned number = 0;  // from 1
    std::uint64_t size = 0;
    std::string etag;
    friend bool operator==(const Part&, const Part&) = default;
};

inline constexpr unsigned kMostParts = 10000;
inline constexpr std::size_t kMostUploadId = 1024;

/// The answer to CreateMultipartUpload: the upload's id.
Result<std::string> parse_created_upload(std::string_view xml);

struct UploadPage {
    std::vector<Upload> uploads;
    std::string next_key, next_id;  // both empty: this was the last page
};
Result<UploadPage> parse_upload_page(std::string_view xml, std::string_view prefix);

struct PartPage {
    std::vector<Part> parts;
    unsigned next = 0;  // 0: this was the last page
};
Result<PartPage> parse_part_page(std::string_view xml);

/// The body of CompleteMultipartUpload.
std::string completion(const std::vector<Part>& parts);
/// Its answer has status 200 before anybody knows how it ends: only a whole result counts.
Result<void> parse_completed(std::string_view xml);

/// It goes into XML and headers as it is.
bool is_etag(std::string_view text);

}  // namespace sekisho::s3
