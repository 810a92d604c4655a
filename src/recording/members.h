// Members of the JSON objects in recordings, which an older gateway may not have written. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

namespace sekisho::recording {

/// The text; "" where the member is missing or something else.
inline std::string text_in(const nlohmann::json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The number; 0 where the member is missing or something else.
inline std::uint64_t number_in(const nlohmann::json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace sekisho::recording
