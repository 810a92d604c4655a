#include "model/forward.h"

#include <algorithm>

namespace sekisho::model {
namespace {

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
        [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

bool parse_ports(std::string_view text, PortRange& ports) {
    if (text == "*") {
        ports = {1, 65535};
        return true;
    }
    const std::size_t dash = text.find('-');
    const auto low = base::parse_port(text.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : base::parse_port(text.substr(dash + 1));
    if (!low || !high || *low == 0 || *low > *high) return false;
    ports = {*low, *high};
    return true;
}

/// "[v6]", "[v6]/32", "[v6/32]" → "v6", "v6/32".
std::optional<std::string> without_brackets(std::string_view text) {
    if (!text.starts_with('[')) return std::string(text);
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    return std::string(text.substr(1, close - 1)) + std::string(text.substr(close + 1));
}

constexpr std::size_t kSocketPathMost = 107;  // sun_path, and the byte that ends it

constexpr std::string_view kBelow = "/*";

bool in_only_spelling(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const std::string_view part = path.substr(0, path.find('/'));
        if (part.empty() || part == "." || part == "..") return false;
        path.remove_prefix(part.size());
    }
    return true;
}

Result<ForwardEntry> parse_socket_entry(std::string_view text) {
    ForwardEntry entry;
    entry.path = std::string(text);
    const bool below = text.ends_with(kBelow);
    if (below) text.remove_suffix(kBelow.size());
    if (text.find('*') != std::string_view::npos) return fail("forward \"" + entry.path + "\": * stands at the end, behind a /");
    if (below && text.empty()) return entry;
    const auto path = SocketPath::parse(text);
    if (!path) return fail("forward \"" + entry.path + "\": " + path.error().text);
    return entry;
}

}  // namespace

std::string_view kind_of_own_address(const base::Address& any) {
    const base::Address address = any.unmapped();
    const auto in = [&](std::string_view network) { return base::Network::parse(network)->contains(address); };
    if (address.holds_v4()) return "IPv4 inside IPv6";
    if (in("127.0.0.0/8") || in("::1")) return "loopback";
    if (in("0.0.0.0/8") || in("::")) return "unspecified";
    if (in("169.254.0.0/16") || in("fe80::/10")) return "link-local";
    if (in("224.0.0.0/4") || in("ff00::/8")) return "multicast";
    if (in("240.0.0.0/4")) return "broadcast";
    return {};
}

Result<SocketPath> SocketPath::parse(std::string_view text) {
    if (!text.starts_with('/')) return fail("the path of a socket begins with /");
    if (text.size() > kSocketPathMost) return fail("the path of a socket has at most 107 bytes");
    if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; })) {
        return fail("the path of a socket has no control characters");
    }
    if (!in_only_spelling(text)) return fail("the path of a socket has no empty part, and none that is . or ..");
    return SocketPath{std::string(text)};
}

Result<ForwardHost> ForwardHost::parse(std::string_view text) {
    if (const auto address = base::Address::parse(text)) {
        if (address->holds_v4()) return fail("an IPv4 address inside an IPv6 address is not a permitted way to name a host");
        return ForwardHost{address, address->text()};
    }
    if (base::ends_in_number(text)) return fail("an address must be written in full, as four decimal numbers");
    std::string name = lower_case(text.ends_with('.') ? text.substr(0, text.size() - 1) : text);
    if (!base::is_host_name(name)) return fail("not the name of a host");
    return ForwardHost{std::nullopt, std::move(name)};
}

Result<ForwardEntry> ForwardEntry::parse(std::string_view text) {
    const auto wrong = [&](std::string_view what) {
        return fail("forward \"" + std::string(text) + "\": " + std::string(what));
    };
    if (text.starts_with('/')) return parse_socket_entry(text);
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) {
        return wrong("write host:port, CIDR:port, host:low-high, host:*, or the path of a socket");
    }
    ForwardEntry entry;
    if (!parse_ports(text.substr(colon + 1), entry.ports)) return wrong("the port is a number, low-high or *");
    const std::string_view before = text.substr(0, colon);
    const auto host = without_brackets(before);
    if (!host) return wrong("a bracket is not closed");
    if (*host == "*") return wrong("a host is named; every address is 0.0.0.0/0 and [::]/0");
    entry.network = base::Network::parse(*host);
    if (entry.network) {
        if (entry.network->address.v6 != before.starts_with('[')) return wrong("IPv6, and only IPv6, stands in brackets");
        return entry;
    }
    if (host->find('/') != std::string::npos) return wrong("not a network: the bits behind the prefix must be zero");
    const auto name = ForwardHost::parse(*host);
    if (!name) return wrong(name.error().text);
    if (before.starts_with('[')) return wrong("IPv6, and only IPv6, stands in brackets");
    entry.name = name->name;
    return entry;
}

bool ForwardEntry::permits(const ForwardHost& host, std::uint16_t port) const { return ports.holds(port) && names(host); }

bool ForwardEntry::permits_listening(const ForwardHost& host, std::uint16_t port) const {
    return ports.holds_listening(port) && names(host);
}

bool ForwardEntry::permits(const SocketPath& socket) const {
    if (!is_folder()) return !path.empty() && socket.text == path;
    return socket.text.starts_with(std::string_view(path).substr(0, path.size() - 1));
}

bool ForwardEntry::names(const ForwardHost& host) const {
    if (!path.empty()) return false;
    if (network) return host.address && network->contains(*host.address);
    return !host.address && host.name == name;
}

}  // namespace sekisho::model
