// SSH private keys: made, read from and written as OpenSSH private key files (PROTOCOL.key), read from PEM and PKCS#8 files,
// each also protected by a passphrase; signing. Opening a protected file takes time by design: not on a loop.
// Held by whoever may sign (the keyholder, target sign-in); never logged, printed or copied into an Error.
#pragma once

#include <filesystem>
#include <memory>

#include "base/secret.h"
#include "keys/public_key.h"

namespace sekisho::keys {

/// What a protected key file may make us compute before its passphrase is known to be right; beyond it the file is refused.
struct UnlockCost {
    unsigned bcrypt_rounds = 10'000;  // about a millisecond each; ssh-keygen writes 16 or 24
    unsigned pbkdf2_iterations = 2'000'000;  // about a microsecond each; ssh-keygen and openssl write 2048
};

class PrivateKey {
public:
    /// Not for the kinds of security keys.
    static PrivateKey generate(KeyKind kind, unsigned rsa_bits = 3072);
    /// Any text form of a private key: OpenSSH's, PKCS#8, and the PEM forms of RSA and EC keys. Without a passphrase a
    /// protected file is an error that says so; with one, an unprotected file is read all the same.
    static Result<PrivateKey> from_text(std::string_view text, std::string_view passphrase = {}, UnlockCost most = {});
    /// "-----BEGIN OPENSSH PRIVATE KEY-----" text only.
    static Result<PrivateKey> from_openssh(std::string_view text, std::string_view passphrase = {}, UnlockCost most = {});
    /// Whether from_text will want a passphrase.
    static bool needs_passphrase(std::string_view text);
    /// The same text; encrypted when there is a passphrase.
    Secret to_openssh(std::string_view comment, std::string_view passphrase = {}) const;

    const PublicKey& public_key() const;
    /// SSH signature blob (string algorithm ‖ string signature). `algorithm` must be one of public_key().algorithms().
    Result<Bytes> sign(std::string_view algorithm, BytesView message) const;

    struct State;
    explicit PrivateKey(std::shared_ptr<const State> state) : m_state(std::move(state)) {}

private:
    std::shared_ptr<const State> m_state;
};

/// Reads a file (from_text) of at most 64 KiB whose mode gives nothing to group or others; says so otherwise.
Result<PrivateKey> load_private_key(const std::filesystem::path& path, std::string_view passphrase = {});
/// Writes PATH (0600, must not exist) and PATH.pub (0644), both through a temporary name and fsync.
Result<void> save_private_key(const std::filesystem::path& path, const PrivateKey& key, std::string_view comment);

}  // namespace sekisho::keys
