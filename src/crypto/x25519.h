// X25519 (RFC 7748) on 32-byte values, for curve25519-sha256 and for the hybrids that contain it.
#pragma once

#include <array>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/random.h"

namespace sekisho::crypto {

struct X25519Pair {
    Secret secret;                          // 32 bytes
    std::array<std::byte, 32> public_value{};
};

X25519Pair x25519_generate(Random& random);
/// The pair of a secret of 32 bytes.
X25519Pair x25519_pair(Secret secret);
/// Fails on a peer value that is not 32 bytes, and on an all-zero result (RFC 7748 §6.1).
Result<Secret> x25519(const X25519Pair& own, BytesView peer_value);

}  // namespace sekisho::crypto
