#include "base/duration.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace sekisho::base {
namespace {

constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits{{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};
constexpr std::int64_t kMost = 100LL * 366 * 86400;

}  // namespace

Result<std::chrono::seconds> parse_duration(std::string_view text) {
    constexpr const char* kForm = "a time is wanted, for example \"90s\", \"5m\", \"1h\" or \"2d\"";
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    if (error != std::errc() || value < 0 || value > kMost) return fail(kForm);
    if (unit.empty() && value == 0) return std::chrono::seconds(0);
    for (const auto& [letter, seconds] : kUnits) {
        if (unit.size() == 1 && unit[0] == letter && value <= kMost / seconds) return std::chrono::seconds(value * seconds);
    }
    return fail(kForm);
}

std::string duration_text(std::chrono::seconds time) {
    for (const auto& [letter, seconds] : kUnits) {
        if (time.count() != 0 && time.count() % seconds == 0) return std::to_string(time.count() / seconds) + letter;
    }
    return "0";
}

}  // namespace sekisho::base
