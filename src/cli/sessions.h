// `sekisho sessions`: parts that have a file of their own. Main thread only.
#pragma once

#include "cli/command.h"

namespace sekisho::cli {

/// `sessions watch` (sessions_watch.cpp).
void add_sessions_watch(CLI::App& sessions, Context& context);

}  // namespace sekisho::cli
