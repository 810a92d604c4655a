#include "cli/search_options.h"

#include <CLI/CLI.hpp>

#include <iterator>

namespace sekisho::cli {
namespace {

/// Each word quoted: what the shell kept together stays together.
std::string quoted(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += text.empty() ? "\"" : " \"";
        for (const char c : word) {
            if (c == '"' || c == '\\') text += '\\';
            text += c;
        }
        text += '"';
    }
    return text;
}

}  // namespace

void SearchOptions::add_to(CLI::App& command) {
    command.add_option("--user", user, "Only this user's");
    command.add_option("--target", target, "Only those to TARGET or LOGIN@TARGET");
    command.add_option("--login", login, "Only those as this login of the target");
    command.add_option("--from-address", from, "Only those from this address");
    command.add_option("--since", since, "Not before: 2026-11-23T08:00:00+09:00, 2026-11-23 (UTC), or how long ago: 8h, 2d");
    command.add_option("--until", until, "Not after");
}

SearchOptions::Query SearchOptions::query(Query more) const {
    Query all{{"words", quoted(words)}, {"user", user}, {"target", target}, {"login", login}, {"from", from},
        {"since", since}, {"until", until}};
    all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    return all;
}

}  // namespace sekisho::cli
