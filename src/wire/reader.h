// Reader: RFC 4251 §5 data types out of a span. Errors stick: after the first short or oversized field every further
// call returns nothing, and `finish()` says what was wrong. Views point into the span handed in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/limits.h"

namespace sekisho::wire {

class Reader {
public:
    explicit Reader(BytesView bytes) : m_rest(bytes) {}

    std::uint8_t byte();
    bool boolean();  // any value but 0 is true
    std::uint32_t u32();
    std::uint64_t u64();
    /// `n` raw bytes.
    BytesView raw(std::size_t n);
    /// string, at most `most` bytes.
    BytesView string(std::size_t most = limits::kPacket);
    std::string_view text(std::size_t most = limits::kPacket) { return base::text_view(string(most)); }
    /// mpint, as the bytes stand on the wire (two's complement, big endian). Negative numbers and needless leading
    /// zeros are an error.
    BytesView mpint(std::size_t most = 2048 + 1);
    /// name-list, split at its commas; empty names are left out. No control character.
    std::vector<std::string> name_list();
    /// The same as views into what is read.
    std::vector<std::string_view> name_views();

    BytesView rest() const { return m_rest; }
    bool empty() const { return m_rest.empty(); }
    bool ok() const { return m_problem == nullptr; }
    /// Fails when a field was wrong or bytes are left over.
    Result<void> finish(std::string_view what) const;
    /// finish(), and then `value`.
    template <class T>
    Result<T> finish_with(std::string_view what, T value) const {
        if (auto done = finish(what); !done) return std::unexpected(done.error());
        return value;
    }

private:
    void problem(const char* text) {
        if (m_problem == nullptr) m_problem = text;
        m_rest = {};
    }

    BytesView m_rest;
    const char* m_problem = nullptr;
};

}  // namespace sekisho::wire
