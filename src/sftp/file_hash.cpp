#include "sftp/file_hash.h"

#include <algorithm>
#include <limits>

namespace sekisho::sftp {

std::string hex_digest(crypto::Hash& hash) { return base::hex(hash.finish()); }

bool FileHash::add(std::uint64_t offset, BytesView bytes) {
    if (m_spoiled || bytes.empty()) return true;
    if (offset > std::numeric_limits<std::uint64_t>::max() - bytes.size()) {
        spoil();
        return true;
    }
    if (offset > m_end) {
        wait(offset, bytes);
        return true;
    }
    const std::uint64_t known = m_end - offset;
    if (known >= bytes.size()) return false;
    const BytesView fresh = bytes.subspan(static_cast<std::size_t>(known));
    if (!m_hash) m_hash.emplace(crypto::HashKind::Sha256);
    m_hash->update(fresh);
    m_end += fresh.size();
    bool all_new = known == 0;
    while (!m_waiting.empty() && m_waiting.begin()->first <= m_end) {
        const auto piece = m_waiting.extract(m_waiting.begin());
        m_window.used -= piece.mapped().size() + HashWindow::kPiece;
        const std::uint64_t twice = std::min<std::uint64_t>(m_end - piece.key(), piece.mapped().size());
        const BytesView rest = BytesView(piece.mapped()).subspan(static_cast<std::size_t>(twice));
        all_new = all_new && twice == 0;
        m_hash->update(rest);
        m_end += rest.size();
    }
    return all_new;
}

void FileHash::wait(std::uint64_t offset, BytesView bytes) {
    // The piece that this one goes on, as most do: a packet comes in several parts.
    auto before = m_waiting.upper_bound(offset);
    const bool goes_on =
        before != m_waiting.begin() && std::prev(before)->first + std::prev(before)->second.size() == offset;
    const std::size_t cost = bytes.size() + (goes_on ? 0 : HashWindow::kPiece);
    const bool twice = !goes_on && m_waiting.contains(offset);
    if (twice || m_window.used + cost > HashWindow::kMost) return spoil();
    m_window.used += cost;
    Bytes& piece = goes_on ? std::prev(before)->second : m_waiting[offset];
    piece.insert(piece.end(), bytes.begin(), bytes.end());
}

void FileHash::drop() {
    for (const auto& [offset, piece] : m_waiting) m_window.used -= piece.size() + HashWindow::kPiece;
    m_waiting.clear();
}

void FileHash::spoil() {
    m_spoiled = true;
    m_hash.reset();
    drop();
}

std::string FileHash::finish() {
    if (m_spoiled || !m_waiting.empty()) return {};
    if (!m_hash) m_hash.emplace(crypto::HashKind::Sha256);
    m_spoiled = true;
    return hex_digest(*m_hash);
}

}  // namespace sekisho::sftp
