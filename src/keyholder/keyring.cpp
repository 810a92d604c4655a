// Order: load → answer: exchange hashes, proofs of host keys, user certificates, host certificates, steps of the user CA, stored
// credentials, evidence.
#include "keyholder/keyring.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "wire/writer.h"

namespace sekisho::keyholder {
namespace {

constexpr std::size_t kMostCertificate = 64 * 1024;
constexpr std::size_t kHashLeast = 32;  // SHA-256 … SHA-512: what a key exchange signs, and no more
constexpr std::size_t kHashMost = 64;
constexpr std::size_t kMostPrincipals = 16;
constexpr std::size_t kMostPrincipal = 256;
constexpr std::size_t kMostKeyId = 1024;
constexpr std::string_view kHostKeysProve = "hostkeys-prove-00@openssh.com";

// OpenSSH PROTOCOL.certkeys. Both options narrow what the certificate is good for; those extensions are what sshd asks for.
constexpr std::array<std::string_view, 2> kCriticalOptions{"force-command", "source-address"};
constexpr std::array<std::string_view, 5> kExtensions{
    "permit-X11-forwarding", "permit-agent-forwarding", "permit-port-forwarding", "permit-pty", "permit-user-rc"};

/// "ssh-ed25519-cert-v01@openssh.com AAAA… comment"; nothing when there is no such file.
Result<std::optional<keys::Certificate>> load_certificate(const std::string& path, const keys::PublicKey& key) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    std::string text(kMostCertificate, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    const auto begin = text.find(' ');
    if (begin == std::string::npos) return fail(path + " is not a certificate");
    const auto end = text.find_first_of(" \r\n", begin + 1);
    const auto blob = base::from_base64(text.substr(begin + 1, end == std::string::npos ? end : end - begin - 1));
    if (!blob) return fail(path + " is not a certificate");
    auto certificate = keys::Certificate::from_blob(*blob);
    if (!certificate) return fail(path + ": " + certificate.error().text, certificate.error().detail);
    if (certificate->fields().use != keys::CertificateUse::Host) return fail(path + " is not a host certificate");
    if (!(certificate->key() == key)) return fail(path + " is the certificate of another key");
    return std::optional(std::move(*certificate));
}

Result<std::optional<keys::PrivateKey>> load_host_ca(const std::string& path) {
    std::error_code error;
    if (path.empty() || !std::filesystem::exists(path, error)) return std::nullopt;
    auto key = keys::load_private_key(path);
    if (!key) return fail("host CA key: " + key.error().text, key.error().detail);
    return std::optional(std::move(*key));
}

/// A name of a host as clients know it: no pattern, which would stand for hosts that nobody asked for.
bool host_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' || c == ':';
    });
}

bool printable(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Named once each, all of them known. Critical options have a value, extensions have none.
Result<void> known(const std::vector<keys::CertificateOption>& options, std::span<const std::string_view> names, bool valued,
    const char* what) {
    for (const auto& option : options) {
        const std::string shown = printable(option.name) ? option.name : "?";
        if (std::ranges::find(names, option.name) == names.end()) return fail(fmt::format("an unknown {}: {}", what, shown));
        if (std::ranges::count(options, option.name, &keys::CertificateOption::name) > 1) {
            return fail(fmt::format("the same {} twice: {}", what, shown));
        }
        if (option.value.empty() == valued) return fail(fmt::format("a malformed {}: {}", what, shown));
    }
    return {};
}

/// With a serial number by chance.
Result<Bytes> certificate(const keys::PublicKey& key, const keys::PrivateKey& authority, keys::CertificateFields fields) {
    crypto::Random& random = crypto::system_random();
    random.fill(std::as_writable_bytes(std::span(&fields.serial, 1)));
    const Bytes unsigned_part = keys::certificate_to_be_signed(key, authority.public_key(), fields, random);
    auto signature = authority.sign(authority.public_key().algorithms().front(), unsigned_part);
    if (!signature) return std::unexpected(signature.error());
    return keys::certificate_blob(unsigned_part, *signature);
}

}  // namespace

// --- load ---

Keyring::Keyring(UserCa user_ca, std::optional<keys::PrivateKey> host_ca)
    : m_user_ca(std::make_unique<UserCa>(std::move(user_ca))), m_host_ca(std::move(host_ca)) {}

Keyring::Keyring(std::vector<keys::PrivateKey> host_keys, keys::PrivateKey user_ca, std::optional<keys::PrivateKey> host_ca)
    : Keyring(UserCa(std::move(user_ca)), std::move(host_ca)) {
    for (auto& key : host_keys) {
        const keys::PublicKey& public_key = key.public_key();
        PublicParts::HostKey offered{base::to_bytes(public_key.blob()), public_key.algorithms()};
        add(std::move(key), std::move(offered));
    }
}

