// Writer: RFC 4251 §5 data types appended to a byte vector that it owns.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace sekisho::wire {

/// Writes a uint32 into memory that is there already (headers in front of data); returns what follows it.
inline std::byte* store_u32(std::byte* out, std::uint32_t value) {
    out[0] = static_cast<std::byte>(value >> 24);
    out[1] = static_cast<std::byte>(value >> 16);
    out[2] = static_cast<std::byte>(value >> 8);
    out[3] = static_cast<std::byte>(value);
    return out + 4;
}

class Writer {
public:
    /// Most messages of the protocol fit into this without moving.
    Writer() : Writer(128) {}
    /// Room for `size` bytes: the vector then does not move while they are written.
    explicit Writer(std::size_t size) { m_bytes.reserve(size); }

    Writer& byte(std::uint8_t value);
    Writer& boolean(bool value) { return byte(value ? 1 : 0); }
    Writer& u32(std::uint32_t value);
    Writer& u64(std::uint64_t value);
    Writer& raw(BytesView bytes);
    Writer& string(BytesView bytes);
    Writer& string(std::string_view text) { return string(base::view(text)); }
    Writer& string(const char* text) { return string(std::string_view(text)); }
    /// mpint from an unsigned big-endian number; leading zeros are dropped, one is added where the top bit is set.
    Writer& mpint(BytesView magnitude);
    Writer& name_list(std::span<const std::string> names);
    Writer& name_list(std::span<const std::string_view> names);

    BytesView bytes() const { return m_bytes; }
    std::size_t size() const { return m_bytes.size(); }
    Bytes take() { return std::move(m_bytes); }

private:
    Bytes m_bytes;
};

}  // namespace sekisho::wire
