#include "net/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace sekisho::net {

std::string Endpoint::text() const {
    const std::string number = std::to_string(port);
    return address.find(':') == std::string::npos ? address + ":" + number : "[" + address + "]:" + number;
}

Endpoint endpoint_of(const sockaddr& address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        return {text, ntohs(v4.sin_port)};
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            ::inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, text, sizeof text);
        } else {
            ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        }
        return {text, ntohs(v6.sin6_port)};
    }
    return {};
}

namespace {
Endpoint name_of(int fd, int (*call)(int, sockaddr*, socklen_t*)) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    if (call(fd, address, &size) != 0) return {};
    return endpoint_of(*address);
}
}  // namespace

Endpoint peer_of(int fd) { return name_of(fd, ::getpeername); }
Endpoint local_of(int fd) { return name_of(fd, ::getsockname); }

}  // namespace sekisho::net
