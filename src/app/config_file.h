// The configuration file (TOML): one table of key, type, default, help and reload rule, from which the parser, the sample file
// and the manual come. An unknown key is an error with file, line and the nearest known key. Called by main, and by the
// gateway through a hook on SIGHUP.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/config.h"

namespace sekisho::app {

inline constexpr std::size_t kMostConfigBytes = 1U << 20;

/// Reads and checks `path` (at most 1 MiB). The text of an Error holds one line for each problem: file:line: what.
Result<model::Config> load_config(const std::string& path);
Result<model::Config> parse_config(std::string_view text, std::string_view file_name);

/// A configuration file with every key at its default, explained; `values` (key, TOML value) are written in, the others stay
/// commented out.
std::string sample_config(const std::vector<std::pair<std::string, std::string>>& values = {});
/// The table as Markdown.
std::string config_manual();

}  // namespace sekisho::app
