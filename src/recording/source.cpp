#include "recording/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "recording/block_file.h"

namespace sekisho::recording {

namespace {

class FileSource final : public Source {
public:
    FileSource(int fd, std::uint64_t size) : m_descriptor(fd), m_size(size) {}
    std::uint64_t size() const override { return m_size; }
    std::size_t read(std::uint64_t offset, MutableBytes out) const override {
        std::size_t done = 0;
        while (done < out.size()) {
            const ssize_t n = ::pread(m_descriptor.fd(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }

private:
    Descriptor m_descriptor;
    std::uint64_t m_size;
};

class MemorySource final : public Source {
public:
    explicit MemorySource(Bytes bytes) : m_bytes(std::move(bytes)) {}
    std::uint64_t size() const override { return m_bytes.size(); }
    std::size_t read(std::uint64_t offset, MutableBytes out) const override {
        if (offset >= m_bytes.size()) return 0;
        const std::size_t n = std::min<std::size_t>(out.size(), m_bytes.size() - static_cast<std::size_t>(offset));
        std::memcpy(out.data(), m_bytes.data() + offset, n);
        return n;
    }

private:
    Bytes m_bytes;
};

}  // namespace

Result<std::unique_ptr<Source>> open_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail("cannot read " + path, system_text(errno));
    struct stat status {};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(fd);
        return fail("cannot read " + path, "not a file");
    }
    return std::make_unique<FileSource>(fd, static_cast<std::uint64_t>(status.st_size));
}

std::unique_ptr<Source> open_memory(Bytes bytes) {
    return std::make_unique<MemorySource>(std::move(bytes));
}

}  // namespace sekisho::recording
