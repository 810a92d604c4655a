#include "web/ca_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/log.h"
#include "base/network.h"

namespace sekisho::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::chrono::seconds kCaPatience{5};  // for one request and its response
constexpr int kMostCaConnections = 64;
constexpr std::uint32_t kMostHeader = 4096;

class HttpServer final : public CaServer {
public:
    HttpServer(int fd, bool v6, Text text) : m_text(std::move(text)), m_acceptor(m_context, v6 ? tcp::v6() : tcp::v4(), fd) {
        asio::co_spawn(m_context, accept(), asio::detached);
        m_thread = std::thread([this] { m_context.run(); });
    }
    ~HttpServer() override {
        m_context.stop();
        m_thread.join();
    }

private:
    asio::awaitable<void> accept() {
        while (true) {
            beast::error_code error;
            auto socket = co_await m_acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error == asio::error::operation_aborted) co_return;
            if (error) {
                log::warn_limited("ca.accept_failed", {{"error", error.message()}});
                asio::steady_timer pause(m_context, std::chrono::milliseconds(100));
                co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
                continue;
            }
            if (m_connections >= kMostCaConnections) continue;  // closes it
            asio::co_spawn(m_context, converse(beast::tcp_stream(std::move(socket))), asio::detached);
        }
    }

    /// One request for each connection.
    asio::awaitable<void> converse(beast::tcp_stream stream) {
        ++m_connections;
        const auto leave = std::shared_ptr<void>(nullptr, [this](void*) { --m_connections; });
        beast::flat_buffer buffer(kMostHeader);
        beast::error_code error;
        http::request_parser<http::empty_body> parser;
        parser.header_limit(kMostHeader);
        stream.expires_after(kCaPatience);
        co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return;
        http::response<http::string_body> response = answer(parser.get());
        response.keep_alive(false);
        response.prepare_payload();
        if (parser.get().method() == http::verb::head) {
            http::response<http::empty_body> head(std::move(response.base()));
            http::response_serializer<http::empty_body> serializer(head);
            co_await http::async_write_header(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
        } else {
            co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, error));
        }
        stream.socket().shutdown(tcp::socket::shutdown_send, error);
    }

    http::response<http::string_body> answer(const http::request<http::empty_body>& asked) {
        const bool here = asked.target() == "/ca.pub";
        const bool reads = asked.method() == http::verb::get || asked.method() == http::verb::head;
        const auto status = !here ? http::status::not_found : reads ? http::status::ok : http::status::method_not_allowed;
        http::response<http::string_body> response(status, asked.version());
        response.set(http::field::content_type, "text/plain; charset=utf-8");
        response.set(http::field::cache_control, "no-store");
        if (here && !reads) response.set(http::field::allow, "GET, HEAD");
        response.body() = status == http::status::ok ? m_text() : "there is only GET /ca.pub here\n";
        return response;
    }

    Text m_text;
    asio::io_context m_context{1};
    tcp::acceptor m_acceptor;
    int m_connections = 0;
    std::thread m_thread;
};

}  // namespace

Result<int> listen_for_targets(const std::string& address) {
    const auto place = base::parse_host_port(address);
    if (!place) return fail("ca.listen: \"" + address + "\" is not address:port");
    try {
        asio::io_context context;
        const tcp::endpoint endpoint(asio::ip::make_address(place->host), place->port);
        tcp::acceptor acceptor(context, endpoint);  // with SO_REUSEADDR
        const int fd = ::fcntl(acceptor.native_handle(), F_DUPFD_CLOEXEC, 0);
        if (fd < 0) return fail("cannot listen on " + address);
        return fd;
    } catch (const std::exception& error) {
        return fail("cannot listen on " + address + " (ca.listen)", error.what());
    }
}

Result<std::unique_ptr<CaServer>> serve_targets(int listening, CaServer::Text text) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    const bool v6 = ::getsockname(listening, reinterpret_cast<sockaddr*>(&bound), &size) == 0 && bound.ss_family == AF_INET6;
    try {
        return std::make_unique<HttpServer>(listening, v6, std::move(text));
    } catch (const std::exception& error) {
        ::close(listening);
        return fail("cannot serve the CA's public keys", error.what());
    }
}

}  // namespace sekisho::web
