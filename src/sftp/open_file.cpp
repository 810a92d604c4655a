#include "sftp/open_file.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "sftp/requests.h"

namespace sekisho::sftp {

namespace {
constexpr std::uint64_t kNotKnown = std::numeric_limits<std::uint64_t>::max();
}

OpenFile::OpenFile(HashWindow& window, std::string path, std::uint32_t flags, std::optional<std::uint64_t> size)
    : m_path(std::move(path)), m_flags(flags), m_size(size), m_size_before(size.value_or(kNotKnown)), m_read(window),
      m_written(window) {
    if ((flags & (kOpenTruncate | kOpenExclusive)) != 0) m_size_before = 0;
    if (m_size_before == 0) m_size.reset();
}

void OpenFile::write_passes(std::uint64_t offset, BytesView part) {
    m_writes = true;
    // What is written twice is not what was hashed.
    if (!m_written.add(offset, part)) m_written.spoil();
}

void OpenFile::written(std::uint64_t count, bool fine, const std::string& result) {
    m_writes = true;
    if (fine) {
        m_bytes_written += count;
        return;
    }
    m_written.spoil();
    failed(result);
}

void OpenFile::read_passes(std::uint64_t offset, BytesView part) {
    m_bytes_read += part.size();
    m_read.add(offset, part);
}

void OpenFile::is_read(std::uint64_t offset, std::uint64_t count, std::uint64_t asked) {
    // Draft §6.4: of a file on a disk a server gives all that was asked for, or all that there is.
    if (count < asked) m_short_to = std::max(m_short_to.value_or(0), offset + count);
}

void OpenFile::read_ended_at(std::uint64_t offset) { m_eof_at = std::min(m_eof_at.value_or(offset), offset); }

void OpenFile::truncated_to(std::uint64_t size) {
    m_writes = true;
    if (size < m_written.end()) m_written.spoil();
    if (m_written.end() == 0) m_size_before = size;
    m_size = size;
}

void OpenFile::written_unseen() {
    m_writes = true;
    m_written.spoil();
}

void OpenFile::only_counted() {
    m_read.spoil();
    m_written.spoil();
}

void OpenFile::failed(const std::string& result) {
    if (m_failed.empty()) m_failed = result;
}

/// From the first byte to where the server said that there is no more, or to the size that it had told.
bool OpenFile::read_in_full() const {
    const std::uint64_t end = m_read.end();
    const bool looked = m_bytes_read > 0 || m_eof_at;
    return looked && (m_eof_at == end || m_short_to == end || m_size == end);
}

/// From the first byte on, over all that had been there before.
bool OpenFile::written_in_full() const {
    const std::uint64_t end = m_written.end();
    return m_size_before <= end || m_size == end;
}

Operation OpenFile::over(std::string_view result) {
    Operation told;
    const bool fresh = (m_flags & (kOpenTruncate | kOpenExclusive)) != 0;
    const bool writes = m_writes || (fresh && (m_flags & kOpenWrite) != 0);
    const bool reads = m_bytes_read > 0 || m_eof_at.has_value();
    const bool whole = writes ? written_in_full() : reads && read_in_full();
    // Some clients leave without closing what they read to its end.
    if (result == kCut && !writes && whole) result = kOk;
    told.operation = writes ? "write" : reads ? "read" : "open";
    told.path = m_path;
    told.bytes_read = m_bytes_read;
    told.bytes_written = m_bytes_written;
    told.result = m_failed.empty() ? std::string(result) : m_failed;
    if (told.result != kOk || !whole) return told;
    FileHash& hash = writes ? m_written : m_read;
    told.sha256 = hash.finish();
    // Some clients ask twice for the same; where all is known, it is the file that counts.
    if (!told.sha256.empty()) (writes ? told.bytes_written : told.bytes_read) = hash.end();
    return told;
}

}  // namespace sekisho::sftp
