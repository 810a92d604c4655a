#include "crypto/chacha20_poly1305_aead.h"

#include "crypto/sodium.h"

namespace sekisho::crypto::aead {

static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == kKey && crypto_aead_chacha20poly1305_ietf_ABYTES == kTag &&
              crypto_aead_chacha20poly1305_ietf_NPUBBYTES == sizeof(Nonce));

void seal(BytesView key, const Nonce& nonce, BytesView associated, BytesView plain, MutableBytes out) {
    SEKISHO_ASSERT(key.size() == kKey && out.size() == plain.size() + kTag);
    sodium::ready();
    SEKISHO_ASSERT(crypto_aead_chacha20poly1305_ietf_encrypt(base::uchars(out.data()), nullptr, base::uchars(plain.data()),
                       plain.size(), base::uchars(associated.data()), associated.size(), nullptr, base::uchars(nonce.data()),
                       base::uchars(key.data())) == 0);
}

bool open(BytesView key, const Nonce& nonce, BytesView associated, BytesView sealed, MutableBytes out) {
    SEKISHO_ASSERT(key.size() == kKey);
    if (sealed.size() < kTag) return false;
    SEKISHO_ASSERT(out.size() == sealed.size() - kTag);
    sodium::ready();
    if (crypto_aead_chacha20poly1305_ietf_decrypt(base::uchars(out.data()), nullptr, nullptr, base::uchars(sealed.data()),
            sealed.size(), base::uchars(associated.data()), associated.size(), base::uchars(nonce.data()),
            base::uchars(key.data())) == 0) {
        return true;
    }
    base::wipe(out);
    return false;
}

}  // namespace sekisho::crypto::aead
