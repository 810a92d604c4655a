#include "wire/writer.h"

#include <string>

#include "base/assert.h"

namespace sekisho::wire {

Writer& Writer::byte(std::uint8_t value) {
    m_bytes.push_back(static_cast<std::byte>(value));
    return *this;
}

Writer& Writer::u32(std::uint32_t value) {
    const std::byte encoded[4] = {static_cast<std::byte>(value >> 24), static_cast<std::byte>(value >> 16),
                                  static_cast<std::byte>(value >> 8), static_cast<std::byte>(value)};
    return raw(encoded);
}

Writer& Writer::u64(std::uint64_t value) {
    return u32(static_cast<std::uint32_t>(value >> 32)).u32(static_cast<std::uint32_t>(value));
}

Writer& Writer::raw(BytesView bytes) {
    m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
    return *this;
}

Writer& Writer::string(BytesView bytes) {
    SEKISHO_ASSERT(bytes.size() <= UINT32_MAX);
    u32(static_cast<std::uint32_t>(bytes.size()));
    return raw(bytes);
}

Writer& Writer::mpint(BytesView magnitude) {
    while (!magnitude.empty() && magnitude.front() == std::byte{0}) magnitude = magnitude.subspan(1);
    const bool pad = !magnitude.empty() && (magnitude.front() & std::byte{0x80}) != std::byte{0};
    u32(static_cast<std::uint32_t>(magnitude.size() + (pad ? 1 : 0)));
    if (pad) byte(0);
    return raw(magnitude);
}

Writer& Writer::name_list(std::span<const std::string> names) {
    return name_list(std::vector<std::string_view>(names.begin(), names.end()));
}

Writer& Writer::name_list(std::span<const std::string_view> names) {
    std::size_t size = names.empty() ? 0 : names.size() - 1;
    for (const std::string_view name : names) size += name.size();
    u32(static_cast<std::uint32_t>(size));
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i > 0) byte(',');
        raw(base::view(names[i]));
    }
    return *this;
}

}  // namespace sekisho::wire
