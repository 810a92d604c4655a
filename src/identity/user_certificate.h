// Judges the certificate with which a user signs in: a pure function of the certificate, of whom the gateway trusts, of the time and
// of where the user comes from. The engine has verified by then that the peer owns the certificate's key and that the authority
// named in it signed it; nothing else. Called by the front hop's authentication; any thread.
// Standard: OpenSSH PROTOCOL.certkeys, sshd(8) TrustedUserCAKeys and RevokedKeys.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "identity/grant.h"
#include "identity/revocation.h"
#include "keys/certificate.h"

namespace sekisho::identity {

/// One authority whose user certificates count.
struct TrustedAuthority {
    keys::PublicKey key;
    /// If not empty, a certificate must name one of these instead of the user's own principals (sshd's principals= option).
    std::vector<std::string> principals;
};

struct CertificateTrust : Revocation {
    std::vector<TrustedAuthority> authorities;
};
/// `lines`: public keys of authorities. An error names the line that is none.
Result<std::vector<TrustedAuthority>> parse_authorities(const std::vector<std::string>& lines);

/// What is known of the one who signs in.
struct CertificateClaim {
    const model::User& user;
    std::vector<std::string> principals;  // any of them will do: the user's name, and what it is mapped to
    std::optional<base::Address> source;
    keys::SignatureDetails proof;  // of a security key
};

struct CertificateGrant {
    Grant grant;  // fingerprint is that of the certified key; command is force-command
    std::string authority;  // fingerprint
    std::string key_id;     // as the authority wrote it; for the audit
    std::uint64_t serial = 0;
    std::uint64_t valid_before = 0;  // seconds since 1970; UINT64_MAX: forever
};

/// The error says to the user what is wrong with the certificate, the first of: authority not trusted, revoked, use, time,
/// principals, unknown critical option, source address, touch or PIN.
Result<CertificateGrant> judge_certificate(
    const keys::Certificate& certificate, const CertificateTrust& trust, const CertificateClaim& claim, WallTime now);
/// The same by a line of the user's own keys, with the option cert-authority (sshd(8)): its options and the certificate's must
/// both permit, and principals="…" in it takes the place of the claim's.
Result<CertificateGrant> judge_certificate(const keys::Certificate& certificate, const keys::AuthorizedKey& line,
    const Revocation& revocation, const CertificateClaim& claim, WallTime now);

}  // namespace sekisho::identity
