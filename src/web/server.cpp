#include "web/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "base/log.h"

namespace sekisho::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol, asio::any_io_executor>;

constexpr std::chrono::seconds kPatience{30};  // for one request or response
constexpr std::chrono::seconds kPatienceWithStrangers{5};
constexpr int kMostConnections = 64;
constexpr int kMostStrangers = 8;  // connections of accounts without a role: they cannot take the others' places
constexpr std::size_t kMostReaderBody = 64U << 10;  // of who may not change anything

Error system_error(const std::string& what) { return {what, std::strerror(errno)}; }

/// True when a process accepts connections there.
bool somebody_listens(const sockaddr_un& address) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return connected;
}

class SocketServer final : public Server {
public:
    SocketServer(int fd, std::string path, Handler handler, Roles roles)
        : m_path(std::move(path)), m_handler(std::move(handler)), m_roles(std::move(roles)),
          m_acceptor(m_context, Protocol(), fd) {
        asio::co_spawn(m_context, accept(), asio::detached);
        m_thread = std::thread([this] { m_context.run(); });
    }

    ~SocketServer() override {
        m_context.stop();
        m_thread.join();
        ::unlink(m_path.c_str());
    }

private:
    asio::awaitable<void> accept() {
        while (true) {
            beast::error_code error;
            auto socket = co_await m_acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error == asio::error::operation_aborted) co_return;
            if (error) {  // no descriptors left: what is open must end first
                log::warn_limited("admin.accept_failed", {{"error", error.message()}});

                asio::steady_timer pause(m_context, std::chrono::milliseconds(100));
                co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
                continue;
            }
            const auto peer = peer_of(socket.native_handle());
            if (!peer) continue;  // closes it
            const Grants grants = m_roles.of(*peer);
            int& here = grants.none() ? m_strangers : m_connections;
            if (here >= (grants.none() ? kMostStrangers : kMostConnections)) continue;
            asio::co_spawn(m_context, converse(Stream(std::move(socket)), "uid " + std::to_string(peer->uid), grants, here),
                asio::detached);
        }
    }

    asio::awaitable<void> converse(Stream stream, std::string actor, Grants grants, int& here) {
        ++here;
        const auto leave = std::shared_ptr<void>(nullptr, [&here](void*) { --here; });
        const auto patience = grants.none() ? kPatienceWithStrangers : kPatience;

        beast::flat_buffer buffer;
        beast::error_code error;
        while (true) {
            http::request_parser<http::string_body> parser;
            parser.body_limit(grants.has(Permission::Change) ? kMostBodyBytes : kMostReaderBody);
            stream.expires_after(patience);
            co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
            if (error) co_return;
            const bool keep = parser.get().keep_alive() && !grants.none();
            std::shared_ptr<BodyStream> more;
            http::response<http::string_body> response = answer(parser.get(), actor, grants, more);
            if (more) co_return co_await stream_out(stream, std::move(response), std::move(more));
            response.keep_alive(keep);
            response.prepare_payload();
            stream.expires_after(patience);
            co_await http::async_write(stream, response, asio::redirect_error(asio::use_awaitable, error));
            if (error || !keep) co_return;
        }
    }

    /// The response, and what comes behind it as it comes, in chunks; until it is over, or the client left.
    asio::awaitable<void> stream_out(Stream& stream, http::response<http::string_body> first, std::shared_ptr<BodyStream> more) {
        using asio::experimental::awaitable_operators::operator||;
        constexpr auto quietly = asio::as_tuple(asio::use_awaitable);
        struct Wake {
            asio::steady_timer timer;
            bool wanted = false;
        };
        const auto wake = std::make_shared<Wake>(Wake{asio::steady_timer(m_context)});
        const auto leave = std::shared_ptr<void>(nullptr, [more](void*) { more->leave(); });
        more->on_more([this, weak = std::weak_ptr(wake)] {
            asio::post(m_context, [weak] {
                const auto waiting = weak.lock();
                if (!waiting) return;
                waiting->wanted = true;
                waiting->timer.cancel();
            });
        });
        http::response<http::empty_body> head(first.result(), first.version());
        for (const auto& field : first) head.insert(field.name_string(), field.value());
        head.keep_alive(false);
        head.chunked(true);
        http::response_serializer<http::empty_body> serializer(head);
        beast::error_code error;
        stream.expires_after(kPatience);
        co_await http::async_write_header(stream, serializer, asio::redirect_error(asio::use_awaitable, error));
        for (std::string text = std::move(first.body()); !error;) {
            if (!text.empty()) {
                stream.expires_after(kPatience);
                co_await asio::async_write(
                    stream, http::make_chunk(asio::buffer(text)), asio::redirect_error(asio::use_awaitable, error));
            } else if (more->over() && more->broken()) {
                co_return;  // the connection ends, and the body does not
            } else if (more->over()) {
                stream.expires_after(kPatience);
                co_await asio::async_write(stream, http::make_chunk_last(), asio::redirect_error(asio::use_awaitable, error));
                co_return;
            } else if (!std::exchange(wake->wanted, false)) {
                wake->timer.expires_after(kPatience);
                stream.expires_never();
                const auto woken =
                    co_await (wake->timer.async_wait(quietly) || stream.socket().async_wait(Protocol::socket::wait_read, quietly));
                if (woken.index() == 1) co_return;  // the client has nothing more to say: it went
            }
            if (error) co_return;
            text = more->take();
        }
    }

    http::response<http::string_body> answer(http::request<http::string_body>& asked, const std::string& actor, const Grants& grants,
        std::shared_ptr<BodyStream>& more) {
        Response made{.status = 400, .body = "{\"error\":\"the request's target is malformed\"}\n"};
        const std::string_view target(asked.target().data(), asked.target().size());
        const std::string_view method(asked.method_string().data(), asked.method_string().size());
        if (auto request = Request::from_target(method, target)) {
            request->body = std::move(asked.body());
            request->actor = actor;
            request->grants = grants;
            made = m_handler(*request);
        }
        http::response<http::string_body> response(static_cast<http::status>(made.status), asked.version());
        response.set(http::field::content_type, made.content_type);
        response.set(http::field::cache_control, "no-store");
        response.body() = std::move(made.body);
        more = std::move(made.stream);
        return response;
    }

    std::string m_path;
    Handler m_handler;
    const Roles m_roles;
    asio::io_context m_context{1};
    Protocol::acceptor m_acceptor;
    int m_connections = 0;
    int m_strangers = 0;
    std::thread m_thread;
};

}  // namespace

