#include "keys/openssh_private.h"

#include <cstring>

#include "base/assert.h"
#include "crypto/bcrypt_pbkdf.h"
#include "crypto/key_file_cipher.h"
#include "crypto/random.h"
#include "keys/key_fields.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

constexpr std::string_view kBegin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view kEnd = "-----END OPENSSH PRIVATE KEY-----";
constexpr std::string_view kMagic{"openssh-key-v1\0", 15};
constexpr std::size_t kMostText = 64 * 1024;
constexpr std::size_t kLineWidth = 70;
constexpr std::size_t kPadding = 8;  // PROTOCOL.key §3: the cipher's block size, 8 where there is no cipher
constexpr std::string_view kNone = "none";  // as cipher, as kdf
constexpr std::string_view kBcrypt = "bcrypt";
constexpr std::size_t kMostSalt = 64;
constexpr std::string_view kOwnCipher = "aes256-ctr";
constexpr unsigned kOwnRounds = 16;
constexpr std::size_t kOwnSalt = 16;
constexpr std::size_t kMostName = 64;

MutableBytes writable(std::string& text) { return std::as_writable_bytes(std::span(text.data(), text.size())); }

/// wire::Writer for secrets: its memory never moves, so no copy is left behind unwiped.
class SecretWriter {
public:
    explicit SecretWriter(std::size_t most) : m_bytes(most) {}

    SecretWriter& raw(BytesView bytes) {
        SEKISHO_ASSERT(bytes.size() <= m_bytes.size() - m_size);
        if (!bytes.empty()) std::memcpy(m_bytes.bytes().data() + m_size, bytes.data(), bytes.size());
        m_size += bytes.size();
        return *this;
    }
    SecretWriter& byte(std::size_t value) {
        const std::byte one[] = {static_cast<std::byte>(value)};
        return raw(one);
    }
    SecretWriter& u32(std::size_t value) {
        return byte(value >> 24 & 255U).byte(value >> 16 & 255U).byte(value >> 8 & 255U).byte(value & 255U);
    }
    SecretWriter& string(BytesView bytes) { return u32(bytes.size()).raw(bytes); }
    SecretWriter& string(std::string_view text) { return string(base::view(text)); }
    SecretWriter& mpint(BytesView magnitude) {
        while (!magnitude.empty() && magnitude.front() == std::byte{0}) magnitude = magnitude.subspan(1);
        const bool pad = !magnitude.empty() && (magnitude.front() & std::byte{0x80}) != std::byte{0};
        u32(magnitude.size() + (pad ? 1U : 0U));
        if (pad) byte(0);
        return raw(magnitude);
    }
    BytesView bytes() const { return m_bytes.bytes().first(m_size); }

private:
    Secret m_bytes;
    std::size_t m_size = 0;
};

/// Base64 between the two marker lines, decoded.
Result<Secret> decode_armor(std::string_view text) {
    if (text.size() > kMostText) return fail("a private key file is too long");
    const std::size_t begin = text.find(kBegin);
    if (begin == std::string_view::npos) return fail("not an OpenSSH private key file");
    const std::size_t body = begin + kBegin.size();
    const std::size_t end = text.find(kEnd, body);
    if (end == std::string_view::npos) return fail("an OpenSSH private key file has no end line");
    std::string digits;
    digits.reserve(end - body);
    for (const char c : text.substr(body, end - body)) {
        if (c != '\n' && c != '\r' && c != ' ' && c != '\t') digits += c;
    }
    std::optional<Bytes> decoded = base::from_base64(digits);
    base::wipe(writable(digits));
    if (!decoded) return fail("an OpenSSH private key file is not in base64");
    Secret out{BytesView(*decoded)};
    base::wipe(*decoded);
    return out;
}

Secret secret(BytesView bytes) { return Secret(bytes); }