void Keyring::add(keys::PrivateKey key, PublicParts::HostKey offered) {
    m_host_keys.push_back(std::move(key));
    m_public.push_back(std::move(offered));
}

Result<Keyring> Keyring::load(const KeyFiles& files) {
    auto user_ca = UserCa::load(files.user_ca);
    if (!user_ca) return std::unexpected(user_ca.error());
    auto host_ca = load_host_ca(files.host_ca);
    if (!host_ca) return std::unexpected(host_ca.error());
    Keyring ring(std::move(*user_ca), std::move(*host_ca));
    if (ring.m_host_ca && ring.m_user_ca->held()->has(ring.m_host_ca->public_key()))
        return fail("the host CA's key is the user CA's, too");
    for (const auto& path : files.host_keys) {
        auto key = keys::load_private_key(path);
        if (!key) return fail("host key " + path + ": " + key.error().text, key.error().detail);
        const keys::PublicKey& public_key = key->public_key();
        // Or whoever may ask for a host signature could have something signed that reads as the CA's.
        if (ring.m_user_ca->held()->has(public_key)) return fail("host key " + path + " is the user CA's key, too");
        if (ring.m_host_ca && public_key == ring.m_host_ca->public_key())
            return fail("host key " + path + " is the host CA's key, too");
        auto certificate = load_certificate(path + "-cert.pub", public_key);
        if (!certificate) return std::unexpected(certificate.error());
        if (*certificate) {
            std::vector<std::string> algorithms;
            for (const auto& algorithm : public_key.algorithms()) algorithms.push_back(keys::certificate_name(algorithm));
            ring.add(*key, {base::to_bytes((*certificate)->blob()), std::move(algorithms)});
        }
        ring.add(*key, {base::to_bytes(public_key.blob()), public_key.algorithms()});
    }
    if (ring.m_host_keys.empty()) return fail("no host key is configured (ssh.host_keys)");
    auto secrets = StoredSecrets::load(files.wrapping_key);
    if (!secrets) return std::unexpected(secrets.error());
    ring.m_secrets = std::move(*secrets);
    auto evidence = EvidenceKey::load(files.evidence);
    if (!evidence) return std::unexpected(evidence.error());
    ring.m_evidence = std::move(*evidence);
    if (const auto key = ring.m_evidence.public_key(); key && ring.is_another_key(*key))
        return fail("the evidence key is one of the gateway's other keys, too");
    return ring;
}

PublicParts Keyring::public_parts() const {
    PublicParts parts{m_public, m_user_ca->public_keys(), {}, {}};
    if (m_host_ca) parts.host_ca = base::to_bytes(m_host_ca->public_key().blob());
    if (const auto key = m_evidence.public_key()) parts.evidence = base::to_bytes(key->blob());
    return parts;
}

// --- answer ---

Result<Bytes> Keyring::answer(const Request& request, WallTime now) const {
    if (const auto* exchange = std::get_if<SignExchange>(&request)) return sign(*exchange);
    if (const auto* proof = std::get_if<ProveHostKey>(&request)) return sign(*proof);
    if (const auto* host = std::get_if<HostCertificateWish>(&request)) return sign(*host, now);
    if (const auto* change = std::get_if<ChangeUserCa>(&request)) {
        if (auto taken = m_user_ca->take(change->step); !taken) return std::unexpected(taken.error());
        return encode(m_user_ca->public_keys());
    }
    if (const auto* secret = std::get_if<WrapSecret>(&request)) return m_secrets.wrap(*secret);
    if (const auto* stored = std::get_if<SignAsStored>(&request)) return m_secrets.sign(*stored);
    if (const auto* password = std::get_if<OpenPassword>(&request)) return m_secrets.open(*password);
    if (const auto* position = std::get_if<SignCheckpoint>(&request)) return m_evidence.sign(*position, now);
    if (const auto* ended = std::get_if<SignRecordings>(&request)) return m_evidence.sign(*ended, now);
    return sign(std::get<CertificateWish>(request), now);
}

/// Than the evidence key.
bool Keyring::is_another_key(const keys::PublicKey& key) const {
    const auto is = [&](const keys::PrivateKey& one) { return one.public_key() == key; };
    return m_user_ca->held()->has(key) || (m_host_ca && is(*m_host_ca)) || std::ranges::any_of(m_host_keys, is);
}

Result<Bytes> Keyring::sign(const SignExchange& wanted) const {
    if (wanted.key >= m_host_keys.size()) return fail("there is no such host key");
    if (wanted.hash.size() < kHashLeast || wanted.hash.size() > kHashMost) return fail("that is not an exchange hash");
    return m_host_keys[wanted.key].sign(wanted.algorithm, wanted.hash);
}

