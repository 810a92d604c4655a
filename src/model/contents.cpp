#include "model/contents.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace sekisho::model {

namespace {

constexpr std::uint64_t kMost = 1024ULL * 1024 * 1024;

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};
constexpr std::array kUnits{
    Unit{" MiB", 1024 * 1024}, Unit{" KiB", 1024}, Unit{" B", 1}};  // the largest that fits is written

}  // namespace

std::optional<Contents> parse_contents(std::string_view text) {
    constexpr std::string_view kFirst = "first ";
    if (text == "full") return Contents{};
    if (text == "digest") return Contents{0};
    if (!text.starts_with(kFirst)) return std::nullopt;
    text.remove_prefix(kFirst.size());
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || count == 0 || count > kMost) return std::nullopt;
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const Unit& known : kUnits) {
        if (known.name == unit && count <= kMost / known.bytes) return Contents{count * known.bytes};
    }
    return std::nullopt;
}

std::string contents_text(const Contents& contents) {
    if (contents.all()) return "full";
    if (*contents.most == 0) return "digest";
    for (const Unit& unit : kUnits) {
        if (*contents.most % unit.bytes == 0) return fmt::format("first {}{}", *contents.most / unit.bytes, unit.name);
    }
    return {};
}

}  // namespace sekisho::model
