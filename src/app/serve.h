// `sekisho serve`: puts the gateway and the admin API together. The composition root of the running process.
#pragma once

#include "cli/command.h"

namespace sekisho::app {

int serve(cli::Context& context);

}  // namespace sekisho::app
