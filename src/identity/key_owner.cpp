#include "identity/key_owner.h"

#include <algorithm>

#include <fmt/format.h>

namespace sekisho::identity {

namespace {

constexpr keys::SignatureDetails kBestProof{.touched = true, .pin_verified = true};

bool signs_certificates(const keys::AuthorizedKey& line) {
    return std::ranges::any_of(line.options, [](const keys::KeyOption& option) { return option.name == "cert-authority"; });
}

/// Lines with this key, either of those that sign in or of those that sign certificates: one is never the other.
std::vector<KeyOwner> lines_with(const keys::PublicKey& key, const KeyIndex& index, bool authority) {
    std::vector<KeyOwner> out;
    for (const auto& entry : index.owners(key.blob())) {
        if (signs_certificates(entry.key) == authority) out.push_back({entry.user, entry.key});
    }
    return out;
}

bool trusted(const CertificateTrust& trust, const keys::PublicKey& authority) {
    return std::ranges::find(trust.authorities, authority, &TrustedAuthority::key) != trust.authorities.end();
}

/// An address that several users have names none of them.
const model::User* user_with_email(const model::Access& access, const std::string& email) {
    const auto first = std::ranges::find(access.users, email, &model::User::email);
    if (first == access.users.end()) return nullptr;
    return std::ranges::count(access.users, email, &model::User::email) == 1 ? &*first : nullptr;
}

/// Users whom the certificate names.
std::vector<KeyOwner> named_by(const keys::Certificate& certificate, const model::Access& access) {
    std::vector<KeyOwner> out;
    for (const std::string& principal : certificate.fields().principals) {
        const model::User* user = access.user(principal);
        if (user == nullptr && principal.find('@') != std::string::npos) user = user_with_email(access, principal);
        if (user == nullptr) continue;
        const auto known = [&](const KeyOwner& one) { return one.user == user->name; };
        if (std::ranges::none_of(out, known)) out.push_back({user->name, std::nullopt});
    }
    return out;
}

Result<std::vector<KeyOwner>> owners_of_certificate(const keys::Certificate& certificate, const KeyFacts& facts) {
    std::vector<KeyOwner> candidates = lines_with(certificate.authority(), facts.index, true);
    const bool by_all = trusted(facts.trust, certificate.authority());
    if (candidates.empty() && !by_all) {
        return fail("the certificate is signed by " + certificate.authority().fingerprint() +
                    ", an authority that this gateway does not know");
    }
    if (by_all) std::ranges::move(named_by(certificate, facts.access), std::back_inserter(candidates));
    if (candidates.empty()) {
        const auto& names = certificate.fields().principals;
        if (names.empty()) return fail("the certificate names no principal");
        return fail(fmt::format("the certificate names no user of this gateway, but {}", fmt::join(names, ", ")));
    }
    std::vector<KeyOwner> out;
    std::optional<Error> first;
    for (KeyOwner& one : candidates) {
        const auto known = [&](const KeyOwner& other) { return other.user == one.user; };
        if (std::ranges::any_of(out, known)) continue;
        if (const auto grant = grant_to(one, certificate, facts, kBestProof); grant) {
            out.push_back(std::move(one));
        } else if (!first) {
            first = grant.error();
        }
    }
    if (out.empty()) return std::unexpected(std::move(*first));
    return out;
}

Result<std::shared_ptr<const Grant>> grant_by_certificate(const KeyOwner& owner, const model::User& user,
    const keys::Certificate& certificate, const KeyFacts& facts, const keys::SignatureDetails& proof) {
    CertificateClaim claim{user, {user.name}, facts.source, proof};
    if (!user.email.empty()) claim.principals.push_back(user.email);
    auto judged = owner.line ? judge_certificate(certificate, *owner.line, facts.trust, claim, facts.now)
                             : judge_certificate(certificate, facts.trust, claim, facts.now);
    if (!judged) return std::unexpected(judged.error());
    return std::make_shared<const Grant>(std::move(judged->grant));
}

}  // namespace

Result<ShownKey> parse_shown_key(BytesView blob) {
    if (auto certificate = keys::Certificate::from_blob(blob)) return ShownKey(std::move(*certificate));
    auto key = keys::PublicKey::from_blob(blob);
    if (!key) return std::unexpected(key.error());
    return ShownKey(std::move(*key));
}

std::string described(const ShownKey& key) {
    const auto text = [](const keys::PublicKey& one) {
        return fmt::format("{} {}", keys::short_name(one.kind()), one.fingerprint());
    };
    if (const auto* certificate = std::get_if<keys::Certificate>(&key)) return text(certificate->key()) + " (certificate)";
    return text(std::get<keys::PublicKey>(key));
}

Result<std::vector<KeyOwner>> owners_of(const ShownKey& key, const KeyFacts& facts) {
    if (const auto* certificate = std::get_if<keys::Certificate>(&key)) return owners_of_certificate(*certificate, facts);
    const auto& plain = std::get<keys::PublicKey>(key);
    auto owners = lines_with(plain, facts.index, false);
    if (owners.empty()) {
        return fail(lines_with(plain, facts.index, true).empty() ? "the key is not registered"
                                                                 : "this key may sign certificates, not sign in");
    }
    if (auto good = facts.trust.check(plain); !good) return std::unexpected(good.error());
    return owners;
}

Result<std::shared_ptr<const Grant>> grant_to(
    const KeyOwner& owner, const ShownKey& key, const KeyFacts& facts, const keys::SignatureDetails& proof) {
    const model::User* user = facts.access.user(owner.user);
    if (user == nullptr) return fail("the key is not registered");
    if (const auto* certificate = std::get_if<keys::Certificate>(&key)) {
        return grant_by_certificate(owner, *user, *certificate, facts, proof);
    }
    if (!owner.line) return fail("the key is not registered");
    return make_grant(*user, *owner.line, facts.source, facts.now, proof);
}

}  // namespace sekisho::identity
