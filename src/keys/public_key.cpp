#include "keys/public_key.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "crypto/hash.h"
#include "keys/key_fields.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostApplication = 1024;
constexpr std::size_t kMostSignature = 16384 / 8 + 64;

struct Row {
    KeyKind kind;
    std::string_view blob_name;
    std::string_view short_name;
    std::string_view curve_name;
};

constexpr std::array kKinds{
    Row{KeyKind::Ed25519, "ssh-ed25519", "ED25519", ""},
    Row{KeyKind::EcdsaP256, "ecdsa-sha2-nistp256", "ECDSA", "nistp256"},
    Row{KeyKind::EcdsaP384, "ecdsa-sha2-nistp384", "ECDSA", "nistp384"},
    Row{KeyKind::EcdsaP521, "ecdsa-sha2-nistp521", "ECDSA", "nistp521"},
    Row{KeyKind::Rsa, "ssh-rsa", "RSA", ""},
    Row{KeyKind::SkEd25519, "sk-ssh-ed25519@openssh.com", "ED25519-SK", ""},
    Row{KeyKind::SkEcdsaP256, "sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK", "nistp256"},
};

// PROTOCOL.u2f, "SSH U2F signatures": the flags byte, as CTAP's authenticator data has it.
constexpr std::uint8_t kTouched = 0x01;
constexpr std::uint8_t kPinVerified = 0x04;

const Row& row(KeyKind kind) {
    const auto at = std::ranges::find(kKinds, kind, &Row::kind);
    SEKISHO_ASSERT(at != kKinds.end());
    return *at;
}

}  // namespace

struct PublicKey::State {
    KeyKind kind;
    Bytes blob;
    KeyFields fields;
};

std::string_view blob_name(KeyKind kind) { return row(kind).blob_name; }
std::string_view short_name(KeyKind kind) { return row(kind).short_name; }
std::string_view curve_name(KeyKind kind) { return row(kind).curve_name; }

bool is_security_key(KeyKind kind) { return kind == KeyKind::SkEd25519 || kind == KeyKind::SkEcdsaP256; }

std::optional<KeyKind> kind_by_blob_name(std::string_view name) {
    const auto at = std::ranges::find(kKinds, name, &Row::blob_name);
    if (at == kKinds.end()) return std::nullopt;
    return at->kind;
}

KeyKind kind_of(crypto::PemKind kind) {
    switch (kind) {
        case crypto::PemKind::Ed25519: return KeyKind::Ed25519;
        case crypto::PemKind::EcdsaP256: return KeyKind::EcdsaP256;
        case crypto::PemKind::EcdsaP384: return KeyKind::EcdsaP384;
        case crypto::PemKind::EcdsaP521: return KeyKind::EcdsaP521;
        case crypto::PemKind::Rsa: break;
    }
    return KeyKind::Rsa;
}

crypto::Curve curve(KeyKind kind) {
    switch (kind) {
        case KeyKind::EcdsaP256:
        case KeyKind::SkEcdsaP256: return crypto::Curve::P256;
        case KeyKind::EcdsaP384: return crypto::Curve::P384;
        case KeyKind::EcdsaP521: return crypto::Curve::P521;
        case KeyKind::Ed25519:
        case KeyKind::SkEd25519:
        case KeyKind::Rsa: break;
    }
    SEKISHO_ASSERT(false && "a key without curve");
    return {};
}

