// Keys in PEM (RFC 7468): PKCS#8 and SPKI, and the older forms of RSA and EC keys, plain or protected, read with OpenSSL's
// decoders. Only the kinds of key that SSH has come out. Called by keys; any thread, not a loop where a passphrase is in play.
#pragma once

#include <string_view>

#include "base/result.h"
#include "crypto/signature.h"

namespace sekisho::crypto {

enum class PemKind { Ed25519, EcdsaP256, EcdsaP384, EcdsaP521, Rsa };

struct PemPrivate {
    PemKind kind;
    SigningKey signer;
};

struct PemPublic {
    PemKind kind;
    Bytes point;  // Ed25519: the key; ECDSA: 0x04 ‖ x ‖ y
    RsaNumbers rsa;  // RSA only
};

/// At most 64 KiB. A protected file is opened when it says how in one of two ways: the "Proc-Type" header of old PEM, or
/// PBES2 with PBKDF2 of at most `most_iterations`.
Result<PemPrivate> private_from_pem(std::string_view text, std::string_view passphrase, unsigned most_iterations);
/// Whether the first private key in `text` is protected.
bool pem_is_protected(std::string_view text);

/// "BEGIN PUBLIC KEY" (SPKI) or "BEGIN RSA PUBLIC KEY" (PKCS#1).
Result<PemPublic> public_from_pem(std::string_view text);

}  // namespace sekisho::crypto
