// Whose key or certificate is it that a client shows, and what may its owner do with it? Joins the index of registered keys with
// the trust in authorities. An answer to an *offered* key is a guess that spares the client a signature; what counts is grant_to()
// with what the signature said. Pure; called by gateway/front_auth.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "identity/grant.h"
#include "identity/key_index.h"
#include "identity/user_certificate.h"

namespace sekisho::identity {

using ShownKey = std::variant<keys::PublicKey, keys::Certificate>;
Result<ShownKey> parse_shown_key(BytesView blob);
/// "ED25519 SHA256:…", with "certificate" behind it where it is one.
std::string described(const ShownKey& key);

struct KeyFacts {
    const model::Access& access;
    const KeyIndex& index;
    const CertificateTrust& trust;
    std::optional<base::Address> source;
    WallTime now;
};

struct KeyOwner {
    std::string user;
    std::optional<keys::AuthorizedKey> line;  // of the user's own keys; none: an authority that the whole gateway trusts
};

/// For a plain key, all users with a line for it. For a certificate, those whom it names (by name or e-mail, where the gateway trusts
/// its authority) and those with a line for its authority, but only whom it would let in now. Never empty; else the error says why.
Result<std::vector<KeyOwner>> owners_of(const ShownKey& key, const KeyFacts& facts);

/// After the signature was verified: `proof` is what it said.
Result<std::shared_ptr<const Grant>> grant_to(
    const KeyOwner& owner, const ShownKey& key, const KeyFacts& facts, const keys::SignatureDetails& proof);

}  // namespace sekisho::identity
