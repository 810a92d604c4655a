#include "keys/private_key.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/pem.h"
#include "keys/key_fields.h"
#include "keys/openssh_private.h"
#include "wire/writer.h"

namespace sekisho::keys {

namespace {

constexpr std::string_view kOpensshMark = "-----BEGIN OPENSSH PRIVATE KEY-----";

}  // namespace

struct PrivateKey::State {
    PublicKey public_key;
    crypto::SigningKey signer;
};

PrivateKey PrivateKey::generate(KeyKind kind, unsigned rsa_bits) {
    SEKISHO_ASSERT(!is_security_key(kind));  // only a security key makes those
    crypto::SigningKey signer = kind == KeyKind::Ed25519 ? crypto::SigningKey::generate_ed25519()
                                : kind == KeyKind::Rsa   ? crypto::SigningKey::generate_rsa(rsa_bits)
                                                         : crypto::SigningKey::generate_ecdsa(curve(kind));
    PublicKey public_key = public_part(kind, signer);
    return PrivateKey(std::make_shared<const State>(std::move(public_key), std::move(signer)));
}

Result<PrivateKey> PrivateKey::from_openssh(std::string_view text, std::string_view passphrase, UnlockCost most) {
    Result<OpensshPrivate> parsed = parse_openssh_private(text, passphrase, most);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    return PrivateKey(std::make_shared<const State>(std::move(parsed->public_key), std::move(parsed->signer)));
}

Result<PrivateKey> PrivateKey::from_text(std::string_view text, std::string_view passphrase, UnlockCost most) {
    if (text.find(kOpensshMark) != std::string_view::npos) return from_openssh(text, passphrase, most);
    Result<crypto::PemPrivate> parsed = crypto::private_from_pem(text, passphrase, most.pbkdf2_iterations);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    PublicKey public_key = public_part(kind_of(parsed->kind), parsed->signer);
    return PrivateKey(std::make_shared<const State>(std::move(public_key), std::move(parsed->signer)));
}

bool PrivateKey::needs_passphrase(std::string_view text) {
    if (text.find(kOpensshMark) != std::string_view::npos) return openssh_private_is_protected(text);
    return crypto::pem_is_protected(text);
}

Secret PrivateKey::to_openssh(std::string_view comment, std::string_view passphrase) const {
    return format_openssh_private(m_state->public_key, m_state->signer, comment, passphrase);
}

const PublicKey& PrivateKey::public_key() const { return m_state->public_key; }

Result<Bytes> PrivateKey::sign(std::string_view algorithm, BytesView message) const {
    const std::vector<std::string> allowed = m_state->public_key.algorithms();
    if (std::ranges::find(allowed, algorithm) == allowed.end()) {
        return fail("the key cannot sign with that algorithm", std::string(algorithm));
    }
    wire::Writer out;
    out.string(algorithm);
    switch (m_state->public_key.kind()) {
        case KeyKind::Ed25519: out.string(m_state->signer.sign_ed25519(message)); break;
        case KeyKind::Rsa: {
            const auto hash = algorithm == "rsa-sha2-512" ? crypto::HashKind::Sha512 : crypto::HashKind::Sha256;
            out.string(m_state->signer.sign_rsa(hash, message));
            break;
        }
        case KeyKind::EcdsaP256:
        case KeyKind::EcdsaP384:
        case KeyKind::EcdsaP521: {  // RFC 5656 §3.1.2
            const crypto::EcdsaSignature signature = m_state->signer.sign_ecdsa(message);
            wire::Writer numbers;
            numbers.mpint(signature.r).mpint(signature.s);
            out.string(numbers.bytes());
            break;
        }
        case KeyKind::SkEd25519:
        case KeyKind::SkEcdsaP256: SEKISHO_ASSERT(false && "a private key out of a security key"); break;
    }
    return out.take();
}

}  // namespace sekisho::keys
