#include "recording/seal.h"

#include <algorithm>

#include "base/assert.h"

namespace sekisho::recording {

namespace {

constexpr std::string_view kInfo = "sekisho recording 1";

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    return begin == std::string_view::npos ? std::string_view()
                                           : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// A block's number is given once: a file is only appended to, and takes no events any more once a write failed.
crypto::aead::Nonce nonce_of(std::uint32_t number) {
    crypto::aead::Nonce nonce{};
    for (std::size_t i = 0; i < sizeof(number); ++i) nonce[nonce.size() - 1 - i] = static_cast<std::byte>(number >> (8 * i));
    return nonce;
}

}  // namespace

Result<AuditorKey> parse_auditor_key(std::string_view text) {
    const auto bytes = base::from_base64(trimmed(text));
    AuditorKey key{};
    if (!bytes || bytes->size() != key.size()) {
        return fail("an auditor's public key is wanted: base64 of 32 bytes, as `sekisho keygen` writes it to NAME.pub");
    }
    std::ranges::copy(*bytes, key.begin());
    if (const auto tried = crypto::hpke::seal_to(key, {}, crypto::system_random()); !tried)
        return std::unexpected(tried.error());
    return key;
}

Result<crypto::X25519Pair> parse_auditor_secret(std::string_view text) {
    auto bytes = base::from_base64(trimmed(text));
    if (!bytes || bytes->size() != AuditorKey{}.size()) {
        return fail("this is no auditor's private key: base64 of 32 bytes, as `sekisho keygen` writes it");
    }
    Secret secret{BytesView(*bytes)};
    base::wipe(*bytes);
    return crypto::x25519_pair(std::move(secret));
}

std::string text_of(const AuditorKey& key) { return base::base64(key); }

Result<NewSeal> make_seal(std::span<const AuditorKey> to, std::string_view audit_key, crypto::Random& random) {
    NewSeal seal{Secret(crypto::aead::kKey), {}};
    random.fill(seal.key.bytes());
    for (const AuditorKey& auditor : to) {
        auto sender = crypto::hpke::seal_to(auditor, base::view(kInfo), random);
        if (!sender) return std::unexpected(sender.error());
        seal.sealed.push_back(
            {auditor, sender->encapsulated, sender->context.seal(base::view(audit_key), seal.key.bytes())});
    }
    return seal;
}

Result<Secret> open_seal(std::span<const SealedKey> sealed, const crypto::X25519Pair& auditor, std::string_view audit_key) {
    for (const SealedKey& one : sealed) {
        if (one.to != auditor.public_value) continue;
        auto context = crypto::hpke::open_with(auditor, one.encapsulated, base::view(kInfo));
        if (!context) return std::unexpected(context.error());
        auto key = context->open(base::view(audit_key), one.sealed);
        if (!key || key->size() != crypto::aead::kKey) return fail("the seal of this recording was changed");
        Secret secret{BytesView(*key)};
        base::wipe(*key);
        return secret;
    }
    return fail("the recording was not sealed to this key");
}

std::size_t seal_block(const Secret& key, std::uint32_t number, BytesView header, MutableBytes room, std::size_t size) {
    SEKISHO_ASSERT(header.size() == format::kHashed && room.size() >= size + crypto::aead::kTag);
    const MutableBytes sealed = room.first(size + crypto::aead::kTag);
    crypto::aead::seal(key.bytes(), nonce_of(number), header, BytesView(sealed).first(size), sealed);
    return sealed.size();
}

bool open_block(const Secret& key, std::uint32_t number, BytesView header, BytesView stored, MutableBytes out) {
    return crypto::aead::open(key.bytes(), nonce_of(number), header.first(format::kHashed), stored, out);
}

}  // namespace sekisho::recording
