#include "identity/certificate_authority.h"

namespace sekisho::identity {

Result<CertificateAuthority> CertificateAuthority::load(const std::filesystem::path& path) {
    auto key = keys::load_private_key(path);
    if (!key) return std::unexpected(key.error());
    return CertificateAuthority(std::move(*key));
}

Result<Bytes> CertificateAuthority::issue(const keys::PublicKey& key, const CertificateWish& wish, WallTime now) const {
    if (wish.principal.empty()) return fail("a certificate without a principal is never signed");
    if (wish.life <= std::chrono::seconds(0) || wish.life > kCertificateMostLife) {
        return fail("a certificate may live at most 60 seconds");
    }
    crypto::Random& random = crypto::system_random();
    keys::CertificateFields fields;
    random.fill(std::as_writable_bytes(std::span(&fields.serial, 1)));
    fields.use = keys::CertificateUse::User;
    fields.key_id = wish.key_id;
    fields.principals = {wish.principal};
    fields.valid_after = static_cast<std::uint64_t>(base::unix_seconds(now - kCertificateBackdate));
    fields.valid_before = static_cast<std::uint64_t>(base::unix_seconds(now + wish.life));
    // What the session may do was decided before; the certificate must not stand in its way. In lexical order (PROTOCOL.certkeys).
    fields.extensions = {{"permit-X11-forwarding", ""}, {"permit-agent-forwarding", ""}, {"permit-port-forwarding", ""},
        {"permit-pty", ""}, {"permit-user-rc", ""}};
    const Bytes unsigned_part = keys::certificate_to_be_signed(key, m_key.public_key(), fields, random);
    auto signature = m_key.sign(m_key.public_key().algorithms().front(), unsigned_part);
    if (!signature) return std::unexpected(signature.error());
    return keys::certificate_blob(unsigned_part, *signature);
}

}  // namespace sekisho::identity
