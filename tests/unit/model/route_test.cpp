#include "model/route.h"

#include <gtest/gtest.h>

namespace sekisho::model {
namespace {

TEST(Route, HopsAreTargetsAndProxies) {
    EXPECT_EQ(RouteHop::parse("relay-1.example")->target, "relay-1.example");
    EXPECT_EQ(RouteHop::parse("relay")->login, "");
    EXPECT_EQ(RouteHop::parse("jump@relay")->login, "jump");
    EXPECT_EQ(RouteHop::parse("jump@relay")->target, "relay");
    EXPECT_EQ(RouteHop::parse("socks5://10.0.0.1:1080")->proxy, "socks5://10.0.0.1:1080");
    EXPECT_EQ(RouteHop::parse("http://[fd00::1]:3128")->proxy, "http://[fd00::1]:3128");
    for (const char* wrong : {"", "@relay", "jump@", "Relay", "a b", "socks5://", "socks5://host", "socks5://host:0", "socks4://h:1",
             "https://h:1", "-x@relay", "a@b@relay", "socks5://u:p@h:1"}) {
        EXPECT_FALSE(RouteHop::parse(wrong).has_value()) << wrong;
    }
}

TEST(Route, AProxyIsTheFirst) {
    EXPECT_TRUE(check_route({}).has_value());
    EXPECT_TRUE(check_route({"socks5://h:1", "a", "b"}).has_value());
    EXPECT_FALSE(check_route({"a", "socks5://h:1"}).has_value());
    EXPECT_FALSE(check_route({"socks5://h:1", "http://h:2"}).has_value());
    EXPECT_FALSE(check_route({"a", ""}).has_value());
}

TEST(Route, HostsArePatternsAndNetworks) {
    for (const char* fine : {"*", "*.example.net", "db?", "10.0.0.0/8", "10.0.0.1", "2001:db8::/32", "10.*"})
        EXPECT_TRUE(HostPattern::parse(fine).has_value()) << fine;
    for (const char* wrong :
        {"", "10.0.0.1/8", "*.Example.net", "*.example.net.", "a b", "-x", "::ffff:10.0.0.0/104", "host:22", "[::1]"})
        EXPECT_FALSE(HostPattern::parse(wrong).has_value()) << wrong;
}

TEST(Route, TheFirstThatNamesTheHostCounts) {
    Access access;
    access.routes = {{.name = "near", .hosts = {"near.example.net"}},
        {.name = "inside", .hosts = {"*.example.net", "10.1.0.0/16"}, .via = {"x"}},
        {.name = "rest", .hosts = {"*"}, .via = {"http://h:1", "u@y"}}};
    const auto led = [&](const char* host, const char* except = "") {
        const Route* route = route_to(access, host, except);
        return route == nullptr ? std::string("-") : route->name;
    };
    EXPECT_EQ(led("near.example.net"), "near");
    EXPECT_EQ(led("a.b.example.net"), "inside");
    EXPECT_EQ(led("A.Example.NET."), "inside") << "as it is dialled";
    EXPECT_EQ(led("example.net"), "rest");
    EXPECT_EQ(led("10.1.2.3"), "inside");
    EXPECT_EQ(led("10.2.2.3"), "rest");
    EXPECT_EQ(led("2001:db8::1"), "rest");
    EXPECT_EQ(led("a.example.net", "x"), "rest") << "it could not lead to its own hop";
    EXPECT_EQ(led("a.example.net", "y"), "inside");
    EXPECT_EQ(led("other", "y"), "-");
    for (const char* own : {"localhost", "LOCALHOST.", "db.localhost", "127.0.0.1", "::1", "0.0.0.0", "169.254.169.254",
             "fe80::1", "", "0x7f.1"})
        EXPECT_EQ(led(own), "-") << own;
    access.routes[1].hosts = {"10.*"};
    EXPECT_EQ(led("10.1.2.3"), "rest") << "a pattern is about names";

    Target target{.name = "db", .address = "db.example.net:22"};
    EXPECT_EQ(way_to(access, target), (std::vector<std::string>{"http://h:1", "u@y"}));
    target.route = {"own"};
    EXPECT_EQ(way_to(access, target), (std::vector<std::string>{"own"}));
    target = {.name = "y", .address = "y.example.net:22"};
    EXPECT_TRUE(way_to(access, target).empty());
}

}  // namespace
}  // namespace sekisho::model
