// Forwards (direct-tcpip): with a target in the user name the target opens the destination, and the two channels are relayed;
// without one the gateway dials it, and a socket takes the place of the second channel. Policy decides before either.
// Owned by FrontHop; loop thread only.
#pragma once

#include <memory>
#include <vector>

#include "gateway/front_channel.h"
#include "ssh/events.h"

namespace sekisho::gateway {

class FrontHop;

/// Accepts or rejects `request`; a channel that may go on joins `channels`.
void open_forward(
    FrontHop& front, const ssh::ChannelOpenRequested& request, std::vector<std::unique_ptr<FrontChannel>>& channels);

}  // namespace sekisho::gateway
