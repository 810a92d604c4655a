// Place: where a bucket is, from what the configuration says: s3://BUCKET/PREFIX, region, and the endpoint of a server that is not AWS.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sekisho::s3 {

struct Place {
    std::string scheme = "https";
    std::string host;  // with a port that is not the scheme's own
    std::string root;  // path of the bucket: "" where its name is in the host, else "/BUCKET"
    std::string prefix;  // of the keys
    std::string region;
};

/// AWS itself is asked at https://BUCKET.s3.REGION.amazonaws.com, and by path where the name has a dot, which no certificate bears; an
/// `endpoint` ("https://host[:port]") by path. Without TLS anybody on the way could hand out keys of their own: http is for loopback only.
Result<Place> find_place(std::string_view url, std::string_view region, std::string_view endpoint);

}  // namespace sekisho::s3
