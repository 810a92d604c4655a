// SSH public keys: the wire blob (RFC 4253 §6.6, 5656, 8332, 8709), its text line and its fingerprint.
// A PublicKey is valid by construction. Used by ssh (authentication, host keys), identity, store and cli.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sekisho::keys {

enum class KeyKind { Ed25519, EcdsaP256, EcdsaP384, EcdsaP521, Rsa };

/// "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa" …: the name at the front of a blob.
std::string_view blob_name(KeyKind kind);
/// For people and `ssh-keygen -l`: "ED25519", "ECDSA", "RSA".
std::string_view short_name(KeyKind kind);

class PublicKey {
public:
    /// Parses a plain (not certificate) public key blob. RSA under 2048 bits is refused.
    static Result<PublicKey> from_blob(BytesView blob);
    /// "ssh-ed25519 AAAA… comment"; the comment may be missing. No options in front (see authorized_key.h).
    static Result<PublicKey> from_line(std::string_view line);

    KeyKind kind() const;
    BytesView blob() const;
    /// "SHA256:" and base64 without padding, as ssh-keygen prints it.
    std::string fingerprint() const;
    /// "ssh-ed25519 AAAA…" and, when given, the comment.
    std::string line(std::string_view comment = {}) const;

    /// Signature algorithms that this key can be used with, best first: rsa-sha2-512, rsa-sha2-256 for RSA; else its own name.
    std::vector<std::string> algorithms() const;
    /// Checks `signature` (the SSH signature blob: string algorithm, string bytes) over `message`. The algorithm inside the
    /// blob must be `algorithm`, and must be one of algorithms(). ssh-rsa (SHA-1) is never accepted here.
    Result<void> verify(std::string_view algorithm, BytesView message, BytesView signature) const;

    friend bool operator==(const PublicKey& a, const PublicKey& b);

    struct State;
    explicit PublicKey(std::shared_ptr<const State> state) : m_state(std::move(state)) {}

private:
    std::shared_ptr<const State> m_state;
};

}  // namespace sekisho::keys
