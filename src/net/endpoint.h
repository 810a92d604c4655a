// Endpoint: an address and a port as values, and the conversions from and to the system's. Used by everyone who names a peer.
#pragma once

#include <cstdint>
#include <string>

struct sockaddr;

namespace sekisho::net {

struct Endpoint {
    std::string address;  // numeric; IPv4 in IPv6 is written as IPv4
    std::uint16_t port = 0;

    /// "192.0.2.1:22", "[2001:db8::1]:22".
    std::string text() const;
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// The peer's, or our own, end of a connected socket; empty address when the socket has none.
Endpoint peer_of(int fd);
Endpoint local_of(int fd);
Endpoint endpoint_of(const sockaddr& address);

}  // namespace sekisho::net
