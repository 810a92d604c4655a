// The listener for targets, with a plain socket as its client: one page, small requests, an end with connections open.
#include "web/ca_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sekisho::web {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class CaServerTest : public testing::Test {
protected:
    CaServerTest() {
        const auto listening = listen_for_targets("127.0.0.1:0");
        EXPECT_TRUE(listening.has_value());
        socklen_t size = sizeof m_address;
        EXPECT_EQ(::getsockname(*listening, reinterpret_cast<sockaddr*>(&m_address), &size), 0);
        m_server = std::move(*serve_targets(*listening, [] { return std::string("ssh-ed25519 AAAA ca\n"); }));
    }

    int dial() const {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&m_address), sizeof m_address), 0);
        return fd;
    }
    std::string talk(const std::string& request) const {
        const int fd = dial();
        (void)::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
        std::string answer;
        char buffer[4096];
        for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) answer.append(buffer, static_cast<std::size_t>(n));
        ::close(fd);
        return answer;
    }

    sockaddr_in m_address{};
    std::unique_ptr<CaServer> m_server;
};

TEST_F(CaServerTest, OnePage) {
    const std::string got = talk("GET /ca.pub HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(got.ends_with("\r\n\r\nssh-ed25519 AAAA ca\n")) << got;
    const std::string head = talk("HEAD /ca.pub HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(head, HasSubstr("Content-Length: 20\r\n"));
    EXPECT_THAT(head, Not(HasSubstr("AAAA")));
    EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(talk("POST /ca.pub HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"), StartsWith("HTTP/1.1 405"));
}

TEST_F(CaServerTest, WhatIsNoRequestEndsItsConnectionOnly) {
    EXPECT_EQ(talk("\x16\x03\x01 nonsense\r\n\r\n"), "");
    EXPECT_EQ(talk("GET /ca.pub HTTP/1.1\r\nX: " + std::string(10000, 'x') + "\r\n\r\n"), "");
    EXPECT_THAT(talk("GET /ca.pub HTTP/1.0\r\n\r\n"), HasSubstr("AAAA"));
}

TEST_F(CaServerTest, EndsWithConnectionsOpen) {
    const int fd = dial();
    ASSERT_EQ(::send(fd, "GET /ca", 7, MSG_NOSIGNAL), 7);
    m_server.reset();
    char byte = 0;
    EXPECT_LE(::read(fd, &byte, 1), 0);
    ::close(fd);
}

TEST(CaServerPlace, IsAnAddressThatIsFree) {
    EXPECT_THAT(listen_for_targets("nowhere").error().text, HasSubstr("not address:port"));
    EXPECT_THAT(listen_for_targets("192.0.2.1:1").error().text, HasSubstr("cannot listen on 192.0.2.1:1"));
}

}  // namespace
}  // namespace sekisho::web
