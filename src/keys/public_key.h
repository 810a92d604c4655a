// SSH public keys: the wire blob (RFC 4253 §6.6, 5656, 8332, 8709; OpenSSH PROTOCOL.u2f for those in security keys), its
// text forms and its fingerprint.
// A PublicKey is valid by construction. Used by ssh (authentication, host keys), identity, store and cli.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sekisho::keys {

enum class KeyKind { Ed25519, EcdsaP256, EcdsaP384, EcdsaP521, Rsa, SkEd25519, SkEcdsaP256 };

/// "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa" …: the name at the front of a blob.
std::string_view blob_name(KeyKind kind);
/// For people and `ssh-keygen -l`: "ED25519", "ECDSA", "RSA", "ED25519-SK", "ECDSA-SK".
std::string_view short_name(KeyKind kind);
/// True for keys that live in a security key (FIDO): their signatures say whether it was touched, and its PIN given.
bool is_security_key(KeyKind kind);

/// What a good signature of a security key says beyond being good. For every other kind: nothing set.
struct SignatureDetails {
    bool touched = false;       // a person was present
    bool pin_verified = false;  // the security key knew the person, by PIN or finger
    std::uint32_t counter = 0;  // signatures made by the security key, as far as it counts them
};

/// What a security key's signature must show. Other kinds have nothing to show and pass.
struct SignatureNeeds {
    bool touch = true;
    bool pin = false;
};

class PublicKey {
public:
    /// Parses a plain (not certificate) public key blob. RSA under 2048 bits is refused.
    static Result<PublicKey> from_blob(BytesView blob);
    /// "ssh-ed25519 AAAA… comment"; the comment may be missing. No options in front (see authorized_key.h).
    static Result<PublicKey> from_line(std::string_view line);
    /// The same line, RFC 4716 or PEM, whichever it is (public_text.h, which also gives the comment).
    static Result<PublicKey> from_any_text(std::string_view text);

    KeyKind kind() const;
    BytesView blob() const;
    /// "SHA256:" and base64 without padding, as ssh-keygen prints it.
    std::string fingerprint() const;
    /// "ssh-ed25519 AAAA…" and, when given, the comment.
    std::string line(std::string_view comment = {}) const;

    /// Of a security key: whom it signs for, usually "ssh:". Empty for other kinds.
    const std::string& application() const;

    /// Signature algorithms that this key can be used with, best first: rsa-sha2-512, rsa-sha2-256 for RSA; else its own name.
    std::vector<std::string> algorithms() const;
    /// Checks `signature` (the SSH signature blob: string algorithm, string bytes) over `message`. The algorithm inside the
    /// blob must be `algorithm`, and must be one of algorithms(). ssh-rsa (SHA-1) is never accepted here.
    Result<void> verify(std::string_view algorithm, BytesView message, BytesView signature, SignatureNeeds needs = {}) const;
    /// "ssh-rsa", RSA with SHA-1 (RFC 4253 §6.6): for host keys of targets marked as legacy, which have no better signature.
    Result<void> verify_rsa_sha1(BytesView message, BytesView signature) const;
    /// The same as verify() without needs, for callers that judge touch and PIN themselves.
    Result<SignatureDetails> verify_details(std::string_view algorithm, BytesView message, BytesView signature) const;

    friend bool operator==(const PublicKey& a, const PublicKey& b);

    struct State;
    explicit PublicKey(std::shared_ptr<const State> state) : m_state(std::move(state)) {}

private:
    std::shared_ptr<const State> m_state;
};

}  // namespace sekisho::keys
