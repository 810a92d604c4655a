#include "recording/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "crypto/random.h"

namespace sekisho::recording {

namespace {

constexpr std::string_view kExtension = ".skr";
constexpr std::size_t kUserMost = 64;

bool digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void sync_folder(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

Result<void> make_folder(const std::string& parent, const std::string& path) {
    if (::mkdir(path.c_str(), 0700) == 0) {
        sync_folder(parent);
    } else if (errno != EEXIST) {
        return fail("the recording cannot be started", path + ": " + system_text(errno));
    }
    return {};
}

Result<void> make_root(const std::string& folder) {
    const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
    std::error_code error;
    if (!parent.empty()) std::filesystem::create_directories(parent, error);
    return make_folder(parent.empty() ? "." : parent.string(), folder);
}

std::string lock_path(const std::string& folder, std::string_view writer) {
    return folder + "/.writer-" + std::string(writer);
}

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        names.push_back(it->path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

}  // namespace

std::string audit_key(WallTime started, std::string_view user) {
    std::string key = base::local_time(started, "%Y-%m-%d_%H-%M-%S_");
    for (const char c : user.substr(0, kUserMost)) key += name_character(c) ? c : '_';
    if (user.empty()) key += "unknown";
    return key;
}

bool is_audit_key(std::string_view key) {
    static constexpr std::string_view kForm = "dddd-dd-dd_dd-dd-dd_";
    if (key.size() <= kForm.size()) return false;
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        if (kForm[i] == 'd' ? key[i] < '0' || key[i] > '9' : key[i] != kForm[i]) return false;
    }
    std::string_view user = key.substr(kForm.size());
    if (const std::size_t plus = user.find('+'); plus != std::string_view::npos) {
        const std::string_view number = user.substr(plus + 1);
        if (!digits(number) || number.size() > 6) return false;
        user = user.substr(0, plus);
    }
    return !user.empty() && user.size() <= kUserMost && std::ranges::all_of(user, name_character);
}

std::string path_of(const std::string& folder, std::string_view audit_key) {
    std::string path = folder;
    path.append("/").append(audit_key.substr(0, 4)).append("/").append(audit_key.substr(5, 2));
    return path.append("/").append(audit_key).append(kExtension);
}

Result<void> make_folders(const std::string& folder, std::string_view audit_key) {
    const std::string year = folder + "/" + std::string(audit_key.substr(0, 4));
    const std::string month = year + "/" + std::string(audit_key.substr(5, 2));
    if (::access(month.c_str(), W_OK | X_OK) == 0) return {};
    if (const auto root = make_root(folder); !root) return root;
    if (const auto made = make_folder(folder, year); !made) return made;
    return make_folder(year, month);
}

std::vector<std::string> all_recordings(const std::string& folder, std::string_view from_month, std::size_t most) {
    std::vector<std::string> paths;
    for (const std::string& year : names_in(folder)) {
        if (year.size() != 4 || !digits(year)) continue;
        for (const std::string& month : names_in(folder + "/" + year)) {
            if (month.size() != 2 || !digits(month) || year + "/" + month < from_month) continue;
            const std::string month_folder = folder + "/" + year + "/" + month;
            for (const std::string& name : names_in(month_folder)) {
                if (!name.ends_with(kExtension) || !is_audit_key(name.substr(0, name.size() - kExtension.size()))) continue;
                if (paths.size() >= most) return paths;
                paths.push_back(month_folder + "/" + name);
            }
        }
    }
    return paths;
}

Result<WriterLock> WriterLock::take(const std::string& folder) {
    if (const auto root = make_root(folder); !root) return std::unexpected(root.error());
    std::array<std::byte, 8> random;
    crypto::system_random().fill(random);
    WriterLock lock;
    lock.m_id = base::hex(random);
    lock.m_path = lock_path(folder, lock.m_id);
    // Locked before it gets its name: nobody ever sees it unlocked while we live.
    const std::string temporary = folder + "/.new-" + lock.m_id;
    const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return fail("the recording cannot be started", temporary + ": " + system_text(errno));
    lock.m_descriptor = std::make_unique<Descriptor>(fd);
    // A session may have begun before this; a day earlier is early enough in every time zone.
    const std::string since = base::local_time(std::chrono::system_clock::now() - std::chrono::hours(24), "%Y/%m\n");
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || ::write(fd, since.data(), since.size()) != static_cast<ssize_t>(since.size()) ||
        ::rename(temporary.c_str(), lock.m_path.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return fail("the recording cannot be started", temporary + ": " + system_text(error));
    }
    return lock;
}

void WriterLock::retire() {
    ::unlink(m_path.c_str());
}

bool writer_lives(const std::string& folder, std::string_view writer) {
    if (writer.empty() || !base::from_hex(writer)) return false;
    const int fd = ::open(lock_path(folder, writer).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    const Descriptor descriptor(fd);
    return ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace sekisho::recording
