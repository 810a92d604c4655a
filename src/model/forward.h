// Forward entries of rules ("ledger.internal:443", "10.1.0.0/16:5432", "[2001:db8::]/32:8000-8100", "host:*", for sockets
// "/run/app.sock" and "/run/app/*") and the destinations that clients ask for. Fails closed: a destination that some resolver
// could read as an address without being one in its only spelling (octal, hex, short forms, IPv4 inside IPv6) is refused before
// any entry is looked at, and so is a path that has another spelling.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/network.h"
#include "base/result.h"

namespace sekisho::model {

/// A destination as it will be matched and dialled: an address, or a name in lower case without a trailing dot.
struct ForwardHost {
    std::optional<base::Address> address;
    std::string name;  // the address's text, when it is one

    static Result<ForwardHost> parse(std::string_view as_the_client_named_it);
};

/// What kind of address this is, where it means the machine that dials it or whoever is beside it ("loopback", "link-local" …);
/// empty for the addresses of others. A name that turns out to have such an address does not lead there: the owner of a domain
/// decides what its names are, and must not decide what is reached inside the gateway.
std::string_view kind_of_own_address(const base::Address& address);

/// The path of a socket as it will be matched and passed on: absolute and in its only spelling (no empty, "." or ".." part), without
/// control characters, and no longer than the address of a socket.
struct SocketPath {
    std::string text;

    static Result<SocketPath> parse(std::string_view as_the_client_named_it);
};

struct PortRange {
    std::uint16_t low = 0;
    std::uint16_t high = 65535;

    bool holds(std::uint16_t port) const { return port >= low && port <= high; }
    /// Listening on `port`; 0, which leaves the choice to whoever listens, needs every port.
    bool holds_listening(std::uint16_t port) const { return port == 0 ? every() : holds(port); }
    /// The same at the gateway itself, which listens for services of its own machine as well: "every port" means none of those that
    /// the system keeps for them. A rule can name one.
    bool holds_listening_here(std::uint16_t port) const {
        return port < 1024 && port != 0 ? holds(port) && !every() : holds_listening(port);
    }
    bool every() const { return low <= 1 && high == 65535; }
};

struct ForwardEntry {
    std::string path;  // of a socket; ends in "/*": every socket below that folder
    std::optional<base::Network> network;  // else `name`, unless `path`
    std::string name;
    PortRange ports;

    static Result<ForwardEntry> parse(std::string_view text);
    /// Names match names, networks match addresses: a name that resolves into a network is not in it.
    bool permits(const ForwardHost& host, std::uint16_t port) const;
    bool permits_listening(const ForwardHost& host, std::uint16_t port) const;
    bool permits(const SocketPath& socket) const;
    bool is_folder() const { return path.ends_with("/*"); }

private:
    bool names(const ForwardHost& host) const;
};

}  // namespace sekisho::model
