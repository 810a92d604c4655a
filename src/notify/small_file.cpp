#include "notify/small_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

namespace sekisho::notify {
namespace {

std::unexpected<Error> unwritten(const std::string& path, int error) {
    return fail(path + " cannot be written: " + std::strerror(error));
}

}  // namespace

Result<void> sync_folder(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return unwritten(path, errno);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (error != 0) return unwritten(path, error);
    return {};
}

Result<void> write_small_file(const std::string& path, std::string_view text, bool durable) {
    const std::string beside = path + ".tmp";
    const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return unwritten(beside, errno);
    int error = 0;
    while (error == 0 && !text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
        if (n < 0 && errno != EINTR) error = errno;
        if (n == 0) error = ENOSPC;
    }
    if (error == 0 && durable && ::fsync(fd) != 0) error = errno;
    if (::close(fd) != 0 && error == 0) error = errno;
    if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
    if (error != 0) {
        ::unlink(beside.c_str());
        return unwritten(path, error);
    }
    if (durable) return sync_folder(path.substr(0, path.rfind('/')));
    return {};
}

Result<std::string> read_small_file(const std::string& path, std::size_t most) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return fail(path + " cannot be read", errno == ENOENT ? "missing" : std::strerror(errno));
    std::string text(most + 1, '\0');
    std::size_t size = 0;
    ssize_t n = 1;
    while (size < text.size() && n != 0) {
        n = ::read(fd, text.data() + size, text.size() - size);
        if (n < 0 && errno != EINTR) break;
        if (n > 0) size += static_cast<std::size_t>(n);
    }
    const int error = n < 0 ? errno : 0;
    ::close(fd);
    if (error != 0) return fail(path + " cannot be read", std::strerror(error));
    if (size > most) return fail(path + " is longer than it should be");
    text.resize(size);
    return text;
}

Result<void> Position::write(std::uint64_t sequence, bool durable) const {
    return write_small_file(path, std::to_string(sequence) + "\n", durable);
}

Result<std::uint64_t> Position::read() const {
    const auto text = read_small_file(path, 32);
    if (!text) return std::unexpected(text.error());
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || std::string_view(end, text->data() + text->size()) != "\n")
        return fail(path + " holds no number of an audit record; remove it to begin with those to come");
    return value;
}

}  // namespace sekisho::notify
