#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "notify/stream.h"

namespace sekisho::notify {
namespace {

class FileStream final : public Stream {
public:
    FileStream(std::string path, Form form) : m_path(std::move(path)), m_form(std::move(form)) {}

    Result<void> tell(std::span<const model::AuditRecord> records) override {
        std::string text;
        for (const auto& record : records) text += m_form(record);
        const int fd = ::open(m_path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);
        if (fd < 0) return failed(errno);
        const int error = append(fd, text);
        ::close(fd);
        if (error != 0) return failed(error);
        return {};
    }

private:
    /// All of it or nothing, as far as the file lets us: what a full disk took of it is cut off again.
    static int append(int fd, std::string text) {
        struct stat facts{};
        if (::fstat(fd, &facts) != 0) return errno;
        if (!S_ISREG(facts.st_mode)) return EINVAL;
        char last = '\n';
        // A line that a crash left without its end stays alone.
        if (facts.st_size > 0 && ::pread(fd, &last, 1, facts.st_size - 1) == 1 && last != '\n') text.insert(0, "\n");
        std::string_view rest = text;
        while (!rest.empty()) {
            const ssize_t n = ::write(fd, rest.data(), rest.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                const int error = n < 0 ? errno : ENOSPC;
                if (rest.size() != text.size() && ::ftruncate(fd, facts.st_size) != 0) return errno;
                return error;
            }
            rest.remove_prefix(static_cast<std::size_t>(n));
        }
        return 0;
    }

    std::unexpected<Error> failed(int error) const { return fail(m_path + " cannot be written", std::strerror(error)); }

    const std::string m_path;
    const Form m_form;
};

}  // namespace

std::unique_ptr<Stream> file_stream(std::string path, Form form) {
    return std::make_unique<FileStream>(std::move(path), std::move(form));
}

}  // namespace sekisho::notify
