// Id<Tag>: numbers of different kinds that cannot be mixed up (channels, tickets, sessions).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace sekisho::base {

template <class Tag, class Number = std::uint32_t>
struct Id {
    Number value{};
    friend auto operator<=>(const Id&, const Id&) = default;
};

}  // namespace sekisho::base

template <class Tag, class Number>
struct std::hash<sekisho::base::Id<Tag, Number>> {
    std::size_t operator()(const sekisho::base::Id<Tag, Number>& id) const noexcept {
        return std::hash<Number>{}(id.value);
    }
};
