#include "crypto/hpke.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "crypto/hmac.h"

namespace sekisho::crypto::hpke {

namespace {

using Digest = std::array<std::byte, 32>;

constexpr std::string_view kVersion = "HPKE-v1";
constexpr std::string_view kKemSuite{"KEM\x00\x20", 5};
constexpr std::string_view kSuite{"HPKE\x00\x20\x00\x01\x00\x03", 10};

void add(Bytes& out, BytesView more) { out.insert(out.end(), more.begin(), more.end()); }

/// RFC 9180 §4, LabeledExtract: HKDF-Extract (RFC 5869 §2.2). Without a salt it is zeros, which an empty HMAC key is.
Secret extract(std::string_view suite, BytesView salt, std::string_view label, BytesView input) {
    Bytes text;
    text.reserve(kVersion.size() + suite.size() + label.size() + input.size());  // never moved: it may hold a secret
    for (const BytesView part : {base::view(kVersion), base::view(suite), base::view(label), input}) add(text, part);
    Digest out = hmac_sha256(salt, text);
    base::wipe(text);
    Secret secret{BytesView(out)};
    base::wipe(out);
    return secret;
}

/// LabeledExpand: HKDF-Expand (RFC 5869 §2.3) of one block, which is all that these lengths need.
Secret expand(std::string_view suite, const Secret& from, std::string_view label, BytesView info, std::size_t size) {
    SEKISHO_ASSERT(size <= sizeof(Digest));
    Bytes text{std::byte{0}, static_cast<std::byte>(size)};
    for (const BytesView part : {base::view(kVersion), base::view(suite), base::view(label), info}) add(text, part);
    text.push_back(std::byte{1});
    Digest out = hmac_sha256(from.bytes(), text);
    Secret secret{BytesView(out).first(size)};
    base::wipe(out);
    return secret;
}

/// §5.1 KeySchedule in base mode: no pre-shared key.
Context schedule(const Secret& shared, BytesView info) {
    Bytes context{std::byte{0}};
    add(context, extract(kSuite, {}, "psk_id_hash", {}).bytes());
    add(context, extract(kSuite, {}, "info_hash", info).bytes());
    const Secret secret = extract(kSuite, shared.bytes(), "secret", {});
    aead::Nonce base_nonce{};
    const Secret nonce = expand(kSuite, secret, "base_nonce", context, base_nonce.size());
    std::ranges::copy(nonce.bytes(), base_nonce.begin());
    return {expand(kSuite, secret, "key", context, aead::kKey), base_nonce};
}

/// §4.1: what both sides make of their exchange.
Context after(const Secret& exchanged, BytesView encapsulated, BytesView recipient, BytesView info) {
    Bytes both = base::to_bytes(encapsulated);
    add(both, recipient);
    const Secret early = extract(kKemSuite, {}, "eae_prk", exchanged.bytes());
    return schedule(expand(kKemSuite, early, "shared_secret", both, sizeof(Digest)), info);
}

}  // namespace

aead::Nonce Context::nonce() const {
    SEKISHO_ASSERT(m_sequence < std::numeric_limits<std::uint64_t>::max());
    aead::Nonce nonce = m_base_nonce;
    for (std::size_t i = 0; i < sizeof(m_sequence); ++i) {
        nonce[nonce.size() - 1 - i] ^= static_cast<std::byte>(m_sequence >> (8 * i));
    }
    return nonce;
}

Bytes Context::seal(BytesView associated, BytesView plain) {
    Bytes out(plain.size() + aead::kTag);
    aead::seal(m_key.bytes(), nonce(), associated, plain, out);
    ++m_sequence;
    return out;
}

Result<Bytes> Context::open(BytesView associated, BytesView sealed) {
    if (sealed.size() < aead::kTag) return fail("what is sealed is too short");
    Bytes out(sealed.size() - aead::kTag);
    if (!aead::open(m_key.bytes(), nonce(), associated, sealed, out))
        return fail("it was sealed to another key, or changed");
    ++m_sequence;
    return out;
}

Result<Sender> seal_to(const PublicKey& to, BytesView info, Random& random) {
    const X25519Pair ephemeral = x25519_generate(random);
    const Result<Secret> exchanged = x25519(ephemeral, to);
    if (!exchanged) return fail("nothing can be sealed to this public key", exchanged.error().text);
    return Sender{ephemeral.public_value, after(*exchanged, ephemeral.public_value, to, info)};
}

Result<Context> open_with(const X25519Pair& own, BytesView encapsulated, BytesView info) {
    const Result<Secret> exchanged = x25519(own, encapsulated);
    if (!exchanged) return fail("the encapsulated key is not usable", exchanged.error().text);
    return after(*exchanged, encapsulated, own.public_value, info);
}

}  // namespace sekisho::crypto::hpke
