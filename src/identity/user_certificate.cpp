#include "identity/user_certificate.h"

#include <algorithm>

namespace sekisho::identity {

namespace {

const std::string* value_of(const std::vector<keys::CertificateOption>& options, std::string_view name) {
    const auto at = std::ranges::find(options, name, &keys::CertificateOption::name);
    return at == options.end() ? nullptr : &at->value;
}

/// PROTOCOL.certkeys, "source-address": a comma-separated list of addresses and networks, nothing else. A list with an entry that
/// is not understood permits nobody.
Result<void> check_source(const std::string& list, const std::optional<base::Address>& source) {
    bool permitted = false;
    std::string_view rest = list;
    while (true) {
        const auto comma = rest.find(',');
        const auto network = base::Network::parse(rest.substr(0, comma));
        if (!network) return fail("the certificate's source-address is not understood", list);
        permitted = permitted || (source && network->contains(*source));
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
    }
    if (!permitted) return fail("the certificate may not be used from " + (source ? source->text() : "here"));
    return {};
}

/// Use, time, critical options, and any one of the principals.
Result<void> check_principals(const keys::Certificate& certificate, const std::vector<std::string>& principals, WallTime now) {
    const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(0, base::unix_seconds(now)));
    if (principals.empty()) return fail("no principal is known for this user");
    const auto& named = certificate.fields().principals;
    const auto known = std::ranges::find_if(
        principals, [&](const std::string& one) { return std::ranges::find(named, one) != named.end(); });
    return certificate.check(keys::CertificateUse::User, known == principals.end() ? principals.front() : *known, seconds);
}

Result<void> check_revocation(const keys::Certificate& certificate, const CertificateTrust& trust) {
    if (trust.revocation_unknown) return fail("a revocation list cannot be read: no certificate is accepted");
    for (const keys::Krl& list : trust.revoked) {
        if (auto good = list.check(certificate); !good) return good;
    }
    return {};
}

}  // namespace

Result<CertificateGrant> judge_certificate(
    const keys::Certificate& certificate, const CertificateTrust& trust, const CertificateClaim& claim, WallTime now) {
    const auto authority = std::ranges::find(trust.authorities, certificate.authority(), &TrustedAuthority::key);
    if (authority == trust.authorities.end()) {
        return fail("the certificate is signed by " + certificate.authority().fingerprint() +
                    ", an authority that this gateway does not know");
    }
    if (auto good = check_revocation(certificate, trust); !good) return std::unexpected(good.error());
    const auto& principals = authority->principals.empty() ? claim.principals : authority->principals;
    if (auto good = check_principals(certificate, principals, now); !good) return std::unexpected(good.error());
    if (auto good = check_user(claim.user, now); !good) return std::unexpected(good.error());

    const keys::CertificateFields& fields = certificate.fields();
    if (const std::string* list = value_of(fields.critical_options, "source-address")) {
        if (auto good = check_source(*list, claim.source); !good) return std::unexpected(good.error());
    }
    const keys::SignatureNeeds needs{.touch = value_of(fields.extensions, "no-touch-required") == nullptr,
        .pin = value_of(fields.critical_options, "verify-required") != nullptr};
    if (auto good = check_proof(certificate.key(), claim.proof, needs); !good) return std::unexpected(good.error());

    CertificateGrant out;
    out.grant.user = claim.user.name;
    out.grant.fingerprint = certificate.key().fingerprint();
    // What the authority does not permit is not permitted; an extension that we do not know permits nothing.
    out.grant.pty = value_of(fields.extensions, "permit-pty") != nullptr;
    out.grant.agent_forwarding = value_of(fields.extensions, "permit-agent-forwarding") != nullptr;
    out.grant.port_forwarding = value_of(fields.extensions, "permit-port-forwarding") != nullptr;
    out.grant.x11_forwarding = value_of(fields.extensions, "permit-X11-forwarding") != nullptr;
    if (const std::string* command = value_of(fields.critical_options, "force-command")) out.grant.command = *command;
    out.authority = certificate.authority().fingerprint();
    out.key_id = fields.key_id;
    out.serial = fields.serial;
    out.valid_before = fields.valid_before;
    return out;
}

}  // namespace sekisho::identity
