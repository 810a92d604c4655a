// Inside of crypto only: a key encapsulation and X25519 at once, so that both must be broken (mlkem768x25519-sha256,
// sntrup761x25519-sha512). Init is public key ‖ X25519 value, the reply ciphertext ‖ X25519 value, the shared secret
// hash(secret of the encapsulation ‖ secret of X25519), a string.
#pragma once

#include <algorithm>

#include "base/secret.h"
#include "crypto/key_agreement.h"
#include "crypto/x25519.h"

namespace sekisho::crypto::hybrid {

inline constexpr std::size_t kX25519Size = 32;

inline Bytes joined(BytesView first, BytesView second) {
    Bytes out;
    out.reserve(first.size() + second.size());
    out.insert(out.end(), first.begin(), first.end());
    out.insert(out.end(), second.begin(), second.end());
    return out;
}

inline Secret combined(HashKind kind, const Secret& encapsulated, const Secret& agreed) {
    Bytes hashed = digest(kind, {encapsulated.bytes(), agreed.bytes()});
    Secret shared{BytesView(hashed)};
    base::wipe(hashed);
    return shared;
}

/// Kem: a struct with kHash, kPublicKeySize, kCiphertextSize, Pair {public_key, secret_key}, Encapsulated {ciphertext, shared}
/// and the three operations as static functions.
template <class Kem>
class Client final : public KeyAgreementClient {
public:
    explicit Client(Random& random)
        : m_pair(Kem::generate(random)), m_x25519(x25519_generate(random)),
          m_init(joined(m_pair.public_key, m_x25519.public_value)) {}

    BytesView init() const override { return m_init; }

    Result<Secret> finish(BytesView reply) override {
        if (reply.size() != Kem::kCiphertextSize + kX25519Size) return fail("the key exchange value has the wrong length");
        const Result<Secret> agreed = x25519(m_x25519, reply.subspan(Kem::kCiphertextSize));
        if (!agreed) return std::unexpected(agreed.error());
        const Result<Secret> encapsulated = Kem::decapsulate(m_pair.secret_key, reply.first(Kem::kCiphertextSize));
        if (!encapsulated) return std::unexpected(encapsulated.error());
        return combined(Kem::kHash, *encapsulated, *agreed);
    }

private:
    typename Kem::Pair m_pair;
    X25519Pair m_x25519;
    Bytes m_init;
};

template <class Kem>
class Method final : public KeyAgreement {
public:
    std::unique_ptr<KeyAgreementClient> start(Random& random) const override {
        return std::make_unique<Client<Kem>>(random);
    }

    Result<KeyAgreementReply> respond(BytesView init, Random& random) const override {
        if (init.size() != Kem::kPublicKeySize + kX25519Size) return fail("the key exchange value has the wrong length");
        const X25519Pair pair = x25519_generate(random);
        const Result<Secret> agreed = x25519(pair, init.subspan(Kem::kPublicKeySize));
        if (!agreed) return std::unexpected(agreed.error());
        const auto encapsulated = Kem::encapsulate(init.first(Kem::kPublicKeySize), random);
        if (!encapsulated) return std::unexpected(encapsulated.error());
        return KeyAgreementReply{
            joined(encapsulated->ciphertext, pair.public_value), combined(Kem::kHash, encapsulated->shared, *agreed)};
    }

    HashKind hash() const override { return Kem::kHash; }
    bool secret_is_string() const override { return true; }
};

}  // namespace sekisho::crypto::hybrid
