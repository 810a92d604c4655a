// BlockFile: one recording on disk: created once, then only appended to, block by block (docs/RECORDING_FORMAT.md). A block that
// cannot be written whole is cut off again, so that what stands before it stays readable. Owned by a Track; `append` is called
// by one writer thread, `sync` by the sync thread. Compressor: one for each writer thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "recording/facts.h"
#include "recording/format.h"
#include "recording/seal.h"
#include "recording/signing.h"

struct ZSTD_CCtx_s;

namespace sekisho::recording {

class Compressor {
public:
    Compressor();
    ~Compressor();
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    struct Packed {
        format::Codec codec = format::Codec::Raw;
        std::size_t size = 0;
    };
    /// Compresses into `out`, quickly where the bytes `pour`. Raw, with nothing written, when that would not be smaller than `plain`.
    Packed compress(BytesView plain, bool pours, MutableBytes out);
    /// Room for a few whole blocks as they go to disk.
    MutableBytes scratch() { return m_scratch; }
    /// Room for Follower.
    Bytes& gathered() { return m_gathered; }

private:
    ZSTD_CCtx_s* m_context;
    Bytes m_scratch;
    Bytes m_gathered;
};

/// A file descriptor that closes itself; counted, because thousands of recordings share one limit.
class Descriptor {
public:
    explicit Descriptor(int fd);
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int fd() const { return m_fd; }
    static std::size_t open_count();

private:
    int m_fd;
};

/// When each folder was last synced: one sync keeps the entries of all files made before it. Sync thread only.
using FolderSyncs = std::map<std::string, TimePoint>;

class BlockFile {
public:
    /// O_EXCL, 0600. The error is an errno value, EEXIST where the name is taken.
    static std::expected<std::unique_ptr<BlockFile>, int> create(const std::string& path);
    /// Goes on behind `size` bytes and `blocks` blocks of an existing file (marking a cut recording).
    static Result<std::unique_ptr<BlockFile>> resume(const std::string& path, std::uint64_t size, std::uint32_t blocks,
                                                     const format::Checksum& last);

    struct Content {
        format::BlockType type;
        BytesView plain;
        std::uint32_t events = 0;
        std::uint64_t time_us = 0;
        bool pours = false;  // many such blocks come in a second
    };
    /// Events are sealed with this key from now on. Before the first of them.
    void seal_with(Secret key) { m_seal = std::move(key); }
    /// Packs a block behind those in the compressor's scratch; only where that is full are they written. A file that has blocks
    /// there is written before another one uses the compressor. An error is that of an earlier block.
    Result<void> stage(Compressor& compressor, const Content& content);
    /// Writes what was staged in one call. On an error the first blocks may be there, whole; the others are gone.
    Result<void> write_staged(Compressor& compressor);
    /// stage and write_staged: these blocks, and those that wait in front of them.
    Result<void> append(Compressor& compressor, const Content& content);
    Result<void> append_end(Compressor& compressor, End end, std::uint64_t time_us);
    /// What was written up to the end; nothing before that. Any thread.
    std::optional<evidence::Written> ended() const;
    /// It has its end, and no signature behind that. Any thread.
    bool awaits_signature() const;
    /// Behind the end, once: by the sync thread, or whoever else owns the file then.
    Result<void> append_signature(const EndSignature& signature);
    /// Lets the system begin to write, without waiting: a hint that makes the sync of many files cheaper.
    void start_writing();
    /// fdatasync; the folder's entry too, once, unless another file's sync covered it. Closes the descriptor of a file that was
    /// not written meanwhile.
    Result<void> sync(FolderSyncs& folders);

    /// Removes a file that never got its facts.
    void discard();
    const std::string& path() const { return m_path; }
    std::uint32_t blocks() const { return m_blocks; }

private:
    explicit BlockFile(std::string path) : m_path(std::move(path)) {}
    struct Staged {
        std::size_t size = 0;       // with the file's own header in front of the first block
        format::Checksum before{};  // of the block in front of it
    };
    Result<std::shared_ptr<Descriptor>> descriptor();
    Result<void> write(BytesView bytes);
    void remember(std::shared_ptr<Descriptor> descriptor);

    const std::string m_path;
    std::uint64_t m_size = 0;  // of the file
    std::uint32_t m_blocks = 0;  // with the staged ones, as m_last
    format::Checksum m_last = format::chain_start();
    Secret m_seal;          // empty: events can be read
    bool m_failed = false;  // a write did; a number must not be given to another block of events
    std::vector<Staged> m_staged;
    std::size_t m_staged_size = 0;
    dev_t m_device = 0;
    ino_t m_inode = 0;

    mutable std::mutex m_mutex;  // what writer and sync thread share
    std::optional<evidence::Written> m_ended;
    bool m_signed = false;
    std::shared_ptr<Descriptor> m_descriptor;
    std::uint64_t m_written = 0;
    std::uint64_t m_synced = 0;
    bool m_folder_synced = false;
    TimePoint m_created = std::chrono::steady_clock::now();
};

/// "No space left on device" …
std::string system_text(int error);

}  // namespace sekisho::recording