/// PROTOCOL.key §3: the fields of one private key, behind its name.
Result<crypto::SigningKey> read_private_fields(KeyKind kind, wire::Reader& reader) {
    switch (kind) {
        case KeyKind::Ed25519: {
            const BytesView public_key = reader.string(32);
            const BytesView pair = reader.string(64);  // seed ‖ public key
            if (!reader.ok() || pair.size() != 64 || !base::equal_constant_time(pair.last(32), public_key)) {
                return fail("malformed Ed25519 private key");
            }
            return crypto::SigningKey::ed25519(secret(pair.first(32)));
        }
        case KeyKind::Rsa: {
            const BytesView n = reader.mpint();
            const BytesView e = reader.mpint();
            const BytesView d = reader.mpint();
            const BytesView iqmp = reader.mpint();
            const BytesView p = reader.mpint();
            const BytesView q = reader.mpint();
            if (!reader.ok()) return fail("malformed RSA private key");
            return crypto::SigningKey::rsa(
                {base::to_bytes(n), base::to_bytes(e)}, {secret(d), secret(iqmp), secret(p), secret(q)});
        }
        case KeyKind::EcdsaP256:
        case KeyKind::EcdsaP384:
        case KeyKind::EcdsaP521: {
            const std::string_view name = reader.text(kMostName);
            const BytesView point = reader.string(2 * 66 + 1);
            BytesView scalar = reader.mpint();
            if (!reader.ok() || name != curve_name(kind)) return fail("malformed ECDSA private key");
            if (!scalar.empty() && scalar.front() == std::byte{0}) scalar = scalar.subspan(1);
            return crypto::SigningKey::ecdsa(curve(kind), point, secret(scalar));
        }
        case KeyKind::SkEd25519:
        case KeyKind::SkEcdsaP256: break;  // refused before
    }
    SEKISHO_ASSERT(false && "a key of no kind");
    return fail("unsupported key");
}

/// The part that a cipher hides: two equal check numbers, the key, its comment, padding 1 2 3 …
Result<OpensshPrivate> read_private_section(BytesView section, std::size_t block, bool was_protected, PublicKey public_key) {
    if (section.size() % block != 0) return fail("malformed private key file");
    wire::Reader reader(section);
    const std::uint32_t first = reader.u32();
    const std::uint32_t second = reader.u32();
    const std::string_view name = reader.text(kMostName);
    if (was_protected && first != second) return fail("the passphrase is wrong");
    if (!reader.ok() || first != second) return fail("malformed private key file");
    if (name != blob_name(public_key.kind())) return fail("a private key file holds keys of two kinds");
    Result<crypto::SigningKey> signer = read_private_fields(public_key.kind(), reader);
    if (!signer) return std::unexpected(std::move(signer.error()));
    reader.string();  // comment
    if (!reader.ok() || reader.rest().size() >= block) return fail("malformed private key file");
    for (std::size_t i = 0; i < reader.rest().size(); ++i) {
        if (std::to_integer<std::size_t>(reader.rest()[i]) != i + 1) return fail("malformed private key file");
    }
    if (!(public_part(public_key.kind(), *signer) == public_key)) {
        return fail("the public and the private key of a file do not belong together");
    }
    return OpensshPrivate{std::move(public_key), std::move(*signer)};
}

void write_private_fields(SecretWriter& out, KeyKind kind, const crypto::SigningKey& signer) {
    switch (kind) {
        case KeyKind::Ed25519: {
            const Bytes public_key = signer.ed25519_public();
            out.string(public_key).u32(64).raw(signer.ed25519_seed().bytes()).raw(public_key);
            return;
        }
        case KeyKind::Rsa: {
            const crypto::RsaNumbers open = signer.rsa_public();
            const crypto::RsaSecretNumbers hidden = signer.rsa_secret();
            out.mpint(open.n).mpint(open.e).mpint(hidden.d.bytes()).mpint(hidden.iqmp.bytes());
            out.mpint(hidden.p.bytes()).mpint(hidden.q.bytes());
            return;
        }
        case KeyKind::EcdsaP256:
        case KeyKind::EcdsaP384:
        case KeyKind::EcdsaP521:
            out.string(curve_name(kind)).string(signer.ecdsa_point()).mpint(signer.ecdsa_scalar().bytes());
            return;
        case KeyKind::SkEd25519:
        case KeyKind::SkEcdsaP256: break;
    }
    SEKISHO_ASSERT(false && "a private key that no file of ours can hold");
}

}  // namespace

