#include "base/network.h"

#include <gtest/gtest.h>

#include "base/nearest.h"

namespace sekisho::base {
namespace {

TEST(AddressTest, OnlyOneSpellingOfIpv4IsAnAddress) {
    EXPECT_EQ(Address::parse("10.0.0.5")->text(), "10.0.0.5");
    for (const char* wrong :
        {"10.0.5", "010.0.0.5", "0x0a.0.0.5", "167772165", "10.0.0.5.", " 10.0.0.5", "10.0.0.256", "10.0.0.5\n", ""}) {
        EXPECT_FALSE(Address::parse(wrong)) << wrong;
    }
    // What the C library would not see.
    EXPECT_FALSE(Address::parse(std::string_view("10.0.0.5\0", 9)));
    EXPECT_FALSE(Address::parse(std::string_view("10.0.0.5\0.example.com", 21)));
    EXPECT_FALSE(Address::parse(std::string_view("::1\0", 4)));
}

TEST(AddressTest, Ipv6) {
    EXPECT_EQ(Address::parse("2001:DB8:0:0::1")->text(), "2001:db8::1");
    EXPECT_FALSE(Address::parse("fe80::1%eth0"));
    EXPECT_TRUE(Address::parse("::ffff:10.0.0.5")->holds_v4());
    EXPECT_TRUE(Address::parse("::10.0.0.5")->holds_v4());
    EXPECT_FALSE(Address::parse("::1")->holds_v4());
    EXPECT_EQ(Address::parse("::ffff:10.0.0.5")->unmapped().text(), "10.0.0.5");
    EXPECT_EQ(Address::parse("::1")->unmapped().text(), "::1");
}

TEST(NetworkTest, ContainsByBits) {
    const auto network = Network::parse("10.1.0.0/18");
    ASSERT_TRUE(network);
    EXPECT_TRUE(network->contains(*Address::parse("10.1.63.255")));
    EXPECT_FALSE(network->contains(*Address::parse("10.1.64.0")));
    EXPECT_FALSE(network->contains(*Address::parse("::ffff:10.1.0.1")));
    EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains(*Address::parse("255.1.2.3")));
    EXPECT_TRUE(Network::parse("2001:db8::/33")->contains(*Address::parse("2001:db8:7fff::1")));
    EXPECT_FALSE(Network::parse("2001:db8::/33")->contains(*Address::parse("2001:db8:8000::1")));
    for (const char* wrong : {"10.1.0.1/16", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "::/129", "10.0.0/8", "x/8"}) {
        EXPECT_FALSE(Network::parse(wrong)) << wrong;
    }
}

TEST(HostPortTest, Forms) {
    EXPECT_EQ(parse_host_port("web1.internal:22")->host, "web1.internal");
    EXPECT_EQ(parse_host_port("[::1]:2222")->host, "::1");
    EXPECT_EQ(parse_host_port("[::1]:2222")->port, 2222);
    for (const char* wrong :
        {"web1", "::1:22", "web1:", "web1:022", "web1:70000", "[web1]:22", "[::1]22", ":22", "we b:1", "10.1:22", "-a:1"}) {
        EXPECT_FALSE(parse_host_port(wrong)) << wrong;
    }
}

TEST(NearestTest, FewEditsOnly) {
    EXPECT_EQ(nearest("lisen", {"listen", "host_keys"}), "listen");
    EXPECT_EQ(nearest("nmae", {"name", "email"}), "name");
    EXPECT_FALSE(nearest("bandwidth", {"listen", "host_keys"}));
}

}  // namespace
}  // namespace sekisho::base
