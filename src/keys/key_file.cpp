// Key files on disk, also the last two functions of private_key.h.
#include "keys/key_file.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/random.h"
#include "keys/private_key.h"

namespace sekisho::keys {
namespace {

constexpr std::size_t kMostFile = 64 * 1024;

class Descriptor {
public:
    explicit Descriptor(int fd) : m_fd(fd) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (m_fd >= 0) ::close(m_fd);
    }
    int fd() const { return m_fd; }
    bool valid() const { return m_fd >= 0; }

private:
    int m_fd;
};

std::unexpected<Error> system_failure(const char* what, const std::filesystem::path& path) {
    const int error = errno;
    return fail(std::string(what) + " " + path.string() + ": " + std::strerror(error));
}

Result<void> write_all(int fd, BytesView bytes, const std::filesystem::path& path) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return system_failure("cannot write", path);
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    if (::fsync(fd) != 0) return system_failure("cannot write", path);
    return {};
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
    Bytes suffix(8);
    crypto::system_random().fill(suffix);
    std::filesystem::path out = path;
    out += ".new-";
    out += base::hex(suffix);
    return out;
}

Result<void> sync_folder(const std::filesystem::path& path) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.valid() || ::fsync(descriptor.fd()) != 0) return system_failure("cannot write", folder);
    return {};
}

/// Writes the whole file under a temporary name, then gives it its own: by link(2) where the name must be free, which no
/// other process can win against, else by rename(2).
Result<void> write_file(const std::filesystem::path& path, BytesView bytes, mode_t mode, bool must_be_new) {
    const std::filesystem::path temporary = temporary_name(path);
    Result<void> written;
    {
        const Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!descriptor.valid()) return system_failure("cannot create", temporary);
        written = write_all(descriptor.fd(), bytes, path);
        if (written && ::fchmod(descriptor.fd(), mode) != 0) written = system_failure("cannot write", path);
    }
    if (written && must_be_new && ::link(temporary.c_str(), path.c_str()) != 0) {
        written = system_failure("cannot create", path);
    }
    if (written && !must_be_new && ::rename(temporary.c_str(), path.c_str()) != 0) {
        written = system_failure("cannot create", path);
    }
    if (must_be_new || !written) ::unlink(temporary.c_str());
    if (!written) return written;
    return sync_folder(path);
}

}  // namespace

Result<Secret> read_key_file(const std::filesystem::path& path) {
    // Non-blocking, so that a FIFO under this name cannot hold us; what is not a regular file is refused below.
    const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!descriptor.valid()) return system_failure("cannot open", path);
    struct stat status{};
    if (::fstat(descriptor.fd(), &status) != 0) return system_failure("cannot read", path);
    if (!S_ISREG(status.st_mode)) return fail(path.string() + " is not a regular file");
    if ((status.st_mode & 077) != 0) return fail(path.string() + " is open to others: its mode must be 0600");
    if (status.st_size < 0 || static_cast<std::size_t>(status.st_size) > kMostFile) {
        return fail(path.string() + " is too long for a private key");
    }
    Secret text(kMostFile + 1);
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t n = ::read(descriptor.fd(), text.bytes().data() + size, text.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_failure("cannot read", path);
        if (n == 0) break;
        size += static_cast<std::size_t>(n);
    }
    return Secret(BytesView(text.bytes()).first(size));
}

Result<void> write_key_files(const std::filesystem::path& path, BytesView secret_text, BytesView public_text) {
    if (Result<void> written = write_file(path, secret_text, 0600, true); !written) return written;
    std::filesystem::path public_path = path;
    public_path += ".pub";
    return write_file(public_path, public_text, 0644, false);
}

Result<PrivateKey> load_private_key(const std::filesystem::path& path, std::string_view passphrase) {
    const auto text = read_key_file(path);
    if (!text) return std::unexpected(text.error());
    Result<PrivateKey> key = PrivateKey::from_text(base::text_view(text->bytes()), passphrase);
    if (!key) return fail(path.string() + ": " + key.error().text, key.error().detail);
    return key;
}

Result<void> save_private_key(const std::filesystem::path& path, const PrivateKey& key, std::string_view comment) {
    return write_key_files(path, key.to_openssh(comment).bytes(), base::view(key.public_key().line(comment) + "\n"));
}

}  // namespace sekisho::keys
