#include "evidence/recorded.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/bytes.h"

namespace sekisho::evidence {
namespace {

/// Takes " NAME=VALUE" off the front.
std::optional<std::string_view> take(std::string_view& text, std::string_view name) {
    if (!text.starts_with(' ') || !text.substr(1).starts_with(name)) return std::nullopt;
    text.remove_prefix(1 + name.size());
    const std::string_view value = text.substr(0, text.find(' '));
    text.remove_prefix(value.size());
    return value;
}

template <class Number>
bool read(std::optional<std::string_view> text, Number& into) {
    if (!text || text->empty()) return false;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), into);
    return error == std::errc() && end == text->data() + text->size();
}

}  // namespace

std::string recorded_text(std::string_view audit_key, const std::optional<Written>& written) {
    if (!written || audit_key.empty()) return std::string(audit_key);
    return fmt::format(
        "{} blocks={} size={} sha256={}", audit_key, written->blocks, written->size, base::hex(written->last));
}

std::optional<Recorded> read_recorded(std::string_view text) {
    Recorded recorded{std::string(text.substr(0, text.find(' '))), std::nullopt};
    if (recorded.audit_key.empty()) return std::nullopt;
    text.remove_prefix(recorded.audit_key.size());
    if (text.empty()) return recorded;
    Written written;
    if (!read(take(text, "blocks="), written.blocks) || !read(take(text, "size="), written.size)) return std::nullopt;
    const auto digest = take(text, "sha256=");
    const auto bytes = digest ? base::from_hex(*digest) : std::nullopt;
    if (!bytes || bytes->size() != written.last.size() || !text.empty()) return std::nullopt;
    std::ranges::copy(*bytes, written.last.begin());
    recorded.written = written;
    return recorded;
}

}  // namespace sekisho::evidence
