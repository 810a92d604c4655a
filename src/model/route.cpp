#include "model/route.h"

#include <array>

#include "base/network.h"
#include "model/pattern.h"

namespace sekisho::model {

Result<RouteHop> RouteHop::parse(std::string_view text) {
    constexpr std::array<std::string_view, 2> kSchemes{"socks5://", "http://"};
    RouteHop hop;
    for (const std::string_view scheme : kSchemes) {
        if (!text.starts_with(scheme)) continue;
        const auto place = base::parse_host_port(text.substr(scheme.size()));
        if (!place || place->port == 0) break;
        hop.proxy = text;
        return hop;
    }
    const std::size_t at = text.rfind('@');
    if (at != std::string_view::npos) hop.login = text.substr(0, at);
    hop.target = at == std::string_view::npos ? text : text.substr(at + 1);
    if (!is_target_name(hop.target) || (at != std::string_view::npos && !is_login(hop.login)))
        return fail("a hop is TARGET, LOGIN@TARGET, socks5://host:port or http://host:port");
    return hop;
}

Result<void> check_route(const std::vector<std::string>& route) {
    for (std::size_t i = 0; i < route.size(); ++i) {
        const auto hop = RouteHop::parse(route[i]);
        if (!hop) return std::unexpected(hop.error());
        if (i > 0 && !hop->proxy.empty()) return fail("a proxy can only be the first hop");
    }
    return {};
}

}  // namespace sekisho::model
