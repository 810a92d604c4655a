// Forwards that the client opens: direct-tcpip, direct-streamlocal@openssh.com and tun@openssh.com. With a target in the user name the
// target opens the destination (TargetForward); without one the gateway dials it (DialedForward), where it is a port: the gateway has
// no sockets and no network of its own to give away. Policy decides before either. The SSH port of a target on which the user may have
// a session is neither: a jump (JumpChannel), whose sessions are decided one by one. Owned by FrontHop; loop thread only.
#pragma once

#include <memory>
#include <vector>

#include "gateway/front_channel.h"
#include "ssh/events.h"

namespace sekisho::gateway {

class FrontHop;

/// Is `type` one of the above?
bool is_forward(std::string_view type);
/// Accepts or rejects `request`; a channel that may go on joins `channels`.
void open_forward(
    FrontHop& front, const ssh::ChannelOpenRequested& request, std::vector<std::unique_ptr<FrontChannel>>& channels);

}  // namespace sekisho::gateway
