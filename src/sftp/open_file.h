// OpenFile: one file between OPEN and the answer to its CLOSE, as Observer follows it: what was moved, and the hash where all of it was
// seen. What "in full" means for each direction stands at read_in_full() and written_in_full(). Any one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sftp/file_hash.h"
#include "sftp/operation.h"

namespace sekisho::sftp {

class OpenFile {
public:
    /// `size`: what the server said of this path before, if it did.
    OpenFile(HashWindow& window, std::string path, std::uint32_t flags, std::optional<std::uint64_t> size);

    // --- what passes ---
    void write_passes(std::uint64_t offset, BytesView part);
    void written(std::uint64_t count, bool fine, const std::string& result);
    void read_passes(std::uint64_t offset, BytesView part);
    /// An answer begins: `count` bytes at `offset`, of `asked`.
    void is_read(std::uint64_t offset, std::uint64_t count, std::uint64_t asked);
    void read_ended_at(std::uint64_t offset);
    void read_failed(const std::string& result) { failed(result); }
    void size_is(std::uint64_t size) { m_size = size; }
    /// FSETSTAT with a size.
    void truncated_to(std::uint64_t size);
    /// The server writes into it by itself (copy-data), or in a way that is not followed.
    void written_unseen();
    /// Whatever passes is only counted from here on.
    void only_counted();
    bool moved() const { return m_bytes_read > 0 || m_bytes_written > 0; }

    // --- the end ---
    const std::string& path() const { return m_path; }
    /// `result`: of CLOSE, or why there was none.
    Operation over(std::string_view result);

    std::size_t under_way = 0;  // requests on it
    std::optional<std::string> close_result;  // CLOSE was answered
    bool is_folder = false;

private:
    void failed(const std::string& result);
    bool read_in_full() const;
    bool written_in_full() const;

    std::string m_path;
    std::uint32_t m_flags;
    std::optional<std::uint64_t> m_size;  // as the server, or the client by a truncation, said last
    std::uint64_t m_size_before;  // what stood in it before the first byte was written; the largest number: not known
    std::uint64_t m_bytes_read = 0, m_bytes_written = 0;
    FileHash m_read, m_written;
    std::optional<std::uint64_t> m_eof_at;  // the lowest offset at which there was no more
    std::optional<std::uint64_t> m_short_to;  // where the last answer ended that was shorter than it was asked for
    bool m_writes = false;
    std::string m_failed;  // what went wrong first
};

}  // namespace sekisho::sftp
