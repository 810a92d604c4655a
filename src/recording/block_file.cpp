#include "recording/block_file.h"

#include <fcntl.h>
#include <lz4.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/assert.h"

namespace sekisho::recording {

namespace {

// Beyond this many, a descriptor is closed after each write: sockets need the process's limit more than recordings do.
constexpr std::size_t kDescriptorsKept = 1024;
constexpr std::size_t kSmallBlock = 16 * 1024;
constexpr std::size_t kTinyBlock = 160;  // never gets smaller by more than its own header
constexpr std::size_t kMostPacked = ZSTD_COMPRESSBOUND(format::kBlockPlain);
constexpr std::size_t kMostWhole = format::kFileHeader + format::kBlockHeader + kMostPacked;
static_assert(kMostPacked >= format::kBlockPlain + crypto::aead::kTag, "a sealed block that did not get smaller");
constexpr std::size_t kScratch = 4 * kMostWhole;  // large writes cost the system less per byte
static_assert(kMostPacked >= LZ4_COMPRESSBOUND(format::kBlockPlain));

std::atomic<std::size_t> g_descriptors{0};

std::unexpected<Error> failed(int error) {
    return fail("the recording cannot be written", system_text(error));
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

std::string system_text(int error) {
    return std::system_category().message(error);
}

Compressor::Compressor()
    : m_context(ZSTD_createCCtx()),
      m_scratch(kScratch) {
    SEKISHO_ASSERT(m_context != nullptr);
    // The block header says how long the plain text is, and its checksum covers it: the frame need not repeat either.
    ZSTD_CCtx_setParameter(m_context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(m_context, ZSTD_c_checksumFlag, 0);
}

Compressor::~Compressor() {
    ZSTD_freeCCtx(m_context);
}

Compressor::Packed Compressor::compress(BytesView plain, bool pours, MutableBytes out) {
    if (plain.size() < kTinyBlock) return {};
    if (pours) {  // faster than anybody reads: compressing it well would cost more than everything else that is done with it
        const int size = LZ4_compress_default(reinterpret_cast<const char*>(plain.data()), reinterpret_cast<char*>(out.data()),
                                              static_cast<int>(plain.size()), static_cast<int>(out.size()));
        if (size <= 0 || static_cast<std::size_t>(size) >= plain.size()) return {};
        return {format::Codec::Lz4, static_cast<std::size_t>(size)};
    }
    // The blocks of a typing person are few, so they get the better level.
    ZSTD_CCtx_setParameter(m_context, ZSTD_c_compressionLevel, plain.size() > kSmallBlock ? 2 : 3);
    const std::size_t size = ZSTD_compress2(m_context, out.data(), out.size(), plain.data(), plain.size());
    if (ZSTD_isError(size) != 0 || size >= plain.size()) return {};
    return {format::Codec::Zstd, size};
}

Descriptor::Descriptor(int fd) : m_fd(fd) {
    g_descriptors.fetch_add(1, std::memory_order_relaxed);
}

Descriptor::~Descriptor() {
    ::close(m_fd);
    g_descriptors.fetch_sub(1, std::memory_order_relaxed);
}

std::size_t Descriptor::open_count() {
    return g_descriptors.load(std::memory_order_relaxed);
}

std::expected<std::unique_ptr<BlockFile>, int> BlockFile::create(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return std::unexpected(errno);
    auto descriptor = std::make_shared<Descriptor>(fd);
    struct stat status {};
    if (::fstat(fd, &status) != 0) return std::unexpected(errno);
    std::unique_ptr<BlockFile> file(new BlockFile(path));
    file->m_device = status.st_dev;
    file->m_inode = status.st_ino;
    file->m_descriptor = std::move(descriptor);
    return file;
}

Result<std::unique_ptr<BlockFile>> BlockFile::resume(const std::string& path, std::uint64_t size, std::uint32_t blocks,
                                                     const format::Checksum& last) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return failed(errno);
    auto descriptor = std::make_shared<Descriptor>(fd);
    struct stat status {};
    if (::fstat(fd, &status) != 0 || ::ftruncate(fd, static_cast<off_t>(size)) != 0) return failed(errno);
    std::unique_ptr<BlockFile> file(new BlockFile(path));
    file->m_size = size;
    file->m_blocks = blocks;
    file->m_last = last;
    file->m_device = status.st_dev;
    file->m_inode = status.st_ino;
    file->m_folder_synced = true;
    file->m_descriptor = std::move(descriptor);
    return file;
}

Result<std::shared_ptr<Descriptor>> BlockFile::descriptor() {
    {
        const std::lock_guard lock(m_mutex);
        if (m_descriptor) return m_descriptor;
    }
    const int fd = ::open(m_path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return failed(errno);
    auto descriptor = std::make_shared<Descriptor>(fd);
    struct stat status {};
    if (::fstat(fd, &status) != 0) return failed(errno);
    if (status.st_dev != m_device || status.st_ino != m_inode || static_cast<std::uint64_t>(status.st_size) != m_size) {
        return fail("the recording cannot be written", "its file was changed by somebody else");
    }
    return descriptor;
}

void BlockFile::remember(std::shared_ptr<Descriptor> descriptor) {
    const std::lock_guard lock(m_mutex);
    ++m_written;
    m_descriptor = Descriptor::open_count() > kDescriptorsKept ? nullptr : std::move(descriptor);
}

Result<void> BlockFile::write(BytesView bytes) {
    auto descriptor = this->descriptor();
    if (!descriptor) return std::unexpected(descriptor.error());
    const int fd = (*descriptor)->fd();
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            const int error = n < 0 ? errno : EIO;
            // Nothing more can be done where even this fails; readers stop at the partial block then.
            if (done != 0 && ::ftruncate(fd, static_cast<off_t>(m_size)) != 0) remember(nullptr);
            return failed(error);
        }
        done += static_cast<std::size_t>(n);
    }
    m_size += bytes.size();
    remember(std::move(*descriptor));
    return {};
}

Result<void> BlockFile::stage(Compressor& compressor, const Content& content) {
    const BytesView plain = content.plain;
    SEKISHO_ASSERT(plain.size() <= format::kBlockPlain);
    const bool secret = content.type == format::BlockType::Events || content.type == format::BlockType::Keyframe;
    const bool sealed = !m_seal.empty() && secret;
    if (sealed && m_failed) return fail("the recording cannot be written", "an earlier block could not be");
    if (compressor.scratch().size() - m_staged_size < kMostWhole) {
        if (const Result<void> written = write_staged(compressor); !written) return written;
    }
    MutableBytes room = compressor.scratch().subspan(m_staged_size);
    std::size_t size = 0;
    if (m_size == 0 && m_staged.empty()) {
        const auto first = format::file_header();
        std::memcpy(room.data(), first.data(), first.size());
        size = first.size();
        room = room.subspan(size);
    }
    const MutableBytes body = room.subspan(format::kBlockHeader);
    format::BlockHeader header{.type = content.type,
                               .number = m_blocks,
                               .plain = static_cast<std::uint32_t>(plain.size()),
                               .events = content.events,
                               .time_us = content.time_us};
    Compressor::Packed packed;
    if (secret) packed = compressor.compress(plain, content.pours, body);
    header.codec = packed.codec;
    std::size_t stored = packed.codec == format::Codec::Raw ? plain.size() : packed.size;
    if (packed.codec == format::Codec::Raw && stored != 0) std::memcpy(body.data(), plain.data(), stored);
    header.stored = static_cast<std::uint32_t>(sealed ? stored + crypto::aead::kTag : stored);
    header.flags = sealed ? format::kFlagSealed : std::uint16_t{0};
    auto head = format::encode(header);
    if (sealed) stored = seal_block(m_seal, header.number, BytesView(head).first(format::kHashed), body, stored);
    const format::Checksum checksum = format::checksum(m_last, head, body.first(stored));
    std::memcpy(head.data() + format::kHashed, checksum.data(), checksum.size());
    std::memcpy(room.data(), head.data(), head.size());

    size += format::kBlockHeader + stored;
    m_staged.push_back({.size = size, .before = std::exchange(m_last, checksum)});
    m_staged_size += size;
    ++m_blocks;
    return {};
}

Result<void> BlockFile::write_staged(Compressor& compressor) {
    BytesView bytes = compressor.scratch().first(std::exchange(m_staged_size, 0));
    std::vector<Staged> blocks = std::exchange(m_staged, {});
    if (blocks.empty()) return {};
    Result<void> written = write(bytes);
    if (written) return written;
    m_failed = true;
    // A full disk may still have room for some of them. What does not get there was never there.
    std::span<const Staged> rest = blocks;
    for (; !rest.empty(); rest = rest.subspan(1)) {
        written = write(bytes.first(rest.front().size));
        if (!written) break;
        bytes = bytes.subspan(rest.front().size);
    }
    if (!rest.empty()) m_last = rest.front().before;
    m_blocks -= static_cast<std::uint32_t>(rest.size());
    return written;
}

Result<void> BlockFile::append(Compressor& compressor, const Content& content) {
    const Result<void> staged = stage(compressor, content);
    return staged ? write_staged(compressor) : staged;
}

Result<void> BlockFile::append_end(Compressor& compressor, End end, std::uint64_t time_us) {
    end.blocks = m_blocks + 1;
    end.duration_us = time_us;
    Bytes plain = base::to_bytes(encode_end(end));
    format::append_trailer(plain, format::kEndMagic);
    const Result<void> written = append(compressor, {.type = format::BlockType::End, .plain = plain, .time_us = time_us});
    if (!written) return written;
    const std::lock_guard lock(m_mutex);
    m_ended = {m_blocks, m_size, m_last};
    return {};
}

std::optional<evidence::Written> BlockFile::ended() const {
    const std::lock_guard lock(m_mutex);
    return m_ended;
}

bool BlockFile::awaits_signature() const {
    const std::lock_guard lock(m_mutex);
    return m_ended && !m_signed;
}

/// The writer has no more to do with the file.
Result<void> BlockFile::append_signature(const EndSignature& signature) {
    Bytes block = signature_block(signature, m_blocks);
    const BytesView bytes(block);
    const format::Checksum checksum =
        format::checksum(m_last, bytes.first(format::kBlockHeader), bytes.subspan(format::kBlockHeader));
    std::ranges::copy(checksum, block.begin() + format::kHashed);
    if (const Result<void> written = write(block); !written) return written;
    ++m_blocks;
    m_last = checksum;
    const std::lock_guard lock(m_mutex);
    m_signed = true;
    return {};
}

void BlockFile::discard() {
    ::unlink(m_path.c_str());
}

void BlockFile::start_writing() {
    const std::lock_guard lock(m_mutex);
    if (m_descriptor) (void)::sync_file_range(m_descriptor->fd(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

Result<void> BlockFile::sync(FolderSyncs& folders) {
    std::shared_ptr<Descriptor> descriptor;
    std::uint64_t seen = 0;
    {
        const std::lock_guard lock(m_mutex);
        seen = m_written;
        descriptor = m_descriptor;
        if (seen == m_synced) {
            m_descriptor.reset();
            return {};
        }
    }
    if (!descriptor) {
        const int fd = ::open(m_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0) return failed(errno);
        descriptor = std::make_shared<Descriptor>(fd);
    }
    if (::fdatasync(descriptor->fd()) != 0) return failed(errno);
    if (!m_folder_synced && folders[folder_of(m_path)] <= m_created) {
        const TimePoint now = std::chrono::steady_clock::now();
        const int fd = ::open(folder_of(m_path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) return failed(errno);
        const Descriptor folder(fd);
        if (::fsync(fd) != 0) return failed(errno);
        folders[folder_of(m_path)] = now;
    }
    m_folder_synced = true;
    const std::lock_guard lock(m_mutex);
    m_synced = seen;
    if (m_written == seen) m_descriptor.reset();
    return {};
}

}  // namespace sekisho::recording
