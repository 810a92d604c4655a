// TextMap: a hash map by text that is asked with views, without a copy. Used by the indexes of model.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sekisho::model {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

}  // namespace sekisho::model
