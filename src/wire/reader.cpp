#include "wire/reader.h"

#include <algorithm>

namespace sekisho::wire {

BytesView Reader::raw(std::size_t n) {
    if (m_rest.size() < n) {
        problem("too short");
        return {};
    }
    const BytesView out = m_rest.first(n);
    m_rest = m_rest.subspan(n);
    return out;
}

std::uint8_t Reader::byte() {
    const BytesView b = raw(1);
    return b.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(b[0]);
}

bool Reader::boolean() { return byte() != 0; }

std::uint32_t Reader::u32() {
    const BytesView b = raw(4);
    if (b.empty()) return 0;
    return std::to_integer<std::uint32_t>(b[0]) << 24 | std::to_integer<std::uint32_t>(b[1]) << 16 |
           std::to_integer<std::uint32_t>(b[2]) << 8 | std::to_integer<std::uint32_t>(b[3]);
}

std::uint64_t Reader::u64() {
    const std::uint64_t high = u32();
    return high << 32 | u32();
}

BytesView Reader::string(std::size_t most) {
    const std::uint32_t n = u32();
    if (n > most) {
        problem("a field is over its limit");
        return {};
    }
    return raw(n);
}

BytesView Reader::mpint(std::size_t most) {
    const BytesView b = string(most);
    if (b.empty()) return b;
    const auto first = std::to_integer<unsigned>(b[0]);
    if ((first & 0x80U) != 0) {
        problem("a number is negative");
        return {};
    }
    // RFC 4251 §5: "Unnecessary leading bytes with the value 0 or 255 MUST NOT be included."
    if (first == 0 && (b.size() == 1 || (std::to_integer<unsigned>(b[1]) & 0x80U) == 0)) {
        problem("a number has needless leading zeros");
        return {};
    }
    return b;
}

std::vector<std::string> Reader::name_list() {
    const auto names = name_views();
    return {names.begin(), names.end()};
}

std::vector<std::string_view> Reader::name_views() {
    std::string_view list = text(limits::kNameList);
    std::vector<std::string_view> names;
    if (list.empty()) return names;
    for (char c : list) {
        if (c <= 0x20 || c >= 0x7f) {
            problem("a name-list holds a forbidden character");
            return {};
        }
    }
    names.reserve(static_cast<std::size_t>(std::ranges::count(list, ',')) + 1);
    while (true) {
        const std::size_t comma = list.find(',');
        const std::string_view name = list.substr(0, comma);
        // RFC 4251 §5 forbids empty names; libssh 0.10 ends its list of ciphers with a comma.
        if (!name.empty()) names.emplace_back(name);
        if (comma == std::string_view::npos) return names;
        list.remove_prefix(comma + 1);
    }
}

Result<void> Reader::finish(std::string_view what) const {
    if (m_problem != nullptr) return fail("malformed " + std::string(what), m_problem);
    if (!m_rest.empty()) return fail("malformed " + std::string(what), std::to_string(m_rest.size()) + " bytes left over");
    return {};
}

}  // namespace sekisho::wire
