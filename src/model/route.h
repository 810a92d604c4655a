// The hops of a target's route, as access files write them: the name of another target, with a login in front where it is not that
// target's first one, or a proxy. Pure. Used by the access file's parser (store) and where routes are gone (gateway/route_dial).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::model {

struct RouteHop {
    std::string proxy;  // "socks5://host:port" or "http://host:port"; else
    std::string target;
    std::string login;  // empty: the target's first

    static Result<RouteHop> parse(std::string_view text);
};

/// A proxy can only be the first hop: it is reached without help.
Result<void> check_route(const std::vector<std::string>& route);

}  // namespace sekisho::model
