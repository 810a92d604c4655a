// The PROXY protocol, versions 1 and 2: what a load balancer says in front of a connection about whom it is for. Pure: bytes in,
// values out. Read by gateway/proxy_greeting, from addresses that the configuration lists, and from nobody else.
// Standard: "The PROXY protocol", HAProxy's doc/proxy-protocol.txt.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "net/endpoint.h"

namespace sekisho::net {

/// A longer header is refused: the text of version 1 has 107 bytes at most, and what version 2 adds to its addresses has a few hundred.
inline constexpr std::size_t kMostProxyHeader = 2048;

struct ProxyHeader {
    std::size_t size = 0;  // bytes of the header; behind them the connection begins
    std::optional<Endpoint> source;  // none: the proxy speaks for itself (LOCAL, UNKNOWN), or cannot say
};

/// The header at the front of `input`; nothing when more bytes are needed. What cannot become a header any more is an error at once.
Result<std::optional<ProxyHeader>> decode_proxy_header(BytesView input);

}  // namespace sekisho::net
