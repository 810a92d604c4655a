// What completion asks the running gateway for (cli/completion.h). Private to cli and main.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace sekisho::cli {

/// `what` is users, targets, rules or groups, or keys: those of the user whom `words` name.
std::vector<std::string> names_for_completion(
    const Context& context, std::string_view what, const std::vector<std::string>& words);

}  // namespace sekisho::cli
