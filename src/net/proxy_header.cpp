#include "net/proxy_header.h"

#include <algorithm>
#include <array>

#include "base/network.h"

namespace sekisho::net {

namespace {

constexpr std::string_view kTextMark = "PROXY ";
constexpr std::string_view kBinaryMark("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMostText = 107;  // with its CR LF
constexpr std::size_t kBinaryHead = 16;

using Decoded = Result<std::optional<ProxyHeader>>;

Decoded ill_formed(const char* what) { return fail("the PROXY header is not well-formed", what); }

/// "PROXY TCP4 SOURCE DESTINATION PORT PORT", one blank between.
Decoded decode_text(std::string_view input) {
    const std::size_t end = input.substr(0, kMostText).find("\r\n");
    if (end == std::string_view::npos) {
        if (input.size() >= kMostText) return ill_formed("no end of line in 107 bytes");
        return std::nullopt;
    }
    std::array<std::string_view, 6> words;
    std::size_t count = 0;
    for (std::string_view rest = input.substr(0, end); count < words.size(); ++count) {
        const std::size_t blank = rest.find(' ');
        words[count] = rest.substr(0, blank);
        // The rest of an UNKNOWN line is nobody's business.
        if (count == 1 && words[1] == "UNKNOWN") return ProxyHeader{end + 2, std::nullopt};
        if (blank == std::string_view::npos) break;
        if (count + 1 == words.size()) return ill_formed("too many words");
        rest.remove_prefix(blank + 1);
    }
    if (count + 1 != words.size()) return ill_formed("too few words");
    const bool v6 = words[1] == "TCP6";
    if (!v6 && words[1] != "TCP4") return ill_formed("neither TCP4 nor TCP6");
    const auto source = base::Address::parse(words[2]);
    const auto destination = base::Address::parse(words[3]);
    const auto port = base::parse_port(words[4]);
    if (!source || !destination || source->v6 != v6 || destination->v6 != v6) return ill_formed("addresses");
    if (!port || !base::parse_port(words[5])) return ill_formed("ports");
    return ProxyHeader{end + 2, Endpoint{source->unmapped().text(), *port}};
}

unsigned u8(BytesView input, std::size_t at) { return std::to_integer<unsigned>(input[at]); }
unsigned u16(BytesView input, std::size_t at) { return u8(input, at) << 8 | u8(input, at + 1); }

/// Type, length, value, and so on to the end: nothing in there is used.
bool well_formed_extras(BytesView extras) {
    while (!extras.empty()) {
        if (extras.size() < 3 || extras.size() < 3 + u16(extras, 1)) return false;
        extras = extras.subspan(3 + u16(extras, 1));
    }
    return true;
}

Decoded decode_binary(BytesView input) {
    if (input.size() < kBinaryHead) return std::nullopt;
    const unsigned command = u8(input, 12);
    const unsigned family = u8(input, 13);
    const std::size_t size = kBinaryHead + u16(input, 14);
    if (command != 0x20 && command != 0x21) return ill_formed("version or command");
    if (size > kMostProxyHeader) return ill_formed("too long");
    if (command == 0x21 && family != 0x00 && family != 0x11 && family != 0x21)
        return ill_formed("neither TCP over IPv4 nor over IPv6");
    if (input.size() < size) return std::nullopt;
    ProxyHeader header{size, std::nullopt};
    if (command == 0x20 || family == 0x00) return header;
    base::Address source{.v6 = family == 0x21, .bytes = {}};
    const std::size_t bytes = source.v6 ? 16 : 4;
    const std::size_t extras = kBinaryHead + 2 * bytes + 4;
    if (size < extras) return ill_formed("no room for the addresses");
    if (!well_formed_extras(input.subspan(extras, size - extras))) return ill_formed("what follows the addresses");
    for (std::size_t i = 0; i < bytes; ++i) source.bytes[i] = static_cast<std::uint8_t>(u8(input, kBinaryHead + i));
    header.source = Endpoint{source.unmapped().text(), static_cast<std::uint16_t>(u16(input, kBinaryHead + 2 * bytes))};
    return header;
}

}  // namespace

Decoded decode_proxy_header(BytesView input) {
    const std::string_view text = base::text_view(input);
    const auto begins = [&](std::string_view mark) { return text.substr(0, mark.size()) == mark.substr(0, text.size()); };
    if (begins(kTextMark)) return text.size() < kTextMark.size() ? Decoded(std::nullopt) : decode_text(text);
    if (begins(kBinaryMark)) return text.size() < kBinaryMark.size() ? Decoded(std::nullopt) : decode_binary(input);
    return ill_formed("it begins otherwise");
}

}  // namespace sekisho::net
