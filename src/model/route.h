// The hops of a target's route, as access files write them: the name of another target, with a login in front where it is not that
// target's first one, or a proxy; and which [[route]] leads to a host that has none of its own. Pure. Used by the access file's parser
// (store), where routes are gone (gateway/route_dial), and where they are explained (web).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/network.h"
#include "base/result.h"
#include "model/access.h"

namespace sekisho::model {

struct RouteHop {
    std::string proxy;  // "socks5://host:port" or "http://host:port"; else
    std::string target;
    std::string login;  // empty: the target's first

    static Result<RouteHop> parse(std::string_view text);
};

/// A proxy can only be the first hop: it is reached without help.
Result<void> check_route(const std::vector<std::string>& route);

/// One of Route::hosts. A network is about addresses, a pattern about names, and * about both.
struct HostPattern {
    std::optional<base::Network> network;
    std::string pattern;

    static Result<HostPattern> parse(std::string_view text);
};

/// The first of the access's routes that leads to `host`, and not through the target `except`, which it could not lead to then.
/// nullptr: none, and for localhost and addresses that mean the machine itself, whatever the routes say.
const Route* route_to(const Access& access, std::string_view host, std::string_view except = {});
/// The hops to a target: its own route, or that of the first [[route]] for its address.
std::vector<std::string> way_to(const Access& access, const Target& target);

}  // namespace sekisho::model
