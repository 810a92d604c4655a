#include "model/route.h"

#include <algorithm>
#include <array>

#include "base/network.h"
#include "model/forward.h"
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

Result<HostPattern> HostPattern::parse(std::string_view text) {
    if (auto network = base::Network::parse(text)) return HostPattern{network, {}};
    std::string letters(text);
    std::ranges::replace_if(letters, [](char c) { return c == '*' || c == '?'; }, 'x');
    const bool upper = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
    if (upper || text.ends_with('.') || !base::is_host_name(letters))
        return fail(
            "hosts are names in lower case with * and ?, networks whose bits behind the prefix are zero, or * for "
            "everything");
    return HostPattern{std::nullopt, std::string(text)};
}

namespace {

bool holds(const Route& route, const ForwardHost& host) {
    return std::ranges::any_of(route.hosts, [&](const std::string& text) {
        if (text == "*") return true;
        const auto pattern = HostPattern::parse(text);
        if (!pattern) return false;
        if (pattern->network) return host.address && pattern->network->contains(*host.address);
        return !host.address && matches_pattern(pattern->pattern, host.name);
    });
}

bool leads_through(const Route& route, std::string_view target) {
    return std::ranges::any_of(route.via, [&](const std::string& text) {
        const auto hop = RouteHop::parse(text);
        return hop && hop->proxy.empty() && hop->target == target;
    });
}

bool is_own_machine(const ForwardHost& host) {
    if (host.address) return !kind_of_own_address(*host.address).empty();
    return host.name == "localhost" || host.name.ends_with(".localhost");
}

}  // namespace

const Route* route_to(const Access& access, std::string_view text, std::string_view except) {
    if (access.routes.empty()) return nullptr;
    const auto host = ForwardHost::parse(text);
    if (!host || is_own_machine(*host)) return nullptr;
    const auto found = std::ranges::find_if(access.routes,
        [&](const Route& route) { return holds(route, *host) && (except.empty() || !leads_through(route, except)); });
    return found == access.routes.end() ? nullptr : &*found;
}

std::vector<std::string> way_to(const Access& access, const Target& target) {
    if (!target.route.empty()) return target.route;
    const auto place = base::parse_host_port(target.address);
    const Route* route = place ? route_to(access, place->host, target.name) : nullptr;
    return route == nullptr ? std::vector<std::string>() : route->via;
}

}  // namespace sekisho::model
