// Keyring: the private keys of a gateway (host keys, user CA, host CA), and what may be signed with them. It believes no caller: every
// bound is checked here, against its own clock. Lives in the keyholder process only; answer() is thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "keyholder/key_files.h"
#include "keyholder/messages.h"
#include "keys/private_key.h"

namespace sekisho::keyholder {

class Keyring {
public:
    /// Reads the files (0600); a certificate of another key, or a user CA that is a host key as well, is an error.
    static Result<Keyring> load(const KeyFiles& files);
    /// For tests: plain keys without certificates.
    Keyring(std::vector<keys::PrivateKey> host_keys, keys::PrivateKey user_ca, std::optional<keys::PrivateKey> host_ca = std::nullopt);

    const PublicParts& public_parts() const { return m_public; }
    /// Signature or certificate. The Error says why nothing is signed.
    Result<Bytes> answer(const Request& request, WallTime now) const;

private:
    struct Authorities {
        keys::PrivateKey users;
        std::optional<keys::PrivateKey> hosts;
    };
    explicit Keyring(Authorities authorities);
    void add(keys::PrivateKey key, PublicParts::HostKey offered);

    Result<Bytes> sign(const SignExchange& wanted) const;
    Result<Bytes> sign(const ProveHostKey& wanted) const;
    Result<Bytes> sign(const CertificateWish& wish, WallTime now) const;
    Result<Bytes> sign(const HostCertificateWish& wish, WallTime now) const;
    Result<void> within_bounds(const CertificateWish& wish) const;
    Result<void> within_bounds(const HostCertificateWish& wish) const;

    std::vector<keys::PrivateKey> m_host_keys;  // as PublicParts::host_keys
    keys::PrivateKey m_user_ca;
    std::optional<keys::PrivateKey> m_host_ca;
    PublicParts m_public;
};

}  // namespace sekisho::keyholder
