// StoredSecrets: what the keyholder does with credentials for targets (keys/stored_secret.h): wraps what was sealed to it, signs with a
// stored key, hands out a stored password. A stored key signs sign-ins to its own login and nothing else, and never leaves. Part of
// Keyring; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "keyholder/messages.h"
#include "keys/stored_secret.h"

namespace sekisho::keyholder {

class StoredSecrets {
public:
    /// Without a wrapping key: everything is refused.
    StoredSecrets() = default;
    explicit StoredSecrets(keys::WrappingKey key) : m_key(std::move(key)) {}
    /// No file under that name: the same as none.
    static Result<StoredSecrets> load(const std::string& path);

    /// WrappedSecret.
    Result<Bytes> wrap(const WrapSecret& wanted) const;
    /// Signature blob.
    Result<Bytes> sign(const SignAsStored& wanted) const;
    /// The password; whoever gets it wipes it.
    Result<Bytes> open(const OpenPassword& wanted) const;

private:
    Result<Secret> unwrap(keys::SecretKind kind, const StoredCredential& credential) const;

    std::optional<keys::WrappingKey> m_key;
};

}  // namespace sekisho::keyholder
