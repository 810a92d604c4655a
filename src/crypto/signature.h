// Raw public-key signatures over OpenSSL: Ed25519, ECDSA on the NIST curves, RSA PKCS#1 v1.5. SSH encodings are
// the business of `keys`; here are numbers and bytes. Key objects are immutable and may be shared between threads.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace sekisho::crypto {

enum class Curve { P256, P384, P521 };

/// r and s, or an RSA or Ed25519 signature as one string in `r`. Magnitudes, big endian.
struct EcdsaSignature {
    Bytes r;
    Bytes s;
};

struct RsaNumbers {  // public parts
    Bytes n;
    Bytes e;
};

struct RsaSecretNumbers {  // private parts, as an OpenSSH private key file has them
    Secret d;
    Secret iqmp;
    Secret p;
    Secret q;
};

class VerifyKey {
public:
    static Result<VerifyKey> ed25519(BytesView public_key);                 // 32 bytes
    static Result<VerifyKey> ecdsa(Curve curve, BytesView point);           // 0x04 ‖ x ‖ y, checked to be on the curve
    static Result<VerifyKey> rsa(const RsaNumbers& numbers);                // 2048..16384 bits; e odd, > 1

    bool verify_ed25519(BytesView message, BytesView signature) const;
    bool verify_ecdsa(BytesView message, const EcdsaSignature& signature) const;   // hash by the curve (RFC 5656 §6.2.1)
    bool verify_rsa(HashKind hash, BytesView message, BytesView signature) const;  // a signature shorter than n is left-padded

    std::size_t rsa_bits() const;

    struct State;
    explicit VerifyKey(std::shared_ptr<const State> state) : m_state(std::move(state)) {}

private:
    std::shared_ptr<const State> m_state;
};

class SigningKey {
public:
    static SigningKey generate_ed25519();
    static SigningKey generate_ecdsa(Curve curve);
    static SigningKey generate_rsa(unsigned bits);
    static Result<SigningKey> ed25519(const Secret& seed);  // 32 bytes
    static Result<SigningKey> ecdsa(Curve curve, BytesView point, const Secret& scalar);
    static Result<SigningKey> rsa(const RsaNumbers& numbers, const RsaSecretNumbers& secret);

    Bytes sign_ed25519(BytesView message) const;
    EcdsaSignature sign_ecdsa(BytesView message) const;
    Bytes sign_rsa(HashKind hash, BytesView message) const;

    // Public and private numbers, for writing a key file.
    Bytes ed25519_public() const;
    Secret ed25519_seed() const;
    Bytes ecdsa_point() const;
    Secret ecdsa_scalar() const;
    RsaNumbers rsa_public() const;
    RsaSecretNumbers rsa_secret() const;

    struct State;
    explicit SigningKey(std::shared_ptr<const State> state) : m_state(std::move(state)) {}

private:
    std::shared_ptr<const State> m_state;
};

}  // namespace sekisho::crypto
