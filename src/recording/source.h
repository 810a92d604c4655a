// Source: where a Reader takes a recording's bytes from: a file, or memory in tests and fuzzing. Owned by the Reader.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace sekisho::recording {

class Source {
public:
    virtual ~Source() = default;
    virtual std::uint64_t size() const = 0;
    /// Fills `out` from `offset`; how much was there.
    virtual std::size_t read(std::uint64_t offset, MutableBytes out) const = 0;
};

/// The size is taken now: what a live recording gains later is not seen.
Result<std::unique_ptr<Source>> open_file(const std::string& path);
std::unique_ptr<Source> open_memory(Bytes bytes);

}  // namespace sekisho::recording