/// OpenSSH PROTOCOL §2.5: string "hostkeys-prove-00@openssh.com", string session identifier, string host key. Longer than any
/// exchange hash, so neither can stand in for the other.
Result<Bytes> Keyring::sign(const ProveHostKey& wanted) const {
    if (wanted.key >= m_host_keys.size()) return fail("there is no such host key");
    if (wanted.session_id.size() < kHashLeast || wanted.session_id.size() > kHashMost)
        return fail("that is not a session identifier");
    const keys::PrivateKey& key = m_host_keys[wanted.key];
    const Bytes proof =
        wire::Writer().string(kHostKeysProve).string(wanted.session_id).string(key.public_key().blob()).take();
    return key.sign(wanted.algorithm, proof);
}

Result<void> Keyring::within_bounds(const CertificateWish& wish) const {
    using std::chrono::seconds;
    if (wish.ahead <= seconds(0) || wish.ahead > kCertificateMostAhead || wish.back < seconds(0) ||
        wish.back > kCertificateMostBack) {
        return fail(fmt::format(
            "a user certificate is valid from at most {} s ago to at most {} s ahead, and {} s to {} s was asked for",
            kCertificateMostBack.count(), kCertificateMostAhead.count(), wish.back.count(), wish.ahead.count()));
    }
    if (wish.principals.empty()) return fail("a user certificate without a principal");
    if (wish.principals.size() > kMostPrincipals) return fail("a user certificate with too many principals");
    for (const auto& principal : wish.principals) {
        if (principal.empty() || principal.size() > kMostPrincipal || !printable(principal)) {
            return fail("a user certificate with a principal that is empty, too long or not printable");
        }
    }
    if (wish.key_id.size() > kMostKeyId || !printable(wish.key_id))
        return fail("a user certificate with a malformed key id");
    if (auto fine = known(wish.critical_options, kCriticalOptions, true, "critical option"); !fine) return fine;
    return known(wish.extensions, kExtensions, false, "extension");
}

Result<Bytes> Keyring::sign(const CertificateWish& wish, WallTime now) const {
    if (auto fine = within_bounds(wish); !fine) return std::unexpected(fine.error());
    const auto key = keys::PublicKey::from_blob(wish.key);
    if (!key) return fail("a user certificate for what is not a public key", key.error().text);
    const auto ca = m_user_ca->held();
    if (is_another_key(*key) || m_evidence.public_key() == key.value())
        return fail("a user certificate for one of the gateway's own keys");
    keys::CertificateFields fields;
    fields.use = keys::CertificateUse::User;
    fields.key_id = wish.key_id;
    fields.principals = wish.principals;
    fields.valid_after = static_cast<std::uint64_t>(base::unix_seconds(now - wish.back));
    fields.valid_before = static_cast<std::uint64_t>(base::unix_seconds(now + wish.ahead));
    fields.critical_options = wish.critical_options;
    fields.extensions = wish.extensions;
    return certificate(*key, ca->signing, std::move(fields));
}

Result<void> Keyring::within_bounds(const HostCertificateWish& wish) const {
    using std::chrono::seconds;
    if (wish.key >= m_host_keys.size()) return fail("there is no such host key");
    if (wish.ahead <= seconds(0) || wish.ahead > kHostCertificateMostAhead || wish.back < seconds(0) ||
        wish.back > kHostCertificateMostBack) {
        return fail(fmt::format(
            "a host certificate is valid from at most {} s ago to at most {} s ahead, and {} s to {} s was asked for",
            kHostCertificateMostBack.count(), kHostCertificateMostAhead.count(), wish.back.count(), wish.ahead.count()));
    }
    if (wish.names.empty()) return fail("a host certificate without a name");
    if (wish.names.size() > kMostPrincipals) return fail("a host certificate with too many names");
    for (const auto& name : wish.names) {
        if (name.size() > kMostPrincipal || !host_name(name))
            return fail("a host certificate with a name that is empty, too long or not a host's");
    }
    if (wish.key_id.size() > kMostKeyId || !printable(wish.key_id)) return fail("a host certificate with a malformed key id");
    return {};
}

Result<Bytes> Keyring::sign(const HostCertificateWish& wish, WallTime now) const {
    if (!m_host_ca) return fail("there is no host CA");
    if (auto fine = within_bounds(wish); !fine) return std::unexpected(fine.error());
    keys::CertificateFields fields;
    fields.use = keys::CertificateUse::Host;
    fields.key_id = wish.key_id;
    fields.principals = wish.names;
    fields.valid_after = static_cast<std::uint64_t>(base::unix_seconds(now - wish.back));
    fields.valid_before = static_cast<std::uint64_t>(base::unix_seconds(now + wish.ahead));
    return certificate(m_host_keys[wish.key].public_key(), *m_host_ca, std::move(fields));
}

}  // namespace sekisho::keyholder