PublicKey public_part(KeyKind kind, const crypto::SigningKey& signer) {
    wire::Writer blob;
    blob.string(blob_name(kind));
    switch (kind) {
        case KeyKind::Ed25519: blob.string(signer.ed25519_public()); break;
        case KeyKind::Rsa: {
            const crypto::RsaNumbers numbers = signer.rsa_public();
            blob.mpint(numbers.e).mpint(numbers.n);
            break;
        }
        case KeyKind::EcdsaP256:
        case KeyKind::EcdsaP384:
        case KeyKind::EcdsaP521: blob.string(curve_name(kind)).string(signer.ecdsa_point()); break;
        case KeyKind::SkEd25519:
        case KeyKind::SkEcdsaP256: SEKISHO_ASSERT(false && "the numbers of a security key are not ours"); break;
    }
    Result<PublicKey> key = PublicKey::from_blob(blob.bytes());
    SEKISHO_ASSERT(key.has_value());
    return std::move(*key);
}

namespace {

/// PROTOCOL.key §1: the file's frame, before anything of it is believed.
struct Frame {
    std::string_view cipher;
    std::string_view kdf;
    BytesView kdf_options;
    BytesView public_blob;
    BytesView section;
    BytesView tag;
};

Result<Frame> read_frame(BytesView file) {
    wire::Reader reader(file);
    if (base::text_view(reader.raw(kMagic.size())) != kMagic) return fail("not an OpenSSH private key file");
    Frame out;
    out.cipher = reader.text(kMostName);
    out.kdf = reader.text(kMostName);
    out.kdf_options = reader.string();
    const std::uint32_t keys = reader.u32();
    out.public_blob = reader.string();
    out.section = reader.string();
    out.tag = reader.rest();  // where the cipher has one; else nothing may be left
    if (!reader.ok()) return fail("malformed private key file");
    if (keys != 1) return fail("a private key file must hold exactly one key");
    return out;
}

/// The key for the cipher, out of the passphrase. PROTOCOL.key §2: string salt, uint32 rounds.
Result<Secret> derive(const Frame& frame, std::string_view passphrase, std::size_t size, unsigned most_rounds) {
    if (frame.kdf != kBcrypt) return fail("a private key file is protected in an unknown way", std::string(frame.kdf));
    wire::Reader reader(frame.kdf_options);
    const BytesView salt = reader.string(kMostSalt);
    const std::uint32_t rounds = reader.u32();
    if (!reader.finish("kdf") || salt.empty() || rounds == 0) return fail("malformed private key file");
    if (rounds > most_rounds) {
        return fail("a private key file asks for " + std::to_string(rounds) + " rounds; at most " +
                    std::to_string(most_rounds) + " are done");
    }
    if (passphrase.empty()) return fail("the private key file is protected by a passphrase");
    return crypto::bcrypt_pbkdf(base::view(passphrase), salt, rounds, size);
}

Secret protect(BytesView section, std::string_view passphrase, BytesView salt) {
    const crypto::KeyFileCipher& cipher = *crypto::key_file_cipher(kOwnCipher);
    const Secret key = crypto::bcrypt_pbkdf(base::view(passphrase), salt, kOwnRounds, cipher.key + cipher.iv);
    return Secret(crypto::seal_key_file(cipher, key, Secret(section)));
}

}  // namespace