Result<int> listen_at(const std::string& path, const Roles& roles) {
    const mode_t mode = roles.others() ? 0666 : 0600;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail("the name of the admin socket is too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size());
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    if (somebody_listens(address)) return fail("another gateway already listens on " + path);
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) == 0) {
        if (!S_ISSOCK(facts.st_mode)) return fail(path + " is there and is not a socket");
        ::unlink(path.c_str());
    }
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return std::unexpected(system_error("cannot make the admin socket"));
    // On Linux the file takes the mode that the socket has when it is bound: it is never open to more, not even for a moment.
    if (::fchmod(fd, mode) != 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), mode) != 0 || ::listen(fd, 64) != 0) {
        const Error error = system_error("cannot listen on " + path);
        ::close(fd);
        return std::unexpected(error);
    }
    return fd;
}

Result<std::unique_ptr<Server>> serve(int listening, const std::string& path, Server::Handler handler, const Roles& roles) {
    try {
        return std::make_unique<SocketServer>(listening, path, std::move(handler), roles);
    } catch (const std::exception& error) {
        ::close(listening);
        return fail("cannot serve the admin API", error.what());
    }
}

Result<std::unique_ptr<Server>> serve(const std::string& path, Server::Handler handler, const Roles& roles) {
    const auto fd = listen_at(path, roles);
    if (!fd) return std::unexpected(fd.error());
    return serve(*fd, path, std::move(handler), roles);
}

}  // namespace sekisho::web
