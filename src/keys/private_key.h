// SSH private keys: made, read from and written as OpenSSH private key files (PROTOCOL.key, unencrypted for now), signing.
// Held by whoever may sign (the keyholder, target sign-in); never logged, printed or copied into an Error.
#pragma once

#include <filesystem>
#include <memory>

#include "base/secret.h"
#include "keys/public_key.h"

namespace sekisho::keys {

class PrivateKey {
public:
    static PrivateKey generate(KeyKind kind, unsigned rsa_bits = 3072);
    /// "-----BEGIN OPENSSH PRIVATE KEY-----" text.
    static Result<PrivateKey> from_openssh(std::string_view text);
    /// The same text, unencrypted.
    Secret to_openssh(std::string_view comment) const;

    const PublicKey& public_key() const;
    /// SSH signature blob (string algorithm ‖ string signature). `algorithm` must be one of public_key().algorithms().
    Result<Bytes> sign(std::string_view algorithm, BytesView message) const;

    struct State;
    explicit PrivateKey(std::shared_ptr<const State> state) : m_state(std::move(state)) {}

private:
    std::shared_ptr<const State> m_state;
};

/// Reads a file of at most 64 KiB whose mode gives nothing to group or others; says so otherwise.
Result<PrivateKey> load_private_key(const std::filesystem::path& path);
/// Writes PATH (0600, must not exist) and PATH.pub (0644), both through a temporary name and fsync.
Result<void> save_private_key(const std::filesystem::path& path, const PrivateKey& key, std::string_view comment);

}  // namespace sekisho::keys
