// Key revocation lists (OpenSSH PROTOCOL.krl): which keys and certificates no longer count. Parsed once from a file that an
// administrator names, then asked at every sign-in; immutable, so any thread may ask.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "keys/certificate.h"
#include "keys/public_key.h"

namespace sekisho::keys {

class Krl {
public:
    /// At most 16 MiB and a million entries. A section that we do not know, an extension that is critical, a wrong signature:
    /// the whole list is refused, since what it wanted to revoke is not known. The caller must then refuse sign-ins, too.
    static Result<Krl> parse(BytesView file);

    /// Fails when the key is revoked: by itself, or by a digest.
    Result<void> check(const PublicKey& key) const;
    /// Fails when the certificate's key or its CA is revoked, or the certificate itself, by serial or key id.
    Result<void> check(const Certificate& certificate) const;

    std::uint64_t version() const { return m_version; }
    std::uint64_t generated() const { return m_generated; }  // seconds since 1970
    const std::string& comment() const { return m_comment; }
    /// Whose good signatures the list carries. Whether they are trusted is for the caller.
    const std::vector<PublicKey>& signers() const { return m_signers; }

    struct SerialRange {
        std::uint64_t first;
        std::uint64_t last;  // inclusive
    };
    /// Kept as it stands: a bitmap of alternating bits would grow to 64 times its size as ranges.
    struct SerialBitmap {
        std::uint64_t offset;
        Bytes bits;  // big endian: the last bit is serial `offset`
    };
    struct Revoked {  // by one CA, or by any where `authority` is empty
        Bytes authority;
        std::vector<SerialRange> ranges;  // sorted and apart, once parsed
        std::vector<SerialBitmap> bitmaps;
        std::vector<std::string> key_ids;  // sorted, once parsed
    };

private:
    friend class KrlParser;

    std::uint64_t m_version = 0;
    std::uint64_t m_generated = 0;
    std::string m_comment;
    std::vector<Revoked> m_certificates;
    std::vector<std::string> m_blobs;  // these three sorted
    std::vector<std::array<std::byte, 20>> m_sha1;
    std::vector<std::array<std::byte, 32>> m_sha256;
    std::vector<PublicKey> m_signers;
};

}  // namespace sekisho::keys
