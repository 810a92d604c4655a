#include "crypto/wrap.h"

#include <algorithm>

#include "crypto/random.h"
#include "crypto/sodium.h"

namespace sekisho::crypto {
namespace {

using base::uchars;

constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
static_assert(kWrapOverhead == kNonce + crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(kSealOverhead == crypto_box_SEALBYTES);
static_assert(kWrapKeySize == crypto_kdf_KEYBYTES && kSealPublicSize == crypto_box_PUBLICKEYBYTES);

constexpr char kContext[] = "sekiwrap";
static_assert(sizeof kContext == crypto_kdf_CONTEXTBYTES + 1);
enum Derived : std::uint64_t { Wrapping = 1, Sealing = 2 };

}  // namespace

WrapKey::WrapKey(BytesView master)
    : m_wrap(crypto_aead_xchacha20poly1305_ietf_KEYBYTES), m_seal_secret(crypto_box_SECRETKEYBYTES),
      m_seal_public(crypto_box_PUBLICKEYBYTES) {
    sodium::ready();
    SEKISHO_ASSERT(master.size() == kWrapKeySize);
    Secret seed(crypto_box_SEEDBYTES);
    crypto_kdf_derive_from_key(uchars(m_wrap.bytes().data()), m_wrap.size(), Wrapping, kContext, uchars(master.data()));
    crypto_kdf_derive_from_key(uchars(seed.bytes().data()), seed.size(), Sealing, kContext, uchars(master.data()));
    crypto_box_seed_keypair(uchars(m_seal_public.data()), uchars(m_seal_secret.bytes().data()), uchars(seed.bytes().data()));
}

Bytes WrapKey::wrap(BytesView secret, BytesView associated) const {
    Bytes out(secret.size() + kWrapOverhead);
    system_random().fill(MutableBytes(out).first(kNonce));
    crypto_aead_xchacha20poly1305_ietf_encrypt(uchars(out.data() + kNonce), nullptr, uchars(secret.data()), secret.size(),
        uchars(associated.data()), associated.size(), nullptr, uchars(out.data()), uchars(m_wrap.bytes().data()));
    return out;
}

Result<Secret> WrapKey::unwrap(BytesView wrapped, BytesView associated) const {
    if (wrapped.size() < kWrapOverhead) return fail("what is wrapped is too short");
    Secret out(wrapped.size() - kWrapOverhead);
    const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(uchars(out.bytes().data()), nullptr, nullptr,
        uchars(wrapped.data() + kNonce), wrapped.size() - kNonce, uchars(associated.data()), associated.size(),
        uchars(wrapped.data()), uchars(m_wrap.bytes().data()));
    if (failed != 0) return fail("it was wrapped under another key or for something else, or was changed");
    return out;
}

Result<Secret> WrapKey::open(BytesView sealed) const {
    if (sealed.size() < kSealOverhead) return fail("what is sealed is too short");
    Secret out(sealed.size() - kSealOverhead);
    const int failed = crypto_box_seal_open(uchars(out.bytes().data()), uchars(sealed.data()), sealed.size(),
        uchars(m_seal_public.data()), uchars(m_seal_secret.bytes().data()));
    if (failed != 0) return fail("it was sealed to another key, or was changed");
    return out;
}

Result<Bytes> seal(BytesView seal_public, BytesView secret) {
    sodium::ready();
    if (seal_public.size() != kSealPublicSize) return fail("that is no key to seal to");
    Bytes out(secret.size() + kSealOverhead);
    if (crypto_box_seal(uchars(out.data()), uchars(secret.data()), secret.size(), uchars(seal_public.data())) != 0)
        return fail("that is no key to seal to");
    return out;
}

}  // namespace sekisho::crypto
