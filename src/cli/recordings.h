// `sekisho recordings ls|play|export|verify`: the evidence, for people and tools. Reads the folder of recordings itself, so it works
// while no gateway runs. Called by app/main; main thread only.
#pragma once

#include "cli/command.h"

namespace sekisho::cli {

void add_recordings_command(CLI::App& app, Context& context);

}  // namespace sekisho::cli
