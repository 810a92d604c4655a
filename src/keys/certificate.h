// OpenSSH certificates (PROTOCOL.certkeys): parsed, checked, made and signed. User certificates for the target hop are
// signed by our CA; a certificate offered by a client or a host is parsed here and judged by its caller.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/random.h"
#include "keys/public_key.h"

namespace sekisho::keys {

enum class CertificateUse : std::uint32_t { User = 1, Host = 2 };

struct CertificateOption {
    std::string name;
    std::string value;  // contents of the inner string; empty for flags
};

struct CertificateFields {
    std::uint64_t serial = 0;
    CertificateUse use = CertificateUse::User;
    std::string key_id;
    std::vector<std::string> principals;
    std::uint64_t valid_after = 0;   // seconds since 1970
    std::uint64_t valid_before = 0;  // exclusive; UINT64_MAX: forever
    std::vector<CertificateOption> critical_options;
    std::vector<CertificateOption> extensions;
};

class Certificate {
public:
    /// Parses and checks the CA's signature over the blob. Says nothing about whether the CA is trusted.
    static Result<Certificate> from_blob(BytesView blob);

    BytesView blob() const { return m_blob; }
    /// The name at the front: "ssh-ed25519-cert-v01@openssh.com" …
    const std::string& blob_name() const { return m_blob_name; }
    const PublicKey& key() const { return m_key; }
    const PublicKey& authority() const { return m_authority; }
    const CertificateFields& fields() const { return m_fields; }

    /// Valid at `now` (seconds since 1970), for `use`, naming `principal`. Principals of hosts are patterns, those of users
    /// stand for themselves. Empty principals are refused, unknown critical options are refused. The text says which of these
    /// failed. What the known options and extensions ask is for the caller: "verify-required" as SignatureNeeds::pin.
    Result<void> check(CertificateUse use, std::string_view principal, std::uint64_t now) const;

    Certificate(Bytes blob, std::string name, PublicKey key, PublicKey authority, CertificateFields fields)
        : m_blob(std::move(blob)), m_blob_name(std::move(name)), m_key(std::move(key)), m_authority(std::move(authority)),
          m_fields(std::move(fields)) {}

private:
    Bytes m_blob;
    std::string m_blob_name;
    PublicKey m_key;
    PublicKey m_authority;
    CertificateFields m_fields;
};

/// A host's name against a principal of a host certificate, as ssh matches them: '*' for any run of characters, dots too,
/// '?' for one, nothing else special; the name in lower case, the pattern as it is.
bool matches_host_pattern(std::string_view host, std::string_view pattern);

/// True for a name that ends in "-cert-v01@openssh.com".
bool is_certificate_name(std::string_view name);
/// Name of the certificate form of a signature algorithm or blob name ("ssh-ed25519" → "ssh-ed25519-cert-v01@openssh.com",
/// "rsa-sha2-512" → "rsa-sha2-512-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com" →
/// "sk-ssh-ed25519-cert-v01@openssh.com"), and back.
std::string certificate_name(std::string_view algorithm);
std::string plain_name(std::string_view certificate_algorithm);

/// The bytes that the CA signs: everything before the signature field.
Bytes certificate_to_be_signed(
    const PublicKey& key, const PublicKey& authority, const CertificateFields& fields, crypto::Random& random);
/// `to_be_signed` and the CA's SSH signature blob put together.
Bytes certificate_blob(BytesView to_be_signed, BytesView signature);

}  // namespace sekisho::keys
