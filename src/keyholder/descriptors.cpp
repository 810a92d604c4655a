#include "keyholder/descriptors.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace sekisho::keyholder {

namespace {
constexpr std::size_t kControl = CMSG_SPACE(sizeof(int));
}

void Descriptor::reset(int fd) {
    if (m_fd >= 0) ::close(m_fd);
    m_fd = fd;
}

Result<void> send_message(int socket, std::string_view text, int fd) {
    text = text.substr(0, kMostMessage);
    iovec part{const_cast<char*>(text.data()), text.size()};  // sendmsg does not write to it
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, kControl> control{};
    if (fd >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    ssize_t sent = -1;
    do {
        sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return fail("a message between the processes was not sent", std::strerror(errno));
    return {};
}

Result<std::optional<Message>> receive_message(int socket) {
    Message out;
    out.text.resize(kMostMessage);
    iovec part{out.text.data(), out.text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, kControl> control{};
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t size = -1;
    do {
        size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0) return fail("a message between the processes was not received", std::strerror(errno));
    if (size == 0) return std::nullopt;
    out.text.resize(static_cast<std::size_t>(size));
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        out.descriptor.reset(fd);
    }
    return std::optional(std::move(out));
}

Result<std::pair<Descriptor, Descriptor>> socket_pair(int type) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail("a socket pair cannot be made", std::strerror(errno));
    }
    return std::pair(Descriptor(ends[0]), Descriptor(ends[1]));
}

}  // namespace sekisho::keyholder