namespace {

Result<crypto::VerifyKey> read_numbers(KeyKind kind, wire::Reader& reader) {
    switch (kind) {
        case KeyKind::Ed25519:
        case KeyKind::SkEd25519: {  // RFC 8709 §4
            const BytesView key = reader.string(kMostName);
            if (!reader.ok()) return fail("malformed public key");
            return crypto::VerifyKey::ed25519(key);
        }
        case KeyKind::Rsa: {  // RFC 4253 §6.6
            const BytesView e = reader.mpint();
            const BytesView n = reader.mpint();
            if (!reader.ok()) return fail("malformed public key");
            return crypto::VerifyKey::rsa({base::to_bytes(n), base::to_bytes(e)});
        }
        case KeyKind::EcdsaP256:
        case KeyKind::EcdsaP384:
        case KeyKind::EcdsaP521:
        case KeyKind::SkEcdsaP256: {  // RFC 5656 §3.1
            const std::string_view name = reader.text(kMostName);
            const BytesView point = reader.string(2 * 66 + 1);
            if (!reader.ok()) return fail("malformed public key");
            if (name != curve_name(kind)) return fail("a public key names two different curves");
            return crypto::VerifyKey::ecdsa(curve(kind), point);
        }
    }
    SEKISHO_ASSERT(false && "a key of no kind");
    return fail("unsupported key");
}

}  // namespace

Result<KeyFields> read_key_fields(KeyKind kind, wire::Reader& reader) {
    Result<crypto::VerifyKey> verifier = read_numbers(kind, reader);
    if (!verifier) return std::unexpected(std::move(verifier.error()));
    KeyFields out{std::move(*verifier), {}};
    if (is_security_key(kind)) {
        out.application = reader.text(kMostApplication);
        if (!reader.ok()) return fail("malformed public key");
    }
    return out;
}

BytesView fields_of(const PublicKey& key) { return key.blob().subspan(4 + blob_name(key.kind()).size()); }

std::string_view next_word(std::string_view& line) {
    constexpr std::string_view kBlanks = " \t";
    const std::size_t start = line.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) {
        line = {};
        return {};
    }
    line.remove_prefix(start);
    const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
    line.remove_prefix(word.size());
    return word;
}

Result<PublicKey> PublicKey::from_blob(BytesView blob) {
    wire::Reader reader(blob);
    const std::string_view name = reader.text(kMostName);
    if (!reader.ok()) return fail("malformed public key");
    const std::optional<KeyKind> kind = kind_by_blob_name(name);
    if (!kind) return fail("unsupported kind of key", std::string(name));
    Result<KeyFields> fields = read_key_fields(*kind, reader);
    if (!fields) return std::unexpected(std::move(fields.error()));
    if (Result<void> end = reader.finish("public key"); !end) return std::unexpected(std::move(end.error()));
    return PublicKey(std::make_shared<const State>(*kind, base::to_bytes(blob), std::move(*fields)));
}

Result<PublicKey> PublicKey::from_line(std::string_view line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    const std::string_view name = next_word(line);
    const std::string_view text = next_word(line);
    if (!kind_by_blob_name(name)) return fail("a line does not start with a known kind of key", std::string(name));
    const std::optional<Bytes> blob = base::from_base64(text);
    if (!blob || blob->empty()) return fail("a public key is not in base64");
    Result<PublicKey> key = from_blob(*blob);
    if (key && blob_name(key->kind()) != name) return fail("a public key is of another kind than its line says");
    return key;
}

KeyKind PublicKey::kind() const { return m_state->kind; }
BytesView PublicKey::blob() const { return m_state->blob; }
const std::string& PublicKey::application() const { return m_state->fields.application; }

std::string PublicKey::fingerprint() const {
    std::string out = "SHA256:";
    out += base::base64(crypto::sha256({m_state->blob}), false);
    return out;
}

std::string PublicKey::line(std::string_view comment) const {
    std::string out(blob_name(m_state->kind));
    out += ' ';
    out += base::base64(m_state->blob);
    if (!comment.empty()) {
        out += ' ';
        out += comment;
    }
    return out;
}

std::vector<std::string> PublicKey::algorithms() const {
    if (m_state->kind == KeyKind::Rsa) return {"rsa-sha2-512", "rsa-sha2-256"};
    return {std::string(blob_name(m_state->kind))};
}

