// sntrup761 (Streamlined NTRU Prime, round 3): the key encapsulation of sntrup761x25519-sha512, never without X25519 beside
// it. Constant time, except that making a key starts again when the drawn g has no reciprocal; what is then known of that g is
// worth nothing.
#pragma once

#include <array>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/random.h"
#include "crypto/sntrup761_ring.h"

namespace sekisho::crypto::sntrup761 {

inline constexpr std::size_t kPublicKeySize = 1158;
inline constexpr std::size_t kSecretKeySize = 1763;
inline constexpr std::size_t kCiphertextSize = 1039;
inline constexpr std::size_t kSecretSize = 32;

struct KeyPair {
    std::array<std::byte, kPublicKeySize> public_key{};
    Secret secret_key;
};

struct Encapsulated {
    std::array<std::byte, kCiphertextSize> ciphertext{};
    Secret shared;  // 32 bytes
};

KeyPair generate(Random& random);

/// The parts of generate(), for the taint test: a uniform small polynomial, and the key from one that has this reciprocal.
void random_small(Small& out, Random& random);
KeyPair generate_from(const Small& g, const Small& reciprocal_of_g, Random& random);

/// Fails on a wrong length only: every string of the right length is a public key.
Result<Encapsulated> encapsulate(BytesView public_key, Random& random);

/// Fails on a wrong length only: a ciphertext that was not made for this key gives a secret that nobody knows (implicit
/// rejection).
Result<Secret> decapsulate(const Secret& secret_key, BytesView ciphertext);

}  // namespace sekisho::crypto::sntrup761
