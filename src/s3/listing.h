// What S3 answers in XML: a page of ListObjectsV2, and errors. Read with expat, which follows no reference to anywhere; a document
// type is refused, and with it every entity of somebody else's making. Half a page is an error, never a shorter page. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::s3 {

struct Object {
    std::string key;
    std::string etag;  // without its quotes
    std::uint64_t size = 0;
    friend bool operator==(const Object&, const Object&) = default;
};

struct ListPage {
    std::vector<Object> objects;
    std::string next;  // continuation token; empty: this was the last page
};

inline constexpr std::size_t kMostPageBytes = 16U << 20;

/// A page of the keys that begin with `prefix`; a key that does not is an error, and so is a page that says there is more but not where.
Result<ListPage> parse_list_page(std::string_view xml, std::string_view prefix);
/// <Error><Code>…: the code, letters only, or empty. The rest of such an answer may repeat what was signed: it is not for logs.
std::string parse_error_code(std::string_view xml);

}  // namespace sekisho::s3
