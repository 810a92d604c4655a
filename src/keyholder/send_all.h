// Whole frames on a blocking link. Any thread.
#pragma once

#include <sys/socket.h>

#include <cerrno>

#include "base/bytes.h"

namespace sekisho::keyholder {

/// False: errno says why; the link may have a part of them.
inline bool send_all(int fd, BytesView frames) {
    while (!frames.empty()) {
        const ssize_t n = ::send(fd, frames.data(), frames.size(), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        frames = frames.subspan(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace sekisho::keyholder
