// A server of the test that answers as it is told, and a client that asks it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "s3/client.h"

namespace sekisho::s3::testing {

using namespace std::chrono_literals;

/// HTTP of one request at a time and connection; each answer is made by a function. "" hangs up instead.
class TestServer {
public:
    using Answer = std::function<std::string(const std::string& head)>;
    using AnswerToBody = std::function<std::string(const std::string& head, const std::string& body)>;

    explicit TestServer(Answer answer)
        : TestServer(AnswerToBody([answer = std::move(answer)](const std::string& head, const std::string&) { return answer(head); })) {}
    explicit TestServer(AnswerToBody answer) : m_answer(std::move(answer)) {
        m_listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(m_listener, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(m_listener, 64), 0);
        ::getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &size);
        m_port = ntohs(address.sin_port);
        m_acceptor = std::thread([this] { accept_all(); });
    }
    ~TestServer() {
        ::shutdown(m_listener, SHUT_RDWR);
        m_acceptor.join();
        {
            const std::lock_guard lock(m_mutex);
            for (const int fd : m_open) ::shutdown(fd, SHUT_RDWR);
        }
        for (auto& thread : m_threads) thread.join();
        ::close(m_listener);
    }
    std::string url() const { return fmt::format("http://127.0.0.1:{}", m_port); }
    std::size_t connections() const { return m_connections; }

private:
    void accept_all() {
        while (true) {
            const int fd = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0) return;
            ++m_connections;
            const std::lock_guard lock(m_mutex);
            m_open.insert(fd);
            m_threads.emplace_back([this, fd] { serve(fd); });
        }
    }
    void serve(int fd) {
        std::string text;
        char block[65536];
        for (ssize_t n = 0; (n = ::read(fd, block, sizeof block)) > 0;) {
            text.append(block, static_cast<std::size_t>(n));
            const std::size_t end = text.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            const std::string head = text.substr(0, end);
            const std::size_t length = head.find("Content-Length: ");
            const std::size_t body = length == std::string::npos ? 0 : std::stoul(head.substr(length + 16));
            if (text.size() < end + 4 + body) continue;
            const std::string answer = m_answer(head, text.substr(end + 4, body));
            text.erase(0, end + 4 + body);
            if (answer.empty() || ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
            if (answer.find("Connection: close") != std::string::npos) break;
        }
        const std::lock_guard lock(m_mutex);
        m_open.erase(fd);
        ::close(fd);
    }

    AnswerToBody m_answer;
    int m_listener = -1;
    std::uint16_t m_port = 0;
    std::mutex m_mutex;
    std::set<int> m_open;
    std::thread m_acceptor;
    std::vector<std::thread> m_threads;
    std::atomic<std::size_t> m_connections = 0;
};

inline std::string ok(const std::string& body, const char* status = "200 OK") {
    return fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body);
}

inline Client client_of(const std::string& endpoint, unsigned attempts = 4) {
    TransferSettings settings;
    settings.plain = true;
    settings.direct = true;
    settings.attempts = attempts;
    settings.first_pause = 1ms;
    settings.connect_timeout = 5s;
    settings.total_timeout = 10s;
    const auto place = find_place("s3://bucket/keys/", "us-east-1", endpoint);
    EXPECT_TRUE(place) << place.error().full();
    return {*place, settings,
        CredentialSource(
            []() -> Result<std::string> { return "aws_access_key_id=ID\naws_secret_access_key=hidden"; }, ::getenv)};
}

}  // namespace sekisho::s3::testing
