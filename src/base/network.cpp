#include "base/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace sekisho::base {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string_view last_label(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    const std::size_t dot = host.rfind('.');
    return dot == std::string_view::npos ? host : host.substr(dot + 1);
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
    if (text.empty() || text.size() > 45 || text.find('\0') != std::string_view::npos) return std::nullopt;
    const std::string copy(text);
    Address address;
    // inet_pton is strict: exactly four decimal parts, no leading zeros (glibc), no zone id.
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) return address;
    address.v6 = true;
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
    return std::nullopt;
}

std::string Address::text() const {
    char buffer[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), buffer, sizeof buffer);
    return buffer;
}

bool Address::holds_v4() const {
    if (!v6) return false;
    if (!std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t byte) { return byte == 0; })) return false;
    if (bytes[10] == 0xff && bytes[11] == 0xff) return true;
    if (bytes[10] != 0 || bytes[11] != 0) return false;
    // ::/96 without :: and ::1.
    return bytes[12] != 0 || bytes[13] != 0 || bytes[14] != 0 || bytes[15] > 1;
}

Address Address::unmapped() const {
    if (!holds_v4() || bytes[10] != 0xff) return *this;
    Address v4;
    std::copy(bytes.begin() + 12, bytes.end(), v4.bytes.begin());
    return v4;
}

std::optional<Network> Network::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = Address::parse(text.substr(0, slash));
    if (!address || address->holds_v4()) return std::nullopt;
    const unsigned bits = address->v6 ? 128 : 32;
    Network network{*address, bits};
    if (slash == std::string_view::npos) return network;
    const auto prefix = parse_port(text.substr(slash + 1));
    if (!prefix || *prefix > bits) return std::nullopt;
    network.prefix = *prefix;
    for (unsigned bit = network.prefix; bit < bits; ++bit) {
        if ((address->bytes[bit / 8] >> (7 - bit % 8)) & 1) return std::nullopt;
    }
    return network;
}

bool Network::contains(const Address& other) const {
    if (other.v6 != address.v6) return false;
    const unsigned whole = prefix / 8;
    if (!std::equal(other.bytes.begin(), other.bytes.begin() + whole, address.bytes.begin())) return false;
    const unsigned rest = prefix % 8;
    if (rest == 0) return true;
    const unsigned mask = 0xffU << (8 - rest);
    return ((static_cast<unsigned>(other.bytes[whole]) ^ address.bytes[whole]) & mask & 0xffU) == 0;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    if (text.size() > 1 && text[0] == '0') return std::nullopt;
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    if (value > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(value);
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    std::string_view host;
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find("]:");
        if (end == std::string_view::npos) return std::nullopt;
        host = text.substr(1, end - 1);
        port = text.substr(end + 2);
        const auto address = Address::parse(host);
        if (!address || !address->v6) return std::nullopt;
    } else {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (!Address::parse(host) && !is_host_name(host)) return std::nullopt;
    }
    const auto number = parse_port(port);
    if (!number) return std::nullopt;
    return HostPort{std::string(host), *number};
}

bool ends_in_number(std::string_view host) {
    const std::string_view label = last_label(host);
    if (label.empty()) return false;
    if (std::all_of(label.begin(), label.end(), is_digit)) return true;
    return label.size() >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X') &&
           std::all_of(label.begin() + 2, label.end(), is_hex);
}

bool is_host_name(std::string_view text) {
    if (text.empty() || text.size() > 253 || ends_in_number(text)) return false;
    std::size_t label = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '.') {
            if (label == 0 || text[i - 1] == '-') return false;
            label = 0;
            continue;
        }
        if (!is_letter(c) && !is_digit(c) && c != '_' && !(c == '-' && label > 0)) return false;
        if (++label > 63) return false;
    }
    return label > 0 && text.back() != '-';
}

}  // namespace sekisho::base
