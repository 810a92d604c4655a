// The verifying half of signature.h.
#include <algorithm>
#include <array>
#include <climits>
#include <cstring>

#include <openssl/rsa.h>

#include "crypto/nist_curve.h"
#include "crypto/rsa_key.h"
#include "crypto/signature.h"
#include "crypto/sodium.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kEd25519Key = crypto_sign_ed25519_PUBLICKEYBYTES;
constexpr std::size_t kEd25519Signature = crypto_sign_ed25519_BYTES;
using Ed25519Key = std::array<std::byte, kEd25519Key>;

/// Only 1 is success: EVP also returns 0 and negative numbers.
bool verify(EVP_PKEY* key, HashKind hash, BytesView message, BytesView signature) {
    const evp::DigestContext context(EVP_MD_CTX_new());
    SEKISHO_ASSERT(context != nullptr);
    const char* digest = evp::digest_name(hash);
    SEKISHO_ASSERT(EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key, nullptr) == 1);
    const int verdict = EVP_DigestVerify(context.get(), base::uchars(signature.data()), signature.size(),
                                         base::uchars(message.data()), message.size());
    if (verdict != 1) evp::forget_errors();
    return verdict == 1;
}

BytesView without_leading_zeros(BytesView number) {
    while (!number.empty() && number.front() == std::byte{0}) number = number.subspan(1);
    return number;
}

/// DER of SEQUENCE { r, s }, which is what OpenSSL verifies; empty on a number no curve could give.
Bytes ecdsa_der(const EcdsaSignature& signature, std::size_t field) {
    const BytesView r = without_leading_zeros(signature.r);
    const BytesView s = without_leading_zeros(signature.s);
    if (r.empty() || s.empty() || r.size() > field || s.size() > field) return {};
    const evp::EcdsaDer numbers(ECDSA_SIG_new());
    SEKISHO_ASSERT(numbers != nullptr);
    SEKISHO_ASSERT(ECDSA_SIG_set0(numbers.get(), evp::number(r).release(), evp::number(s).release()) == 1);
    const int size = i2d_ECDSA_SIG(numbers.get(), nullptr);
    SEKISHO_ASSERT(size > 0);
    Bytes out(static_cast<std::size_t>(size));
    unsigned char* at = base::uchars(out.data());
    SEKISHO_ASSERT(i2d_ECDSA_SIG(numbers.get(), &at) == size);
    return out;
}

}  // namespace

enum class VerifyKind { Ed25519, Ecdsa, Rsa };

struct VerifyKey::State {
    VerifyKind kind;
    Curve curve;
    evp::Pkey key;  // of ECDSA and RSA
    Ed25519Key ed25519;
};

Result<VerifyKey> VerifyKey::ed25519(BytesView public_key) {
    if (public_key.size() != kEd25519Key) return fail("an Ed25519 key has the wrong length");
    Ed25519Key key;
    std::ranges::copy(public_key, key.begin());
    return VerifyKey(std::make_shared<const State>(VerifyKind::Ed25519, Curve{}, nullptr, key));
}

Result<VerifyKey> VerifyKey::ecdsa(Curve curve, BytesView point) {
    Result<evp::Pkey> key = point_key(curve, point);
    if (!key) return std::unexpected(std::move(key.error()));
    return VerifyKey(std::make_shared<const State>(VerifyKind::Ecdsa, curve, std::move(*key), Ed25519Key{}));
}

Result<VerifyKey> VerifyKey::rsa(const RsaNumbers& numbers) {
    Result<evp::Pkey> key = rsa_public_key(numbers);
    if (!key) return std::unexpected(std::move(key.error()));
    return VerifyKey(std::make_shared<const State>(VerifyKind::Rsa, Curve{}, std::move(*key), Ed25519Key{}));
}

bool VerifyKey::verify_ed25519(BytesView message, BytesView signature) const {
    SEKISHO_ASSERT(m_state->kind == VerifyKind::Ed25519);
    if (signature.size() != kEd25519Signature) return false;
    sodium::ready();
    // RFC 8032 §5.1.7 with s below the order; also refuses what only a forger uses, a key or an R of small order.
    return crypto_sign_ed25519_verify_detached(base::uchars(signature.data()), base::uchars(message.data()), message.size(),
                                               base::uchars(m_state->ed25519.data())) == 0;
}

bool VerifyKey::verify_ecdsa(BytesView message, const EcdsaSignature& signature) const {
    SEKISHO_ASSERT(m_state->kind == VerifyKind::Ecdsa);
    const NistCurve& curve = nist_curve(m_state->curve);
    const Bytes der = ecdsa_der(signature, curve.field);
    return !der.empty() && verify(m_state->key.get(), curve.hash, message, der);
}

bool VerifyKey::verify_rsa(HashKind hash, BytesView message, BytesView signature) const {
    SEKISHO_ASSERT(m_state->kind == VerifyKind::Rsa);
    const auto size = static_cast<std::size_t>(EVP_PKEY_get_size(m_state->key.get()));
    if (signature.empty() || signature.size() > size) return false;
    // Some peers drop leading zeros, as of an mpint; RFC 8332 §3 wants the full length, OpenSSH takes both.
    Bytes padded(size);
    std::memcpy(padded.data() + (size - signature.size()), signature.data(), signature.size());
    return verify(m_state->key.get(), hash, message, padded);
}

std::size_t VerifyKey::rsa_bits() const {
    SEKISHO_ASSERT(m_state->kind == VerifyKind::Rsa);
    return static_cast<std::size_t>(EVP_PKEY_get_bits(m_state->key.get()));
}

}  // namespace sekisho::crypto
