#include "identity/user_certificate.h"

#include <algorithm>

#include <fmt/format.h>

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

std::vector<std::string> split_at_commas(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const auto comma = list.find(',');
        if (comma != 0) out.emplace_back(list.substr(0, comma));
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return out;
}

bool has(const keys::AuthorizedKey& line, std::string_view name) {
    return std::ranges::any_of(line.options, [&](const keys::KeyOption& option) { return option.name == name; });
}

/// What the line in the user's keys says besides the certificate: source, time, command and what is not permitted. Its key is the
/// authority's, which signs nothing here, so that touch and PIN are looked at elsewhere.
Result<std::shared_ptr<const Grant>> grant_of_line(
    const keys::AuthorizedKey& line, const CertificateClaim& claim, WallTime now) {
    keys::AuthorizedKey rest = line;
    std::erase_if(rest.options, [](const keys::KeyOption& option) {
        return option.name == "cert-authority" || option.name == "principals" || option.name == "verify-required";
    });
    return make_grant(claim.user, rest, claim.source, now, {.touched = true, .pin_verified = true});
}

/// Permits what both permit.
Result<void> narrow(Grant& grant, const Grant& line) {
    if (grant.command && line.command && *grant.command != *line.command) {
        return fail("the certificate and the option command of its authority's line force different commands");
    }
    grant.pty = grant.pty && line.pty;
    grant.agent_forwarding = grant.agent_forwarding && line.agent_forwarding;
    grant.port_forwarding = grant.port_forwarding && line.port_forwarding;
    grant.x11_forwarding = grant.x11_forwarding && line.x11_forwarding;
    if (line.command) grant.command = line.command;
    grant.permit_open = line.permit_open;
    return {};
}

}  // namespace

namespace {

Result<CertificateGrant> judge(const keys::Certificate& certificate, const TrustedAuthority& authority,
    const Revocation& revocation, const CertificateClaim& claim, WallTime now, keys::SignatureNeeds needs) {
    if (auto good = revocation.check(certificate); !good) return std::unexpected(good.error());
    const auto& principals = authority.principals.empty() ? claim.principals : authority.principals;
    if (auto good = check_principals(certificate, principals, now); !good) return std::unexpected(good.error());
    if (auto good = check_user(claim.user, now); !good) return std::unexpected(good.error());

    const keys::CertificateFields& fields = certificate.fields();
    if (const std::string* list = value_of(fields.critical_options, "source-address")) {
        if (auto good = check_source(*list, claim.source); !good) return std::unexpected(good.error());
    }
    needs.touch = needs.touch || value_of(fields.extensions, "no-touch-required") == nullptr;
    needs.pin = needs.pin || value_of(fields.critical_options, "verify-required") != nullptr;
    if (auto good = check_proof(certificate.key(), claim.proof, needs); !good) return std::unexpected(good.error());

    CertificateGrant out;
    out.grant.user = claim.user.name;
    out.grant.fingerprint = certificate.key().fingerprint();
    out.grant.touched = keys::is_security_key(certificate.key().kind()) && claim.proof.touched;
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
    out.grant.certificate = fmt::format("\"{}\", serial {}, signed by {}", fields.key_id, fields.serial, out.authority);
    return out;
}

}  // namespace

Result<CertificateGrant> judge_certificate(
    const keys::Certificate& certificate, const CertificateTrust& trust, const CertificateClaim& claim, WallTime now) {
    const auto authority = std::ranges::find(trust.authorities, certificate.authority(), &TrustedAuthority::key);
    if (authority == trust.authorities.end()) {
        return fail("the certificate is signed by " + certificate.authority().fingerprint() +
                    ", an authority that this gateway does not know");
    }
    return judge(certificate, *authority, trust, claim, now, {.touch = false, .pin = false});
}

Result<CertificateGrant> judge_certificate(const keys::Certificate& certificate, const keys::AuthorizedKey& line,
    const Revocation& revocation, const CertificateClaim& claim, WallTime now) {
    TrustedAuthority authority{line.key, {}};
    for (const keys::KeyOption& option : line.options) {
        if (option.name != "principals") continue;
        authority.principals = split_at_commas(option.value);
        // Named, but nobody: not the same as not named.
        if (authority.principals.empty()) return fail("the option principals of the authority's line names nobody");
    }
    if (!has(line, "cert-authority") || !(certificate.authority() == line.key)) {
        return fail("the certificate is signed by another authority");
    }
    auto of_line = grant_of_line(line, claim, now);
    if (!of_line) return std::unexpected(of_line.error());
    const keys::SignatureNeeds needs{.touch = !has(line, "no-touch-required"), .pin = has(line, "verify-required")};
    auto out = judge(certificate, authority, revocation, claim, now, needs);
    if (!out) return out;
    if (auto narrowed = narrow(out->grant, **of_line); !narrowed) return std::unexpected(narrowed.error());
    return out;
}

Result<std::vector<TrustedAuthority>> parse_authorities(const std::vector<std::string>& lines) {
    std::vector<TrustedAuthority> out;
    for (const std::string& line : lines) {
        auto key = keys::PublicKey::from_line(line);
        if (!key) return fail("\"" + line.substr(0, 40) + "…\": " + key.error().text, key.error().detail);
        out.push_back({std::move(*key), {}});
    }
    return out;
}

}  // namespace sekisho::identity
