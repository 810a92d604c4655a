// ProxyGreeting: reads the PROXY header that a listed load balancer sends in front of a connection, then hands the connection on
// with the address that it names. No header, a wrong one, or one that does not come in time: the connection is closed. Keeps
// itself on the loop until then; loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "net/proxy_header.h"
#include "net/stream.h"

namespace sekisho::gateway {

inline constexpr std::chrono::seconds kProxyHeaderTime{5};

/// `done` gets the stream, which then begins with the client's first byte, and whom it is for: nobody but the proxy itself when there
/// is no source. Or no stream, which was closed.
using ProxyGreeted = std::function<void(std::unique_ptr<net::Stream> stream, std::optional<net::Endpoint> source)>;
void await_proxy_header(net::Loop& loop, std::unique_ptr<net::Stream> stream, net::Endpoint proxy, ProxyGreeted done);

}  // namespace sekisho::gateway
