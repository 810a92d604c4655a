// IP addresses and CIDR networks as values. Only what has one reading is an address: four decimal numbers without leading
// zeros, or RFC 4291 text for IPv6; octal, hex, short and zone-id forms are not. Used by policy, store and gateway.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::base {

struct Address {
    bool v6 = false;
    std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 uses the first four

    static std::optional<Address> parse(std::string_view text);
    /// RFC 5952 text.
    std::string text() const;
    /// ::ffff:0:0/96, and the ::/96 forms that some systems dial as IPv4.
    bool holds_v4() const;
    /// ::ffff:a.b.c.d as a.b.c.d; anything else as it is. For addresses that our own dual-stack sockets report.
    Address unmapped() const;

    friend bool operator==(const Address&, const Address&) = default;
};

struct Network {
    Address address;
    unsigned prefix = 0;

    /// "10.0.0.0/8", "2001:db8::/32", or an address alone (all its bits). Bits behind the prefix must be zero;
    /// IPv4 inside IPv6 is no network.
    static std::optional<Network> parse(std::string_view text);
    bool contains(const Address& other) const;
};

struct HostPort {
    std::string host;  // without brackets
    std::uint16_t port = 0;
};

/// "host:port", "[v6]:port"; the port is decimal, 0…65535. An IPv6 address needs its brackets.
std::optional<HostPort> parse_host_port(std::string_view text);
/// Decimal, no sign, no leading zero.
std::optional<std::uint16_t> parse_port(std::string_view text);
/// Letters, digits, '-', '_' in labels of 1…63 with dots between, at most 253; not ending in a number, which would be an
/// address.
bool is_host_name(std::string_view text);
/// The last label is a number in a form that a resolver may read as (part of) an IPv4 address: "1", "0x7f", "10.1", "017.0.0.1".
bool ends_in_number(std::string_view host);

}  // namespace sekisho::base
