// The admin socket with a plain socket as its client: mode, framing, limits, a place that is taken.
#include "web/server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace sekisho::web {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ServerTest : public testing::Test {
protected:
    ServerTest() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-web-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
        m_path = m_folder + "/run/admin.sock";
    }
    ~ServerTest() override { std::filesystem::remove_all(m_folder); }

    int dial() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, m_path.c_str(), sizeof address.sun_path - 1);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
        ::close(fd);
        return -1;
    }
    /// Everything that the server says until it closes.
    std::string talk(const std::string& request) const {
        const int fd = dial();
        if (fd < 0) return "no connection";
        EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
        std::string answer;
        char buffer[4096];
        for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) answer.append(buffer, static_cast<std::size_t>(n));
        ::close(fd);
        return answer;
    }

    std::string m_folder;
    std::string m_path;
};

Response echo(const Request& request) {
    return {200,
        fmt::format("{} {} [{}] {} {}", request.method, request.path, request.parameter("q"), request.body, request.actor)};
}

TEST_F(ServerTest, AnswersOnASocketForItsOwner) {
    auto server = serve(m_path, echo);
    ASSERT_TRUE(server) << server.error().full();
    struct stat facts{};
    ASSERT_EQ(::stat(m_path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0600U);
    const std::string answer =
        talk("POST /v1/x?q=a%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr(fmt::format("POST /v1/x [a b] body uid {}", ::getuid())));
    server->reset();
    EXPECT_FALSE(std::filesystem::exists(m_path));
}

TEST_F(ServerTest, SeveralRequestsOnOneConnection) {
    const auto server = serve(m_path, echo);
    const std::string answer =
        talk("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("GET /1"));
    EXPECT_THAT(answer, HasSubstr("GET /2"));
}

TEST_F(ServerTest, MalformedRequestsEndTheConnectionOnly) {
    const auto server = serve(m_path, echo);
    talk("\x16\x03\x01 nonsense\r\n\r\n");
    EXPECT_THAT(talk("GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 400"));
    EXPECT_EQ(talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"), "");
    EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ServerTest, EndsWithConnectionsOpen) {
    auto server = serve(m_path, echo);
    const int fd = dial();
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::send(fd, "GET / HT", 8, MSG_NOSIGNAL), 8);
    server->reset();
    char byte = 0;
    EXPECT_LE(::read(fd, &byte, 1), 0);
    ::close(fd);
}

TEST_F(ServerTest, APlaceThatIsTaken) {
    auto first = serve(m_path, echo);
    const auto second = serve(m_path, echo);
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().text, HasSubstr("already listens"));
    EXPECT_GE(::close(dial()), 0);  // the first is not disturbed

    const std::string file = m_folder + "/file";
    std::ofstream(file) << "precious";
    EXPECT_FALSE(serve(file, echo));
    EXPECT_TRUE(std::filesystem::exists(file));
    EXPECT_FALSE(serve(m_folder + "/" + std::string(200, 'x'), echo));
}

TEST_F(ServerTest, ASocketThatACrashLeftIsReplaced) {
    std::filesystem::create_directories(m_folder + "/run");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, m_path.c_str(), sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(fd);
    const auto server = serve(m_path, echo);
    ASSERT_TRUE(server) << server.error().full();
    EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace sekisho::web
