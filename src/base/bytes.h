// Bytes and views of bytes; conversions to text, hex and base64. Used by every folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::base {

using Bytes = std::vector<std::byte>;
using BytesView = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline BytesView view(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view text_view(BytesView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::string to_text(BytesView bytes) { return std::string(text_view(bytes)); }
inline Bytes to_bytes(BytesView bytes) { return {bytes.begin(), bytes.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(view(text)); }

inline const unsigned char* uchars(const std::byte* p) { return reinterpret_cast<const unsigned char*>(p); }
inline unsigned char* uchars(std::byte* p) { return reinterpret_cast<unsigned char*>(p); }

/// Lower-case hex, two characters a byte.
std::string hex(BytesView bytes);
std::optional<Bytes> from_hex(std::string_view text);

/// Standard alphabet (RFC 4648 §4).
std::string base64(BytesView bytes, bool padding = true);
/// Strict: no white space, correct padding (or none at all when `padding` is false). Empty on anything else.
std::optional<Bytes> from_base64(std::string_view text, bool padding = true);

/// Compares in time that depends on the lengths only.
bool equal_constant_time(BytesView a, BytesView b);

}  // namespace sekisho::base

namespace sekisho {
using base::Bytes;
using base::BytesView;
using base::MutableBytes;
}  // namespace sekisho
