// The gateway's own host keys, and the certificates beside them (PATH-cert.pub), as the engine offers them. Read once at start.
#pragma once

#include <vector>

#include "gateway/services.h"

namespace sekisho::gateway {

/// In the configuration's order, each certificate before its key.
Result<std::vector<ServerKey>> load_host_keys(const model::Config& config);

}  // namespace sekisho::gateway
