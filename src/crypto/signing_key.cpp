// The signing half of signature.h.
#include <openssl/core_names.h>

#include "crypto/nist_curve.h"
#include "crypto/rsa_key.h"
#include "crypto/signature.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kEd25519Key = 32;

Bytes sign(EVP_PKEY* key, const char* digest, BytesView message) {
    const evp::DigestContext context(EVP_MD_CTX_new());
    SEKISHO_ASSERT(context != nullptr);
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
    evp::Pkey key;
};

SigningKey SigningKey::generate_ed25519() {
    evp::Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    SEKISHO_ASSERT(key != nullptr);
    return SigningKey(std::make_shared<const State>(SigningKind::Ed25519, Curve{}, std::move(key)));
}

SigningKey SigningKey::generate_ecdsa(Curve curve) {
    const Secret scalar = random_scalar(curve, system_random());
    evp::Pkey key = pair_key(curve, public_point(curve, scalar), scalar);
    return SigningKey(std::make_shared<const State>(SigningKind::Ecdsa, curve, std::move(key)));
}

SigningKey SigningKey::generate_rsa(unsigned bits) {
    SEKISHO_ASSERT(bits >= 2048 && bits <= 16384);
    evp::Pkey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
    SEKISHO_ASSERT(key != nullptr);
    return SigningKey(std::make_shared<const State>(SigningKind::Rsa, Curve{}, std::move(key)));
}

Result<SigningKey> SigningKey::ed25519(const Secret& seed) {
    if (seed.size() != kEd25519Key) return fail("an Ed25519 private key has the wrong length");
    const unsigned char* bytes = base::uchars(seed.bytes().data());
    evp::Pkey key(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, bytes, kEd25519Key));
    SEKISHO_ASSERT(key != nullptr);
    return SigningKey(std::make_shared<const State>(SigningKind::Ed25519, Curve{}, std::move(key)));
}

Result<SigningKey> SigningKey::ecdsa(Curve curve, BytesView point, const Secret& scalar) {
    if (scalar.size() > nist_curve(curve).field) return fail("an ECDSA private key has the wrong length");
    const Bytes own_point = public_point(curve, scalar);
    if (own_point.empty() || !base::equal_constant_time(own_point, point)) {
        return fail("the numbers of an ECDSA private key do not belong together");
    }
    return SigningKey(std::make_shared<const State>(SigningKind::Ecdsa, curve, pair_key(curve, own_point, scalar)));
}

Result<SigningKey> SigningKey::rsa(const RsaNumbers& numbers, const RsaSecretNumbers& secret) {
    Result<evp::Pkey> key = rsa_pair_key(numbers, secret);
    if (!key) return std::unexpected(std::move(key.error()));
    return SigningKey(std::make_shared<const State>(SigningKind::Rsa, Curve{}, std::move(*key)));
}

Bytes SigningKey::sign_ed25519(BytesView message) const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ed25519);
    return sign(m_state->key.get(), nullptr, message);
}

EcdsaSignature SigningKey::sign_ecdsa(BytesView message) const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ecdsa);
    const Bytes der = sign(m_state->key.get(), evp::digest_name(nist_curve(m_state->curve).hash), message);
    const unsigned char* at = base::uchars(der.data());
    const evp::EcdsaDer numbers(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
    SEKISHO_ASSERT(numbers != nullptr);
    return {evp::magnitude(ECDSA_SIG_get0_r(numbers.get())), evp::magnitude(ECDSA_SIG_get0_s(numbers.get()))};
}

Bytes SigningKey::sign_rsa(HashKind hash, BytesView message) const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Rsa);
    return sign(m_state->key.get(), evp::digest_name(hash), message);
}

Bytes SigningKey::ed25519_public() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ed25519);
    Bytes out(kEd25519Key);
    std::size_t size = out.size();
    SEKISHO_ASSERT(EVP_PKEY_get_raw_public_key(m_state->key.get(), base::uchars(out.data()), &size) == 1);
    return out;
}

Secret SigningKey::ed25519_seed() const {
    SEKISHO_ASSERT(m_state->kind == SigningKind::Ed25519);
    Secret out(kEd25519Key);
    std::size_t size = out.size();
    SEKISHO_ASSERT(EVP_PKEY_get_raw_private_key(m_state->key.get(), base::uchars(out.bytes().data()), &size) == 1);
    return out;
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
