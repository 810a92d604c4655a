// A connection through a SOCKS5 or HTTP proxy (CONNECT), made by libcurl. Blocks: for workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace sekisho::net {

/// `proxy`: "socks5://host:port" or "http://host:port"; it is the proxy that resolves `host`. Returns a connected, non-blocking socket.
/// The error's text is for the user.
Result<int> connect_by_proxy(const std::string& proxy, const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout);

}  // namespace sekisho::net
