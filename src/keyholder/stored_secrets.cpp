#include "keyholder/stored_secrets.h"

#include <algorithm>
#include <filesystem>

#include "keys/private_key.h"
#include "wire/reader.h"

namespace sekisho::keyholder {
namespace {

constexpr std::uint8_t kUserAuthRequest = 50;
constexpr std::size_t kSessionIdLeast = 20;  // SHA-1 … SHA-512
constexpr std::size_t kSessionIdMost = 64;
constexpr std::size_t kMostPlace = 256;
constexpr std::size_t kMostKeyBlob = 8 * 1024;
constexpr std::string_view kPublicKey = "publickey";
constexpr std::string_view kHostbound = "publickey-hostbound-v00@openssh.com";

bool named(const keys::SecretPlace& place) {
    const bool kind = place.kind == keys::SecretKind::Key || place.kind == keys::SecretKind::Password;
    return kind && !place.target.empty() && !place.login.empty() && place.target.size() <= kMostPlace &&
           place.login.size() <= kMostPlace;
}

/// RFC 4252 §7: string session identifier, byte SSH_MSG_USERAUTH_REQUEST, string user name, string service name, string "publickey",
/// boolean TRUE, string algorithm, string public key; the hostbound form (OpenSSH PROTOCOL §3.1) has a host key behind that.
Result<void> is_sign_in(const SignAsStored& wanted, BytesView key) {
    wire::Reader in(wanted.data);
    const std::size_t session = in.string(kSessionIdMost).size();
    const std::uint8_t type = in.byte();
    const auto user = in.text(kMostPlace);
    const auto service = in.text(kMostPlace);
    const auto method = in.text(kMostPlace);
    const bool signature = in.byte() == 1;
    const auto algorithm = in.text(kMostPlace);
    const BytesView blob = in.string(kMostKeyBlob);
    if (method == kHostbound) (void)in.string(kMostKeyBlob);
    const bool form = in.ok() && in.empty() && session >= kSessionIdLeast && type == kUserAuthRequest && signature &&
                      service == "ssh-connection" && (method == kPublicKey || method == kHostbound);
    if (!form) return fail("a stored key signs sign-ins only");
    if (user != wanted.credential.login) return fail("a stored key signs in to its own login only");
    if (algorithm != wanted.algorithm || !std::ranges::equal(blob, key))
        return fail("a sign-in with another key than the stored one");
    return {};
}

}  // namespace

Result<StoredSecrets> StoredSecrets::load(const std::string& path) {
    std::error_code error;
    if (path.empty() || !std::filesystem::exists(path, error)) return StoredSecrets();
    auto key = keys::WrappingKey::load(path);
    if (!key) return fail("wrapping key: " + key.error().text, key.error().detail);
    return StoredSecrets(std::move(*key));
}

Result<Bytes> StoredSecrets::wrap(const WrapSecret& wanted) const {
    if (!m_key) return fail("the keyholder has no wrapping key; `sekisho init` makes it, then restart the gateway");
    if (!named(wanted.place)) return fail("a credential without a target, a login or a kind");
    const auto secret = m_key->open(wanted.place, wanted.sealed);
    if (!secret) return std::unexpected(secret.error());
    WrappedSecret out;
    if (wanted.place.kind == keys::SecretKind::Key) {
        const auto key = keys::PrivateKey::from_text(base::text_view(secret->bytes()));
        if (!key) return fail("the credential is not a private key without a passphrase");
        // In one form whatever it came in: no comment, nothing else that was in the text.
        const Secret text = key->to_openssh("");
        if (text.size() > keys::kMostSecretKey) return fail("the private key is too long");
        out.wrapped = m_key->wrap(wanted.place, text.bytes());
        out.public_key = base::to_bytes(key->public_key().blob());
    } else {
        if (secret->empty() || secret->size() > keys::kMostSecretPassword) return fail("a password has 1 to 1024 bytes");
        out.wrapped = m_key->wrap(wanted.place, secret->bytes());
    }
    return encode(out);
}

Result<Secret> StoredSecrets::unwrap(keys::SecretKind kind, const StoredCredential& credential) const {
    if (!m_key) return fail("the keyholder has no wrapping key");
    const keys::SecretPlace place{kind, credential.target, credential.login};
    if (!named(place)) return fail("a credential without a target or a login");
    return m_key->unwrap(place, credential.wrapped);
}

Result<Bytes> StoredSecrets::sign(const SignAsStored& wanted) const {
    const auto text = unwrap(keys::SecretKind::Key, wanted.credential);
    if (!text) return std::unexpected(text.error());
    const auto key = keys::PrivateKey::from_openssh(base::text_view(text->bytes()));
    if (!key) return fail("the stored key cannot be read");
    if (auto fine = is_sign_in(wanted, key->public_key().blob()); !fine) return std::unexpected(fine.error());
    return key->sign(wanted.algorithm, wanted.data);
}

Result<Bytes> StoredSecrets::open(const OpenPassword& wanted) const {
    const auto password = unwrap(keys::SecretKind::Password, wanted.credential);
    if (!password) return std::unexpected(password.error());
    return base::to_bytes(password->bytes());
}

}  // namespace sekisho::keyholder
