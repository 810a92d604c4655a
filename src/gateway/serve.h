// The gateway as one call: opens store, recordings and listeners, runs the loops until SIGTERM or SIGINT, says goodbye
// to sessions, and returns the process's exit status. Called by app/main for `sekisho serve`, on the main thread.
#pragma once

#include <functional>

#include "base/result.h"
#include "keyholder/process.h"
#include "model/config.h"
#include "model/live.h"

namespace sekisho::gateway {

struct ServeHooks {
    /// SIGHUP: the configuration as the file has it now.
    std::function<Result<model::Config>()> reload_config;
    /// Listeners are open. The admin API starts here, on its own thread; a failure ends the start. `live` outlives `stopping`.
    std::function<Result<void>(model::LiveGateway& live)> started;
    /// Before anything is torn down: the admin API ends here.
    std::function<void()> stopping;
};

/// Event loops of a gateway with this configuration.
std::size_t loop_count(const model::Config& config);
/// Links to the keyholder: one for each loop, and one for evidence.
std::size_t link_count(const model::Config& config);

int run_gateway(const model::Config& config, keyholder::Process& keyholder, ServeHooks hooks);

}  // namespace sekisho::gateway
