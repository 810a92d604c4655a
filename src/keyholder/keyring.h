// Keyring: the private keys of a gateway (host keys, user CA, host CA, the one that wraps credentials, the one that signs evidence), and
// what may be done with them. It believes no caller: every bound is checked here, against its own clock. Lives in the keyholder process
// only; answer() is thread-safe.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "keyholder/evidence_key.h"
#include "keyholder/key_files.h"
#include "keyholder/messages.h"
#include "keyholder/stored_secrets.h"
#include "keyholder/user_ca.h"
#include "keys/private_key.h"

namespace sekisho::keyholder {

class Keyring {
public:
    /// Reads the files (0600); a certificate of another key, or a user CA that is a host key as well, is an error.
    static Result<Keyring> load(const KeyFiles& files);
    /// For tests.
    void wrap_with(keys::WrappingKey key) { m_secrets = StoredSecrets(std::move(key)); }
    /// For tests.
    void sign_evidence_with(keys::PrivateKey key) { m_evidence = EvidenceKey(std::move(key)); }
    /// For tests: plain keys without certificates.
    Keyring(std::vector<keys::PrivateKey> host_keys, keys::PrivateKey user_ca, std::optional<keys::PrivateKey> host_ca = std::nullopt);

    PublicParts public_parts() const;
    /// Signature, certificate, the CA's keys after a step, a credential wrapped or opened, or a statement signed. The Error says why it
    /// is none of these.
    Result<Bytes> answer(const Request& request, WallTime now) const;

private:
    Keyring(UserCa user_ca, std::optional<keys::PrivateKey> host_ca);
    void add(keys::PrivateKey key, PublicParts::HostKey offered);

    bool is_another_key(const keys::PublicKey& key) const;
    Result<Bytes> sign(const SignExchange& wanted) const;
    Result<Bytes> sign(const ProveHostKey& wanted) const;
    Result<Bytes> sign(const CertificateWish& wish, WallTime now) const;
    Result<Bytes> sign(const HostCertificateWish& wish, WallTime now) const;
    Result<void> within_bounds(const CertificateWish& wish) const;
    Result<void> within_bounds(const HostCertificateWish& wish) const;

    std::vector<keys::PrivateKey> m_host_keys;  // as m_public
    std::unique_ptr<UserCa> m_user_ca;  // the one thing that changes, by itself thread-safe
    std::optional<keys::PrivateKey> m_host_ca;
    StoredSecrets m_secrets;
    EvidenceKey m_evidence;  // remembers what it signed, by itself thread-safe
    std::vector<PublicParts::HostKey> m_public;
};

}  // namespace sekisho::keyholder