bool openssh_private_is_protected(std::string_view text) {
    const Result<Secret> decoded = decode_armor(text);
    if (!decoded) return false;
    const Result<Frame> frame = read_frame(decoded->bytes());
    return frame && frame->cipher != kNone;
}

Result<OpensshPrivate> parse_openssh_private(std::string_view text, std::string_view passphrase, const UnlockCost& most) {
    const Result<Secret> decoded = decode_armor(text);
    if (!decoded) return std::unexpected(decoded.error());
    const Result<Frame> frame = read_frame(decoded->bytes());
    if (!frame) return std::unexpected(frame.error());
    Result<PublicKey> public_key = PublicKey::from_blob(frame->public_blob);
    if (!public_key) return std::unexpected(std::move(public_key.error()));
    if (is_security_key(public_key->kind())) {
        return fail("the file only points to a key in a security key; its owner's agent can sign with it, we cannot");
    }
    if (frame->cipher == kNone) {
        if (frame->kdf != kNone || !frame->kdf_options.empty() || !frame->tag.empty()) {
            return fail("malformed private key file");
        }
        return read_private_section(frame->section, kPadding, false, std::move(*public_key));
    }
    const crypto::KeyFileCipher* cipher = crypto::key_file_cipher(frame->cipher);
    if (cipher == nullptr) return fail("a private key file has an unsupported cipher", std::string(frame->cipher));
    if (frame->section.size() % cipher->block != 0 || frame->tag.size() != cipher->tag) {
        return fail("malformed private key file");
    }
    const Result<Secret> key = derive(*frame, passphrase, cipher->key + cipher->iv, most.bcrypt_rounds);
    if (!key) return std::unexpected(key.error());
    const Result<Secret> section = crypto::open_key_file(*cipher, *key, frame->section, frame->tag);
    if (!section) return std::unexpected(section.error());
    return read_private_section(section->bytes(), cipher->block, true, std::move(*public_key));
}

Secret format_openssh_private(
    const PublicKey& key, const crypto::SigningKey& signer, std::string_view comment, std::string_view passphrase) {
    constexpr std::size_t kMostNumbers = 10 * 1024;  // RSA of 16384 bits: 7.2 KiB
    const bool plain = passphrase.empty();
    const std::size_t block = plain ? kPadding : crypto::key_file_cipher(kOwnCipher)->block;
    SecretWriter section(kMostNumbers + comment.size());
    Bytes check(4);
    crypto::system_random().fill(check);
    section.raw(check).raw(check).string(blob_name(key.kind()));
    write_private_fields(section, key.kind(), signer);
    section.string(comment);
    for (std::size_t i = 1; section.bytes().size() % block != 0; ++i) section.byte(i);

    Bytes salt(kOwnSalt);
    crypto::system_random().fill(salt);
    wire::Writer kdf_options;
    if (!plain) kdf_options.string(salt).u32(kOwnRounds);
    SecretWriter file(kMagic.size() + key.blob().size() + section.bytes().size() + 128);
    file.raw(base::view(kMagic)).string(plain ? kNone : kOwnCipher).string(plain ? kNone : kBcrypt);
    file.string(kdf_options.bytes()).u32(1).string(key.blob());
    if (plain) {
        file.string(section.bytes());
    } else {
        file.string(protect(section.bytes(), passphrase, salt).bytes());
    }

    std::string digits = base::base64(file.bytes());
    SecretWriter text(digits.size() + digits.size() / kLineWidth + kBegin.size() + kEnd.size() + 4);
    text.raw(base::view(kBegin)).byte('\n');
    for (std::size_t at = 0; at < digits.size(); at += kLineWidth) {
        text.raw(base::view(std::string_view(digits).substr(at, kLineWidth))).byte('\n');
    }
    text.raw(base::view(kEnd)).byte('\n');
    base::wipe(writable(digits));
    return Secret(text.bytes());
}

}  // namespace sekisho::keys
