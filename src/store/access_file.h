// Access files (TOML, surface.md "Access") to model::Access. Everything is checked here, once: names, keys, addresses,
// capabilities, networks, hours, patterns, duplicates. Errors say file and line, several at once, and the nearest known key.
// Called by web for `apply` and by cli for `check`. Pure apart from the zone files that hours name.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/access.h"

namespace sekisho::store {

struct AccessText {
    std::string name;  // for messages; empty: they say no place
    std::string text;
};

/// The text of an Error holds one line for each problem, at most 20.
Result<model::Access> parse_access(const std::vector<AccessText>& files);

}  // namespace sekisho::store
