#include "shipping/object_name.h"

#include <algorithm>

#include <fmt/format.h>

#include "recording/folder.h"

namespace sekisho::shipping {
namespace {

constexpr std::string_view kExtension = ".skr";
constexpr std::size_t kUserAt = 20;  // "YYYY-MM-DD_HH-MM-SS_"

}  // namespace

bool is_session_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
}

std::string object_stem(std::string_view audit_key) {
    const std::string_view user = audit_key.substr(kUserAt);
    return fmt::format("{}/{}/{}/{}/{}.", audit_key.substr(0, 4), audit_key.substr(5, 2), audit_key.substr(8, 2),
        user.substr(0, user.find('+')), audit_key);
}

std::string object_name(std::string_view prefix, const ObjectName& name) {
    return std::string(prefix) + object_stem(name.audit_key) + name.session + std::string(kExtension);
}

std::optional<ObjectName> parse_object_name(std::string_view prefix, std::string_view key) {
    if (!key.starts_with(prefix) || !key.ends_with(kExtension)) return std::nullopt;
    std::string_view last = key.substr(key.rfind('/') + 1);
    last.remove_suffix(std::min(last.size(), kExtension.size()));
    const std::size_t dot = last.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    ObjectName name{std::string(last.substr(0, dot)), std::string(last.substr(dot + 1))};
    if (!recording::is_audit_key(name.audit_key) || !is_session_id(name.session)) return std::nullopt;
    if (object_name(prefix, name) != key) return std::nullopt;
    return name;
}

}  // namespace sekisho::shipping
