// FileHash: SHA-256 of a file from the pieces that pass by, in whatever order parallel requests bring them. The hash goes from offset 0
// on; a piece that comes early waits in a window whose bytes a whole channel shares (HashWindow). What does not fit there makes the
// file one that is "not in order": it has no hash. Used by Observer. Any one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace sekisho::sftp {

/// Bytes that wait, of all files of a channel.
struct HashWindow {
    static constexpr std::size_t kMost = 4 * 1024 * 1024;
    static constexpr std::size_t kPiece = 128;  // what a piece costs beside its bytes
    std::size_t used = 0;
};

class FileHash {
public:
    explicit FileHash(HashWindow& window) : m_window(window) {}
    ~FileHash() { drop(); }
    FileHash(const FileHash&) = delete;
    FileHash& operator=(const FileHash&) = delete;

    /// Bytes that are there already are left out. False: they were, partly or all of them.
    bool add(std::uint64_t offset, BytesView bytes);
    /// There will be no hash.
    void spoil();
    bool spoiled() const { return m_spoiled; }
    /// So many bytes from the beginning came without a gap.
    std::uint64_t end() const { return m_end; }
    /// Hex; empty where a gap was left. The object is used up.
    std::string finish();

private:
    void wait(std::uint64_t offset, BytesView bytes);
    void drop();

    HashWindow& m_window;
    std::optional<crypto::Hash> m_hash;
    std::uint64_t m_end = 0;
    std::map<std::uint64_t, Bytes> m_waiting;  // by offset, beyond m_end
    bool m_spoiled = false;
};

/// Of what this machine saw in full: lower case.
std::string hex_digest(crypto::Hash& hash);

}  // namespace sekisho::sftp
