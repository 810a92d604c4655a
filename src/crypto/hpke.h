// HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305: something sealed to a public key whose
// private half is elsewhere. Used by recording (auditors' keys). OpenSSL has it from 3.2 on, Debian 12 has 3.0: the suite is put
// together here from primitives of libsodium and OpenSSL, and tested with the RFC's vectors. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/chacha20_poly1305_aead.h"
#include "crypto/x25519.h"

namespace sekisho::crypto::hpke {

using PublicKey = std::array<std::byte, 32>;
using Encapsulated = std::array<std::byte, 32>;

/// One direction of a context: each message has the next sequence number. A sender's seals, a recipient's opens.
class Context {
public:
    Context(Secret key, const aead::Nonce& base_nonce) : m_key(std::move(key)), m_base_nonce(base_nonce) {}
    Bytes seal(BytesView associated, BytesView plain);
    /// Fails where anything was changed, left out or moved; the number is then still the one that was wanted.
    Result<Bytes> open(BytesView associated, BytesView sealed);

private:
    aead::Nonce nonce() const;

    Secret m_key;
    aead::Nonce m_base_nonce;
    std::uint64_t m_sequence = 0;
};

struct Sender {
    Encapsulated encapsulated;  // goes with what is sealed
    Context context;
};
/// Fails on a public key of low order.
Result<Sender> seal_to(const PublicKey& to, BytesView info, Random& random);
/// Fails on an encapsulated value that is not 32 bytes, or of low order.
Result<Context> open_with(const X25519Pair& own, BytesView encapsulated, BytesView info);

}  // namespace sekisho::crypto::hpke
