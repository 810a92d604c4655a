// What sessions and activity are narrowed to on the command line: the same options for `sessions ls` and `recordings search`, and their
// parameters of the API (web/filters.h).
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace sekisho::cli {

struct SearchOptions {
    std::vector<std::string> words;
    std::string user, target, login, from, since, until;

    void add_to(CLI::App& command);
    using Query = std::vector<std::pair<std::string, std::string>>;
    /// With `more` behind them.
    Query query(Query more) const;
};

}  // namespace sekisho::cli
