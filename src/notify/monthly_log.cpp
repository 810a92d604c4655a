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

MonthlyLog::~MonthlyLog() { close_file(); }

void MonthlyLog::close_file() {
    if (m_file >= 0) ::close(m_file);
    m_file = -1;
}

// Opened anew every second that has lines, so that a log moved away or deleted by others is begun anew.
Result<int> MonthlyLog::file_of(WallTime when) {
    const std::string path = this->path(when);
    const TimePoint now = std::chrono::steady_clock::now();
    if (m_file >= 0 && path == m_path && now < m_open_until) return m_file;
    close_file();
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    m_file = ::open(path.c_str(), kFlags, 0640);
    if (m_file < 0 && errno == ENOENT) {
        std::error_code error;
        std::filesystem::create_directories(m_folder, error);
        m_file = ::open(path.c_str(), kFlags, 0640);
    }
    if (m_file < 0) return failed(path, errno);
    m_path = path;
    m_open_until = now + kKeptOpen;
    return m_file;
}

Result<void> MonthlyLog::write(Moment moment, std::string_view user, std::string_view address, WallTime when) {
    const std::string text = line(moment, user, address, when);
    const std::lock_guard lock(m_mutex);
    const auto file = file_of(when);
    if (!file) return std::unexpected(file.error());
    ssize_t n = 0;
    do {
        n = ::write(*file, text.data(), text.size());
    } while (n < 0 && errno == EINTR);
    if (n == static_cast<ssize_t>(text.size())) return {};
    const int error = n < 0 ? errno : ENOSPC;
    close_file();
    return failed(m_path, error);
}

}  // namespace sekisho::notify
