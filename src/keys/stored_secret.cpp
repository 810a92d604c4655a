// Order: files → wrapped → sealed.
#include "keys/stored_secret.h"

#include <optional>
#include <span>

#include "crypto/random.h"
#include "crypto/wrap.h"
#include "keys/key_file.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

constexpr std::string_view kFileMark = "sekisho-wrapping-key-v1 ";
constexpr std::string_view kPublicMark = "sekisho-seal-to-v1 ";
constexpr std::string_view kWrapped = "sekisho stored secret v1";
constexpr std::string_view kSealed = "sekisho sealed secret v1";
constexpr std::byte kVersion{1};  // in front of what is wrapped
constexpr std::size_t kMostName = 256;

std::string_view without_end(std::string_view text) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

/// The bytes behind `mark`; nothing when there are not `size` of them.
std::optional<Bytes> marked(std::string_view text, std::string_view mark, std::size_t size) {
    text = without_end(text);
    if (!text.starts_with(mark)) return std::nullopt;
    auto bytes = base::from_base64(text.substr(mark.size()));
    if (!bytes || bytes->size() != size) return std::nullopt;
    return bytes;
}

Bytes associated(const SecretPlace& place) {
    wire::Writer out(128);
    out.string(kWrapped).byte(static_cast<std::uint8_t>(place.kind)).string(place.target).string(place.login);
    return out.take();
}

}  // namespace

struct WrappingKey::State {
    Secret master;
    crypto::WrapKey key;
};

// --- files ---

WrappingKey WrappingKey::from_master(Secret master) {
    crypto::WrapKey key(master.bytes());
    return WrappingKey(std::make_shared<const State>(std::move(master), std::move(key)));
}

WrappingKey WrappingKey::generate() {
    Secret master(crypto::kWrapKeySize);
    crypto::system_random().fill(master.bytes());
    return from_master(std::move(master));
}

Result<WrappingKey> WrappingKey::load(const std::filesystem::path& path) {
    const auto text = read_key_file(path);
    if (!text) return std::unexpected(text.error());
    auto bytes = marked(base::text_view(text->bytes()), kFileMark, crypto::kWrapKeySize);
    if (!bytes) return fail(path.string() + " is no wrapping key");
    Secret master{BytesView(*bytes)};
    base::wipe(*bytes);
    return from_master(std::move(master));
}

Result<void> WrappingKey::save(const std::filesystem::path& path) const {
    std::string text = std::string(kFileMark) + base::base64(m_state->master.bytes()) + "\n";
    const auto saved = write_key_files(path, base::view(text), base::view(public_line() + "\n"));
    base::wipe(std::as_writable_bytes(std::span(text)));
    return saved;
}

std::string WrappingKey::public_line() const { return std::string(kPublicMark) + base::base64(m_state->key.seal_public()); }

// --- wrapped ---

Bytes WrappingKey::wrap(const SecretPlace& place, BytesView secret) const {
    Bytes out{kVersion};
    const Bytes wrapped = m_state->key.wrap(secret, associated(place));
    out.insert(out.end(), wrapped.begin(), wrapped.end());
    return out;
}

Result<Secret> WrappingKey::unwrap(const SecretPlace& place, BytesView wrapped) const {
    if (wrapped.empty() || wrapped.front() != kVersion) return fail("a stored credential of an unknown form");
    auto secret = m_state->key.unwrap(wrapped.subspan(1), associated(place));
    if (!secret) return fail("the stored credential cannot be unwrapped: " + secret.error().text);
    return secret;
}

// --- sealed ---

Result<Bytes> seal_secret(std::string_view public_line, const SecretPlace& place, BytesView secret) {
    const auto key = marked(public_line, kPublicMark, crypto::kSealPublicSize);
    if (!key) return fail("there is no key to seal credentials to, or it is not understood");
    // As large as it gets, so that growing leaves nothing behind.
    wire::Writer out(kSealed.size() + place.target.size() + place.login.size() + secret.size() + 32);
    out.string(kSealed).byte(static_cast<std::uint8_t>(place.kind)).string(place.target).string(place.login).string(secret);
    Bytes plain = out.take();
    auto sealed = crypto::seal(*key, plain);
    base::wipe(plain);
    return sealed;
}

Result<Secret> WrappingKey::open(const SecretPlace& place, BytesView sealed) const {
    const auto message = m_state->key.open(sealed);
    if (!message) return fail("the credential cannot be opened: " + message.error().text);
    wire::Reader in(message->bytes());
    const bool known = in.text(kMostName) == kSealed;
    SecretPlace meant;
    meant.kind = static_cast<SecretKind>(in.byte());
    meant.target = in.text(kMostName);
    meant.login = in.text(kMostName);
    const BytesView secret = in.string(kMostSealedSecret);
    if (!in.ok() || !in.rest().empty() || !known) return fail("the credential is not understood");
    if (!(meant == place)) return fail("the credential was sealed for another target, login or kind");
    return Secret(secret);
}

}  // namespace sekisho::keys
