// Inside of crypto only: RSA key objects from numbers, with the checks that make them safe to compute with.
#pragma once

#include "base/result.h"
#include "crypto/evp.h"
#include "crypto/signature.h"

namespace sekisho::crypto {

/// n odd, of 2048..16384 bits; e odd, > 1 and of at most 64 bits, beyond which OpenSSL refuses large keys and verification
/// becomes a peer's way to spend our time.
Result<evp::Pkey> rsa_public_key(const RsaNumbers& numbers);
/// The private numbers must belong together: a key that does not would leak its factors with its first bad signature.
Result<evp::Pkey> rsa_pair_key(const RsaNumbers& numbers, const RsaSecretNumbers& secret);

}  // namespace sekisho::crypto
