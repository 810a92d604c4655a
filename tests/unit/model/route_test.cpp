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

}  // namespace
}  // namespace sekisho::model
