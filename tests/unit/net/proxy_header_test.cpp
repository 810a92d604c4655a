// PROXY headers: the examples are those of HAProxy's specification, and what its `send-proxy-v2` writes.
#include "net/proxy_header.h"

#include <gtest/gtest.h>

namespace sekisho::net {
namespace {

using namespace std::string_literals;

const std::string kMark = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(char command, char family, const std::string& rest) {
    const auto size = static_cast<unsigned>(rest.size());
    return kMark + command + family + static_cast<char>(size >> 8) + static_cast<char>(size & 0xff) + rest;
}

/// "192.0.2.1:22 of 40", "itself of 15", "more", or "wrong".
std::string decoded(const std::string& input) {
    const auto header = decode_proxy_header(base::view(input));
    if (!header) return "wrong";
    if (!*header) return "more";
    return ((*header)->source ? (*header)->source->text() : "itself") + " of " + std::to_string((*header)->size);
}

TEST(ProxyHeader, Version1) {
    EXPECT_EQ(decoded("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nSSH-2.0-x"), "192.168.0.1:56324 of 47");
    EXPECT_EQ(decoded("PROXY TCP6 2001:db8::7 2001:db8::1 65535 22\r\n"), "[2001:db8::7]:65535 of 45");
    EXPECT_EQ(decoded("PROXY TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), "wrong");
    EXPECT_EQ(decoded("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n"), "192.0.2.1:1 of 50");
    EXPECT_EQ(decoded("PROXY UNKNOWN\r\n"), "itself of 15");
    EXPECT_EQ(decoded("PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff x y z 65535 65535\r\n"), "itself of 55");
    for (const char* wrong :
        {"PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n", "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443 1\r\n",
            "PROXY TCP4 192.168.0.1  192.168.0.11 56324 443\r\n", "PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n", "PROXY TCP4 192.168.0.01 192.168.0.11 1 443\r\n",
            "PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n", "PROXY TCP6 192.168.0.1 192.168.0.11 1 2\r\n",
            "PROXY TCP4 host 192.168.0.11 1 2\r\n", "PROXY TCP5 192.168.0.1 192.168.0.11 1 2\r\n", "PROXY \r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 1 2 \r\n", "PROXY TCP4 192.168.0.1 192.168.0.11 +1 2\r\n",
            "PROXY TCP4 192.168.0.1 192.168.0.11 1 -2\r\n", "proxy TCP4 192.168.0.1 192.168.0.11 1 2\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n", "PROXYTCP4", "\n", "GET / HTTP/1.0\r\n\r\n"}) {
        EXPECT_EQ(decoded(wrong), "wrong") << wrong;
    }
    EXPECT_EQ(decoded("PROXY TCP4 " + std::string(95, '1')), "more");
    EXPECT_EQ(decoded("PROXY TCP4 " + std::string(96, '1')), "wrong") << "no line in 107 bytes";
    EXPECT_EQ(decoded("PROXY UNKNOWN " + std::string(91, '1') + "\r\n"), "itself of 107");
}

TEST(ProxyHeader, Version2) {
    const std::string v4 = "\xc0\x00\x02\x01\xc0\x00\x02\x02\x30\x39\x00\x16"s;
    EXPECT_EQ(decoded(binary(0x21, 0x11, v4) + "SSH-2.0-x\r\n"), "192.0.2.1:12345 of 28");
    const std::string v6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07\x20\x01\x0d\xb8"s + std::string(11, '\0') +
                           "\x01\xff\xff\x00\x16"s;
    EXPECT_EQ(decoded(binary(0x21, 0x21, v6)), "[2001:db8::7]:65535 of 52");
    const std::string mapped = std::string(10, '\0') + "\xff\xff\xc0\x00\x02\x01"s + std::string(20, '\0');
    EXPECT_EQ(decoded(binary(0x21, 0x21, mapped)), "192.0.2.1:0 of 52");
    EXPECT_EQ(decoded(binary(0x21, 0x11, v4 + "\x04\x00\x03xyz\x03\x00\x00"s)), "192.0.2.1:12345 of 37");
    EXPECT_EQ(decoded(binary(0x21, 0x11, v4 + "\x04\x00\x04xyz"s)), "wrong") << "an extra beyond the end";
    EXPECT_EQ(decoded(binary(0x21, 0x11, v4 + "\x04\x00"s)), "wrong");
    EXPECT_EQ(decoded(binary(0x20, 0x00, "")), "itself of 16");
    EXPECT_EQ(decoded(binary(0x20, 0x11, v4)), "itself of 28") << "LOCAL: a health check of the proxy";
    EXPECT_EQ(decoded(binary(0x21, 0x00, "anything")), "itself of 24");
    for (const auto& wrong : {binary(0x11, 0x11, v4), binary(0x22, 0x11, v4), binary(0x21, 0x12, v4), binary(0x21, 0x31, v4),
             binary(0x21, 0x11, v4.substr(1)), binary(0x21, 0x21, v4), binary(0x21, 0x11, std::string(2033, '\0')),
             kMark.substr(0, 11) + "x"}) {
        EXPECT_EQ(decoded(wrong), "wrong");
    }
    EXPECT_EQ(decoded(binary(0x20, 0x00, std::string(2032, '\0'))), "itself of 2048");
}

TEST(ProxyHeader, EveryBeginningNeedsMore) {
    for (const std::string& whole : {"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"s,
             binary(0x21, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\x30\x39\x00\x16"s)}) {
        for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_EQ(decoded(whole.substr(0, size)), "more") << size;
    }
}

}  // namespace
}  // namespace sekisho::net
