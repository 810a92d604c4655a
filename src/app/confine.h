// What the gateway process may still do once it runs: a list of files made from the configuration, and a filter of system calls.
// Entered by app/serve behind everything that has to be opened by name, and before the first thread (docs/adr/0006-keyholder.md).
#pragma once

#include "base/result.h"
#include "model/config.h"
#include "sandbox/sandbox.h"

namespace sekisho::app {

/// Where is written what people and machines are told, and how far.
std::vector<std::string> telling_folders(const model::Config& config);

/// Store, recordings and logs to write; what the system's libraries read. No key file, and no folder that has one below it.
sandbox::Paths gateway_files(const model::Config& config);

/// What the spawner opens for the gateway whenever it asks: the configuration, and files that it names and that change.
std::vector<std::string> readable_files(const model::Config& config, const std::string& config_path);

/// The process has one thread. A kernel without Landlock is worth a warning in the log.
Result<void> confine_gateway(const model::Config& config);

}  // namespace sekisho::app
