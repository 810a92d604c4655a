#include "net/proxy_dial.h"

#include <fcntl.h>
#include <curl/curl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "net/endpoint.h"

namespace sekisho::net {

namespace {

constexpr std::string_view kSocks = "socks5://";

/// What has to be asked for once, before the first thread does.
struct Library {
    Library() { ready = ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK; }
    bool ready = false;
};

std::string detail_of(CURL* call, CURLcode outcome, const char* said) {
    std::string detail = *said != '\0' ? said : ::curl_easy_strerror(outcome);
    long code = 0;
    if (::curl_easy_getinfo(call, CURLINFO_HTTP_CONNECTCODE, &code) == CURLE_OK && code != 0)
        detail += " (answer " + std::to_string(code) + ")";
    return detail;
}

}  // namespace

Result<int> connect_by_proxy(const std::string& proxy, const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout) {
    static const Library library;
    const std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> call(
        library.ready ? ::curl_easy_init() : nullptr, ::curl_easy_cleanup);
    if (!call) return fail("the gateway cannot use a proxy just now", "curl_easy_init");
    const std::string place = Endpoint{host, port}.text();
    const std::string url = "http://" + place + "/";
    // socks5h: the proxy stands where the name means something.
    const std::string by = proxy.starts_with(kSocks) ? "socks5h://" + proxy.substr(kSocks.size()) : proxy;
    std::array<char, CURL_ERROR_SIZE> said{};
    const auto set = [&](CURLoption option, auto value) { return ::curl_easy_setopt(call.get(), option, value) == CURLE_OK; };
    const bool fine = set(CURLOPT_URL, url.c_str()) && set(CURLOPT_PROXY, by.c_str()) && set(CURLOPT_NOPROXY, "") &&
                      set(CURLOPT_HTTPPROXYTUNNEL, 1L) && set(CURLOPT_CONNECT_ONLY, 1L) && set(CURLOPT_NOSIGNAL, 1L) &&
                      set(CURLOPT_ERRORBUFFER, said.data()) &&
                      set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout.count()));
    if (!fine) return fail("the gateway cannot use the proxy " + proxy);
    const CURLcode outcome = ::curl_easy_perform(call.get());
    if (outcome != CURLE_OK)
        return fail("the proxy " + proxy + " gives no connection to " + place, detail_of(call.get(), outcome, said.data()));
    curl_socket_t socket = CURL_SOCKET_BAD;
    if (::curl_easy_getinfo(call.get(), CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK || socket == CURL_SOCKET_BAD)
        return fail("the proxy " + proxy + " gives no connection to " + place, "no socket");
    // libcurl closes its own.
    const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (own < 0 || ::fcntl(own, F_SETFL, ::fcntl(own, F_GETFL) | O_NONBLOCK) != 0)
        return fail("the connection broke", std::string("dup: ") + std::strerror(errno));
    return own;
}

}  // namespace sekisho::net