namespace {

/// The signature proper, over exactly the bytes that were signed.
Result<bool> verify_value(
    KeyKind kind, const crypto::VerifyKey& verifier, std::string_view algorithm, BytesView message, BytesView value) {
    switch (kind) {
        case KeyKind::Ed25519:
        case KeyKind::SkEd25519: return verifier.verify_ed25519(message, value);
        case KeyKind::Rsa: {
            const auto hash = algorithm == "rsa-sha2-512" ? crypto::HashKind::Sha512 : crypto::HashKind::Sha256;
            return verifier.verify_rsa(hash, message, value);
        }
        case KeyKind::EcdsaP256:
        case KeyKind::EcdsaP384:
        case KeyKind::EcdsaP521:
        case KeyKind::SkEcdsaP256: {  // RFC 5656 §3.1.2: mpint r, mpint s
            wire::Reader numbers(value);
            const BytesView r = numbers.mpint();
            const BytesView s = numbers.mpint();
            if (Result<void> end = numbers.finish("signature"); !end) return std::unexpected(std::move(end.error()));
            return verifier.verify_ecdsa(message, {base::to_bytes(r), base::to_bytes(s)});
        }
    }
    SEKISHO_ASSERT(false && "a key of no kind");
    return false;
}

/// PROTOCOL.u2f, "SSH U2F signatures": what the security key signed in place of the message.
Bytes security_key_message(std::string_view application, std::uint8_t flags, std::uint32_t counter, BytesView message) {
    wire::Writer out;
    out.raw(crypto::sha256({base::view(application)})).byte(flags).u32(counter).raw(crypto::sha256({message}));
    return out.take();
}

}  // namespace

Result<SignatureDetails> PublicKey::verify_details(
    std::string_view algorithm, BytesView message, BytesView signature) const {
    const std::vector<std::string> allowed = algorithms();
    if (std::ranges::find(allowed, algorithm) == allowed.end()) {
        return fail("the signature algorithm does not fit the key", std::string(algorithm));
    }
    const bool security_key = is_security_key(m_state->kind);
    wire::Reader reader(signature);
    const std::string_view named = reader.text(kMostName);
    const BytesView value = reader.string(kMostSignature);
    const std::uint8_t flags = security_key ? reader.byte() : std::uint8_t{0};
    const std::uint32_t counter = security_key ? reader.u32() : 0;
    if (Result<void> end = reader.finish("signature"); !end) return std::unexpected(std::move(end.error()));
    if (named != algorithm) return fail("the signature is of another algorithm than announced", std::string(named));

    Bytes inner;
    if (security_key) {
        inner = security_key_message(m_state->fields.application, flags, counter, message);
        message = inner;
    }
    const Result<bool> good = verify_value(m_state->kind, m_state->fields.verifier, algorithm, message, value);
    if (!good) return std::unexpected(good.error());
    if (!*good) return fail("the signature is wrong");
    return SignatureDetails{(flags & kTouched) != 0, (flags & kPinVerified) != 0, counter};
}

Result<void> PublicKey::verify(
    std::string_view algorithm, BytesView message, BytesView signature, SignatureNeeds needs) const {
    const Result<SignatureDetails> details = verify_details(algorithm, message, signature);
    if (!details) return std::unexpected(details.error());
    if (!is_security_key(m_state->kind)) return {};
    if (needs.touch && !details->touched) return fail("the security key was not touched for this signature");
    if (needs.pin && !details->pin_verified) return fail("the security key did not ask for its PIN for this signature");
    return {};
}

Result<void> PublicKey::verify_rsa_sha1(BytesView message, BytesView signature) const {
    if (m_state->kind != KeyKind::Rsa) return fail("the signature algorithm does not fit the key", "ssh-rsa");
    wire::Reader reader(signature);
    const std::string_view named = reader.text(kMostName);
    const BytesView value = reader.string(kMostSignature);
    if (Result<void> end = reader.finish("signature"); !end) return std::unexpected(std::move(end.error()));
    if (named != "ssh-rsa") return fail("the signature is of another algorithm than announced", std::string(named));
    if (!m_state->fields.verifier.verify_rsa(crypto::HashKind::Sha1, message, value)) return fail("the signature is wrong");
    return {};
}

bool operator==(const PublicKey& a, const PublicKey& b) { return a.m_state->blob == b.m_state->blob; }

}  // namespace sekisho::keys
