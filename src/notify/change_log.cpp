#include "notify/change_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sekisho::notify {
namespace {

std::string plain(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
    }
    return out;
}

}  // namespace

std::string ChangeLog::line(Change change, std::string_view user, std::string_view object, WallTime when) {
    return base::local_time(when, "%Y-%m-%d %H-%M-%S") + (change == Change::Created ? ": Creating" : ": Removing") +
           " user account for " + plain(user) + " (" + plain(object) + ")\n";
}

// Opened each time, so that a log moved away by others is begun anew.
Result<void> ChangeLog::write(std::string_view lines) const {
    const int fd = ::open(m_path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    int error = fd < 0 ? errno : 0;
    while (error == 0 && !lines.empty()) {
        const ssize_t n = ::write(fd, lines.data(), lines.size());
        if (n > 0) lines.remove_prefix(static_cast<std::size_t>(n));
        if (n < 0 && errno != EINTR) error = errno;
        if (n == 0) error = ENOSPC;
    }
    if (fd >= 0) ::close(fd);
    if (error != 0) return fail("the log of user changes cannot be written", m_path + ": " + std::strerror(error));
    return {};
}

}  // namespace sekisho::notify
