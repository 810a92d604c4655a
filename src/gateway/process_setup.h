// What the gateway asks of the operating system for its own process: descriptors for thousands of sessions, memory that is
// given back, no death by a broken pipe; and what it tells systemd. Called once, from run_gateway.
#pragma once

#include <string_view>

namespace sekisho::gateway {

void prepare_process();

/// sd_notify(3) without the library: a datagram to $NOTIFY_SOCKET, when there is one. "READY=1", "STOPPING=1".
void notify_supervisor(std::string_view state);

}  // namespace sekisho::gateway
