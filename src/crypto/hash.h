// Hashes over OpenSSL's EVP. The algorithm objects are fetched once per process.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>

#include "base/bytes.h"

namespace sekisho::crypto {

enum class HashKind { Sha1, Sha256, Sha384, Sha512 };

/// Bytes of a digest.
std::size_t digest_size(HashKind kind);

/// Digest of the concatenation of `parts`.
Bytes digest(HashKind kind, std::initializer_list<BytesView> parts);

/// SHA-256 of the concatenation of `parts`.
std::array<std::byte, 32> sha256(std::initializer_list<BytesView> parts);

/// A running hash. Not thread-safe.
class Hash {
public:
    explicit Hash(HashKind kind);
    Hash(Hash&&) noexcept;
    Hash& operator=(Hash&&) noexcept;
    ~Hash();
    void update(BytesView bytes);
    /// Ends the hash; the object must not be used afterwards.
    Bytes finish();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace sekisho::crypto
