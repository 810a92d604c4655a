// The end of a connection: what is still to be said is sent, then the peer's last bytes are read away, because closing a
// socket with unread input resets the connection and the peer never sees the goodbye. Loop thread only.
#pragma once

#include <memory>

#include "net/stream.h"

namespace sekisho::gateway {

/// Takes over the stream; lets go after the peer's end or a few seconds.
void linger(net::Loop& loop, std::unique_ptr<net::Stream> stream, BytesView unsent);

}  // namespace sekisho::gateway
