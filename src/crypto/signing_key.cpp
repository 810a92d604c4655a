// The signing half of signature.h.
#include <openssl/core_names.h>

#include "crypto/nist_curve.h"
#include "crypto/random.h"
#include "crypto/rsa_key.h"
#include "crypto/signature.h"
#include "crypto/sodium.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kEd25519Seed = crypto_sign_ed25519_SEEDBYTES;
constexpr std::size_t kEd25519Public = crypto_sign_ed25519_PUBLICKEYBYTES;
static_assert(kEd25519Seed + kEd25519Public == crypto_sign_ed25519_SECRETKEYBYTES);

/// What libsodium signs with: seed ‖ public key, so that a signature does not compute the public key again.
Secret expanded_ed25519(const Secret& seed) {
    SEKISHO_ASSERT(seed.size() == kEd25519Seed);
    sodium::ready();
    Secret both(kEd25519Seed + kEd25519Public);
    std::array<unsigned char, kEd25519Public> public_key;
    SEKISHO_ASSERT(crypto_sign_ed25519_seed_keypair(public_key.data(), base::uchars(both.bytes().data()),
                                                    base::uchars(seed.bytes().data())) == 0);
    return both;
}

Bytes sign(EVP_PKEY* key, HashKind hash, BytesView message) {
    const evp::DigestContext context(EVP_MD_CTX_new());
    SEKISHO_ASSERT(context != nullptr);
    const char* digest = evp::digest_name(hash);
    SEKISHO_ASSERT(EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1);
    Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
    std::size_t size = out.size();
    SEKISHO_ASSERT(EVP_DigestSign(context.get(), base::uchars(out.data()), &size, base::uchars(message.data()),
                                  message.size()) == 1);
    out.resize(size);
    return out;
}

evp::Number parameter(EVP_PKEY* key, const char* name) {
    BIGNUM* out = BN_secure_new();
    SEKISHO_ASSERT(out != nullptr && EVP_PKEY_get_bn_param(key, name, &out) == 1);
    return evp::Number(out);
}

}  // namespace

enum class SigningKind { Ed25519, Ecdsa, Rsa };

struct SigningKey::State {
    SigningKind kind;
    Curve curve;
    evp::Pkey key;   // of ECDSA and RSA
    Secret ed25519;  // seed ‖ public key
};

SigningKey SigningKey::generate_ed25519() {
    Secret seed(kEd25519Seed);
    system_random().fill(seed.bytes());
    return SigningKey(std::make_shared<const State>(SigningKind::Ed25519, Curve{}, nullptr, expanded_ed25519(seed)));
}

SigningKey SigningKey::generate_ecdsa(Curve curve) {
    const Secret scalar = random_scalar(curve, system_random());
    evp::Pkey key = pair_key(curve, public_point(curve, scalar), scalar);
    return SigningKey(std::make_shared<const State>(SigningKind::Ecdsa, curve, std::move(key), Secret()));
}

SigningKey SigningKey::generate_rsa(unsigned bits) {
    SEKISHO_ASSERT(bits >= 2048 && bits <= 16384);
    evp::Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
    SEKISHO_ASSERT(key != nullptr);
    return SigningKey(std::make_shared<const State>(SigningKind::Rsa, Curve{}, std::move(key), Secret()));
}

Result<SigningKey> SigningKey::ed25519(const Secret& seed) {
    if (seed.size() != kEd25519Seed) return fail("an Ed25519 private key has the wrong length");
    return SigningKey(std::make_shared<const State>(SigningKind::Ed25519, Curve{}, nullptr, expanded_ed25519(seed)));
}

Result<SigningKey> SigningKey::ecdsa(Curve curve, BytesView point, const Secret& scalar) {
    if (scalar.size() > nist_curve(curve).field) return fail("an ECDSA private key has the wrong length");
    const Bytes own_point = public_point(curve, scalar);
    if (own_point.empty() || !base::equal_constant_time(own_point, point)) {
        return fail("the numbers of an ECDSA private key do not belong together");
    }
    evp::Pkey key = pair_key(curve, own_point, scalar);
    return SigningKey(std::make_shared<const State>(SigningKind::Ecdsa, curve, std::move(key), Secret()));
}

Result<SigningKey> SigningKey::rsa(const RsaNumbers& numbers, const RsaSecretNumbers& secret) {
    Result<evp::Pkey> key = rsa_pair_key(numbers, secret);
    if (!key) return std::unexpected(std::move(key.error()));
    return SigningKey(std::make_shared<const State>(SigningKind::Rsa, Curve{}, std::move(*key), Secret()));
}

Bytes SigningKey::sign_ed25519(BytesView message) const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ed25519);
    Bytes out(crypto_sign_ed25519_BYTES);
    const unsigned char* key = base::uchars(m_state->ed25519.bytes().data());
    SEKISHO_ASSERT(crypto_sign_ed25519_detached(base::uchars(out.data()), nullptr, base::uchars(message.data()),
                                                message.size(), key) == 0);
    return out;
}

EcdsaSignature SigningKey::sign_ecdsa(BytesView message) const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ecdsa);
    const Bytes der = sign(m_state->key.get(), nist_curve(m_state->curve).hash, message);
    const unsigned char* at = base::uchars(der.data());
    const evp::EcdsaDer numbers(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    SEKISHO_ASSERT(numbers != nullptr);
    return {evp::magnitude(ECDSA_SIG_get0_r(numbers.get())), evp::magnitude(ECDSA_SIG_get0_s(numbers.get()))};
}

Bytes SigningKey::sign_rsa(HashKind hash, BytesView message) const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Rsa);
    return sign(m_state->key.get(), hash, message);
}

Bytes SigningKey::ed25519_public() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ed25519);
    return base::to_bytes(m_state->ed25519.bytes().last(kEd25519Public));
}

Secret SigningKey::ed25519_seed() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ed25519);
    return Secret(m_state->ed25519.bytes().first(kEd25519Seed));
}

Bytes SigningKey::ecdsa_point() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ecdsa);
    Bytes out(1 + 2 * nist_curve(m_state->curve).field);
    std::size_t size = 0;
    SEKISHO_ASSERT(EVP_PKEY_get_octet_string_param(m_state->key.get(), OSSL_PKEY_PARAM_PUB_KEY, base::uchars(out.data()),
                                                   out.size(), &size) == 1);
    SEKISHO_ASSERT(size == out.size());
    return out;
}

Secret SigningKey::ecdsa_scalar() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ecdsa);
    return evp::secret_magnitude(parameter(m_state->key.get(), OSSL_PKEY_PARAM_PRIV_KEY).get());
}

RsaNumbers SigningKey::rsa_public() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Rsa);
    EVP_PKEY* key = m_state->key.get();
    return {evp::magnitude(parameter(key, OSSL_PKEY_PARAM_RSA_N).get()),
            evp::magnitude(parameter(key, OSSL_PKEY_PARAM_RSA_E).get())};
}

RsaSecretNumbers SigningKey::rsa_secret() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Rsa);
    EVP_PKEY* key = m_state->key.get();
    return {evp::secret_magnitude(parameter(key, OSSL_PKEY_PARAM_RSA_D).get()),
            evp::secret_magnitude(parameter(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1).get()),
            evp::secret_magnitude(parameter(key, OSSL_PKEY_PARAM_RSA_FACTOR1).get()),
            evp::secret_magnitude(parameter(key, OSSL_PKEY_PARAM_RSA_FACTOR2).get())};
}

}  // namespace sekisho::crypto
