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

bool parse_ports(std::string_view text, ForwardEntry& entry) {
    if (text == "*") {
        entry.low = 1;
        entry.high = 65535;
        return true;
    }
    const std::size_t dash = text.find('-');
    const auto low = base::parse_port(text.substr(0, dash));
    const auto high = dash == std::string_view::npos ? low : base::parse_port(text.substr(dash + 1));
    if (!low || !high || *low == 0 || *low > *high) return false;
    entry.low = *low;
    entry.high = *high;
    return true;
}

/// "[v6]", "[v6]/32", "[v6/32]" → "v6", "v6/32".
std::optional<std::string> without_brackets(std::string_view text) {
    if (!text.starts_with('[')) return std::string(text);
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    return std::string(text.substr(1, close - 1)) + std::string(text.substr(close + 1));
}

}  // namespace

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
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return wrong("write host:port, CIDR:port, host:low-high or host:*");
    ForwardEntry entry;
    if (!parse_ports(text.substr(colon + 1), entry)) return wrong("the port is a number, low-high or *");
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

bool ForwardEntry::permits(const ForwardHost& host, std::uint16_t port) const {
    if (port < low || port > high) return false;
    if (network) return host.address && network->contains(*host.address);
    return !host.address && host.name == name;
}

}  // namespace sekisho::model
