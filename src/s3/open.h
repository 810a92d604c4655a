// From what a configuration says about a bucket to a Client of it. Called by whoever has a bucket: identity, shipping. Reads the file of
// authorities at once, that of the access key whenever one is needed.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "s3/client.h"

namespace sekisho::s3 {

/// A file, at most so many bytes of it: the process may not be allowed to open one itself. Also later, on the client's thread.
using ReadFile = std::function<Result<std::string>(const std::string& path, std::size_t most)>;

struct BucketSettings {
    std::string url;
    std::string region;
    std::string endpoint;
    std::string access_key_file;  // absolute; empty: environment or instance role
    std::string ca_file;  // absolute; empty: the system's authorities
};

/// `transfers`: bounds of time and number; where it goes is put in here.
Result<std::unique_ptr<Client>> open_client(const BucketSettings& settings, ReadFile read_file, TransferSettings transfers = {});

}  // namespace sekisho::s3
