// Completion: what may stand next on a command line, from the commands as CLI11 knows them. The scripts that `sekisho completion SHELL`
// prints ask for it by `sekisho __complete -- WORD…`, or `--line LINE`, which main answers before anything is parsed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace sekisho::cli {

inline constexpr std::string_view kCompleteWord = "__complete";

/// Names of the store: "users", "targets", "rules", "groups", or "keys" of the user in `words`. Silent where nobody knows them.
using NamesOf = std::function<std::vector<std::string>(std::string_view what, const std::vector<std::string>& words)>;

/// Candidates for the last of `words` (which may be empty), those before it being complete.
std::vector<std::string> candidates(CLI::App& app, const std::vector<std::string>& words, const NamesOf& names);
/// The words of a line as a shell reads them, the last one perhaps empty or with open quotes. Nothing is expanded.
std::vector<std::string> shell_words(std::string_view line);
/// The value of --config among `words`, empty without one.
std::string stated_config(const std::vector<std::string>& words);

}  // namespace sekisho::cli
