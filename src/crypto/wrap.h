// Wrapping of credentials at rest, and sealing of them on their way there. Wrapped: XChaCha20-Poly1305 under a key of which only the holder
// knows (random nonce of 24 bytes in front). Sealed: to the public half, which whoever reads it can do (libsodium's crypto_box_seal:
// X25519, XSalsa20-Poly1305, a fresh key pair each time). Both keys are derived from one. Used by keys/stored_secret.
#pragma once

#include "base/result.h"
#include "base/secret.h"

namespace sekisho::crypto {

inline constexpr std::size_t kWrapKeySize = 32;
inline constexpr std::size_t kSealPublicSize = 32;
inline constexpr std::size_t kWrapOverhead = 24 + 16;  // nonce and tag
inline constexpr std::size_t kSealOverhead = 32 + 16;  // public key and tag

class WrapKey {
public:
    /// kWrapKeySize bytes.
    explicit WrapKey(BytesView master);

    Bytes wrap(BytesView secret, BytesView associated) const;
    /// An Error when it was wrapped under another key, for something else, or was changed.
    Result<Secret> unwrap(BytesView wrapped, BytesView associated) const;

    BytesView seal_public() const { return m_seal_public; }
    Result<Secret> open(BytesView sealed) const;

private:
    Secret m_wrap;
    Secret m_seal_secret;
    Bytes m_seal_public;
};

/// `seal_public` has kSealPublicSize bytes; an Error where it is no such key.
Result<Bytes> seal(BytesView seal_public, BytesView secret);

}  // namespace sekisho::crypto
