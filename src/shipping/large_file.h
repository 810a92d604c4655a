// LargeFile: a recording that is put in parts, and read back piece by piece, a step at a time, so that others get their turn in between.
// What was put of it before, also by a process that was killed, is gone on with. Of the shipping thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "shipping/bucket.h"
#include "shipping/local_file.h"

namespace sekisho::shipping {

class LargeFile {
public:
    static constexpr std::uint64_t kPart = 8U << 20;

    enum class Step {
        More,
        Stored,  // all of it is in the bucket; where that was wanted, it was read back and is the same
        Differs,  // what was read back is something else
    };

    /// The file's first `file.size` bytes. `fresh`: nothing that is in the bucket can be trusted.
    LargeFile(Bucket& bucket, LocalFile file, bool fresh);

    Result<Step> step();

    const LocalFile& file() const { return m_file; }
    const std::string& object() const { return m_object; }
    /// Of what was stored and read back.
    const std::string& sha256() const { return m_sha256; }

    /// So that 10,000 parts are enough.
    static std::uint64_t part_size(std::uint64_t size);

private:
    Result<void> find_out();
    Result<void> resume();
    Result<void> put_next();
    Result<Step> compare_next();
    std::uint64_t size_of_part(unsigned number) const;

    Bucket& m_bucket;
    const LocalFile m_file;
    const std::string m_object;
    const std::uint64_t m_part_size;
    const unsigned m_count;
    const bool m_fresh;

    bool m_known = false;  // what there is in the bucket
    bool m_stored = false;
    std::optional<Bucket::Upload> m_upload;
    std::vector<Bucket::Part> m_parts;  // that are there, from the first on
    std::uint64_t m_compared = 0;
    std::optional<crypto::Hash> m_hash;
    std::string m_sha256;
};

}  // namespace sekisho::shipping
