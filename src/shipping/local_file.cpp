#include "shipping/local_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "crypto/hash.h"
#include "recording/folder.h"
#include "recording/listing.h"
#include "recording/reader.h"

namespace sekisho::shipping {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kHeaderWithin = 1min;
constexpr std::size_t kPiece = 1U << 20;
constexpr const char* kNoSession = "damaged";  // for its object's name

/// Nobody adds to it: the end is there, with its signature where one was promised; or nobody is left who could.
bool is_ended(const std::string& folder, const std::string& path, const recording::Facts& facts) {
    if (recording::has_end(path)) return facts.signed_by.empty() || recording::has_signature(path);
    return !recording::writer_lives(folder, facts.writer);
}

}  // namespace

std::optional<FileFacts> facts_of(const std::string& path) {
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
    return FileFacts{static_cast<std::uint64_t>(facts.st_size),
        static_cast<std::int64_t>(facts.st_mtim.tv_sec) * 1'000'000'000 + facts.st_mtim.tv_nsec};
}

std::optional<LocalFile> examine(const std::string& folder, const std::string& path, WallTime now) {
    LocalFile file;
    file.path = path;
    file.name.audit_key = std::filesystem::path(path).stem().string();
    auto reader = recording::Reader::open(path);
    const bool readable = reader && is_session_id(reader->facts().session);
    if (readable) {
        file.name.session = reader->facts().session;
        file.ended = is_ended(folder, path, reader->facts());
    }
    const auto facts = facts_of(path);  // behind that: what has ended has its size by now
    if (!facts) return std::nullopt;
    file.size = facts->size;
    file.changed_ns = facts->changed_ns;
    if (readable) return file;
    if (base::unix_milliseconds(now) - facts->changed_ns / 1'000'000 < kHeaderWithin.count())
        return std::nullopt;
    file.name.session = kNoSession;
    file.ended = true;
    return file;
}

Result<std::string> read_piece(const std::string& path, std::uint64_t offset, std::size_t size) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return fail("the recording cannot be read", std::system_category().message(errno));
    const recording::Descriptor descriptor(fd);
    std::string piece(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const ssize_t n = ::pread(fd, piece.data() + have, size - have, static_cast<off_t>(offset + have));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail("the recording cannot be read", std::system_category().message(errno));
        if (n == 0) return fail("the recording cannot be read", "it has become shorter");
        have += static_cast<std::size_t>(n);
    }
    return piece;
}

Result<std::string> sha256_of(const std::string& path, std::uint64_t size) {
    crypto::Hash hash(crypto::HashKind::Sha256);
    for (std::uint64_t offset = 0; offset < size;) {
        const auto piece = read_piece(path, offset, static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - offset)));
        if (!piece) return std::unexpected(piece.error());
        hash.update(base::view(*piece));
        offset += piece->size();
    }
    return base::hex(hash.finish());
}

}  // namespace sekisho::shipping
