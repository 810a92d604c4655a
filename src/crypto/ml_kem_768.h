// ML-KEM-768 (FIPS 203): a key encapsulation that a quantum computer is not known to break. Used by mlkem768x25519-sha256,
// never without X25519 beside it. Constant time: only the public key, its seed and the ciphertext decide on branches and
// indexes. Where an operation is split in two, the second part is what the vectors and the taint test enter.
#pragma once

#include <array>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/random.h"

namespace sekisho::crypto::ml_kem {

inline constexpr std::size_t kPublicKeySize = 1184;
inline constexpr std::size_t kSecretKeySize = 2400;
inline constexpr std::size_t kCiphertextSize = 1088;
inline constexpr std::size_t kSecretSize = 32;

struct KeyPair {
    std::array<std::byte, kPublicKeySize> public_key{};
    Secret secret_key;
};

struct Encapsulated {
    std::array<std::byte, kCiphertextSize> ciphertext{};
    Secret shared;  // 32 bytes
};

/// Algorithm 19.
KeyPair generate(Random& random);
/// Algorithm 16; `d` and `z` are 32 random bytes each.
KeyPair generate_from(const Secret& d, const Secret& z);
/// Algorithm 13 from its second line on. `rho` becomes a part of the public key, `sigma` stays secret.
KeyPair generate_from(std::span<const std::byte, 32> rho, std::span<const std::byte, 32> sigma, const Secret& z);

/// The checks of §7.2 on a key that came from outside: length, and coefficients below q.
Result<void> check_public_key(BytesView key);
/// The checks of §7.3: length, and the hash of the encapsulation key inside. Our own keys do not need it.
Result<void> check_secret_key(BytesView key);

/// Algorithm 20. Fails on a key that check_public_key() refuses.
Result<Encapsulated> encapsulate(BytesView public_key, Random& random);
/// Algorithm 17 for the random `message` of 32 bytes.
Result<Encapsulated> encapsulate_to(BytesView public_key, const Secret& message);

/// Algorithm 21. Fails on a ciphertext of the wrong length only: one that was not made for this key gives a secret that nobody
/// knows (implicit rejection).
Result<Secret> decapsulate(const Secret& secret_key, BytesView ciphertext);

}  // namespace sekisho::crypto::ml_kem
