// Wycheproof vectors for tests: from the folder in SEKISHO_VECTORS, or the one beside the source tree. Tests skip, and say
// so, when the folder is missing.
#pragma once

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace sekisho::test {

inline std::string vector_path(const std::string& file) {
    const char* folder = std::getenv("SEKISHO_VECTORS");
    return (folder != nullptr ? std::string(folder) : std::string(SEKISHO_SOURCE_DIR) + "/../shared/vectors") + "/" + file;
}

inline std::optional<nlohmann::json> read_vectors(const std::string& file) {
    std::ifstream in(vector_path(file));
    if (!in) return std::nullopt;
    return nlohmann::json::parse(in);
}

inline Bytes hex_field(const nlohmann::json& object, const char* name) {
    return base::from_hex(object.at(name).get<std::string>()).value();
}

}  // namespace sekisho::test

#define SEKISHO_VECTORS_OR_SKIP(variable, file)                                             \
    const auto variable = ::sekisho::test::read_vectors(file);                              \
    if (!variable) GTEST_SKIP() << "no vectors at " << ::sekisho::test::vector_path(file) \
                                << "; set SEKISHO_VECTORS to their folder"
