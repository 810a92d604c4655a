#include "notify/monthly_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace sekisho::notify {

namespace {

constexpr std::size_t kWordMost = 256;

// One word: no blank, no control character, nothing that could look like a second line or field.
std::string word(std::string_view text) {
    static constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-@+%";
    std::string out(text.substr(0, kWordMost));
    for (char& c : out) {
        if (kAllowed.find(c) == std::string_view::npos) c = '_';
    }
    return out.empty() ? "-" : out;
}

std::unexpected<Error> failed(const std::string& path, int error) {
    return fail("the monthly log cannot be written", path + ": " + std::system_category().message(error));
}

}  // namespace

std::string MonthlyLog::line(Moment moment, std::string_view user, std::string_view address, WallTime when) {
    return base::local_time(when, "[%m/%d %H:%M:%S] ") + word(user) + " rhost=" + word(address) +
           (moment == Moment::Start ? " START\n" : " FINISH\n");
}

std::string MonthlyLog::path(WallTime when) const {
    return m_folder + base::local_time(when, "/sshfw-%Y%m.log");
}

// Opened for each line, so that a log moved away or deleted by others is begun anew.
Result<void> MonthlyLog::write(Moment moment, std::string_view user, std::string_view address, WallTime when) const {
    const std::string path = this->path(when);
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = ::open(path.c_str(), kFlags, 0640);
    if (fd < 0 && errno == ENOENT) {
        std::error_code error;
        std::filesystem::create_directories(m_folder, error);
        fd = ::open(path.c_str(), kFlags, 0640);
    }
    if (fd < 0) return failed(path, errno);
    const std::string text = line(moment, user, address, when);
    ssize_t n = 0;
    do {
        n = ::write(fd, text.data(), text.size());
    } while (n < 0 && errno == EINTR);
    const int error = n < 0 ? errno : ENOSPC;
    ::close(fd);
    if (n != static_cast<ssize_t>(text.size())) return failed(path, error);
    return {};
}

}  // namespace sekisho::notify
