// Bucket: what shipping asks of a place for objects. Over s3 in a gateway, in memory in tests. Keys are whole keys. An Error of a call is
// about the place, unless it says otherwise. Blocks; one thread, but stop().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "s3/open.h"

namespace sekisho::shipping {

class Bucket {
public:
    struct Object {
        std::string key;
        std::uint64_t size = 0;
    };
    struct Upload {
        std::string key;
        std::string id;
    };
    struct Part {
        unsigned number = 0;  // from 1
        std::uint64_t size = 0;
        std::string tag;
    };
    using Done = std::function<void(std::size_t, Result<void>)>;
    using Take = std::function<void(std::size_t, Result<std::string>)>;

    virtual ~Bucket() = default;
    /// What all keys begin with.
    virtual const std::string& prefix() const = 0;

    /// The size of each; nothing: there is none.
    using Looked = std::function<void(std::size_t, Result<std::optional<std::uint64_t>>)>;
    virtual Result<void> look(const std::vector<std::string>& keys, const Looked& take) = 0;
    /// Whole objects, small ones, in any order. `done` has the Errors about one of them.
    virtual Result<void> put(const std::vector<std::string>& keys, const std::vector<std::string>& bodies, const Done& done) = 0;
    virtual Result<void> get(const std::vector<std::string>& keys, std::size_t most, const Take& take) = 0;
    /// Empty behind the end.
    virtual Result<std::string> read(const std::string& key, std::uint64_t offset, std::size_t most) = 0;
    virtual Result<std::vector<Object>> list(const std::string& below) = 0;
    virtual Result<void> remove(const std::string& key) = 0;

    virtual Result<std::vector<Upload>> uploads(const std::string& key) = 0;
    virtual Result<std::string> begin(const std::string& key) = 0;
    virtual Result<std::vector<Part>> parts(const Upload& upload) = 0;
    virtual Result<std::string> put_part(const Upload& upload, unsigned number, std::string body) = 0;
    virtual Result<void> complete(const Upload& upload, const std::vector<Part>& parts) = 0;
    virtual Result<void> abort(const Upload& upload) = 0;

    /// Any thread: what runs ends with an error, and so does whatever follows.
    virtual void stop() = 0;
};

/// `recording.upload` of the configuration; null where it says nothing. `patient`: for a thread that has time, with many attempts.
Result<std::unique_ptr<Bucket>> open_bucket(const model::Config& config, s3::ReadFile read_file, bool patient);

}  // namespace sekisho::shipping
