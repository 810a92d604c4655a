// Signature version 4 of AWS ("AWS4-HMAC-SHA256") in headers, as S3 wants it: the path is encoded once and never normalised, and the
// hash of the body stands in a header. Pure: a request and a time in, what goes over the wire out. Called by s3/client for every
// attempt of a request; libcurl only carries the result.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

namespace sekisho::s3 {

struct Credentials {
    std::string access_key;
    Secret secret_key;
    std::string session_token;  // of temporary ones
    std::optional<WallTime> expires;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Unsigned {
    std::string method = "GET";
    std::string host;  // as the Host header has it, with a port that is not the scheme's own
    std::string path = "/";  // of the server, as it is: not encoded
    Pairs query;  // not encoded, in any order
    Pairs headers;  // names in lower case; host and those of the signature are added
    std::string body_sha256;  // 64 hex digits
};

struct Signed {
    std::string target;  // encoded path and query
    Pairs headers;  // all but Host
};

Signed sign(const Unsigned& request, const Credentials& credentials, std::string_view region, WallTime now);

/// Everything but A-Z a-z 0-9 - _ . ~ becomes %XX; '/' stays where `path`.
std::string uri_encoded(std::string_view text, bool path = false);
/// %XX and '+' back; nothing when it is malformed.
std::optional<std::string> uri_decoded(std::string_view text);
std::string sha256_hex(std::string_view text);

}  // namespace sekisho::s3
