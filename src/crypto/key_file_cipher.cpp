#include "crypto/key_file_cipher.h"

#include <algorithm>
#include <array>
#include <climits>

#include "crypto/evp.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kTag = 16;
constexpr std::string_view kChaCha = "chacha20-poly1305@openssh.com";

constexpr std::array kCiphers{
    KeyFileCipher{"aes256-ctr", 32, 16, 16, 0},
    KeyFileCipher{"aes192-ctr", 24, 16, 16, 0},
    KeyFileCipher{"aes128-ctr", 16, 16, 16, 0},
    KeyFileCipher{"aes256-cbc", 32, 16, 16, 0},
    KeyFileCipher{"aes192-cbc", 24, 16, 16, 0},
    KeyFileCipher{"aes128-cbc", 16, 16, 16, 0},
    KeyFileCipher{"aes256-gcm@openssh.com", 32, 12, 16, kTag},
    KeyFileCipher{"aes128-gcm@openssh.com", 16, 12, 16, kTag},
    KeyFileCipher{kChaCha, 64, 0, 8, kTag},
};

/// "aes256-gcm@openssh.com" → AES-256-GCM. Fetched for each file: key files are rare.
const EVP_CIPHER* algorithm(const KeyFileCipher& cipher) {
    const std::string_view mode = cipher.name.substr(7, 3);
    const bool longest = cipher.key == 32;
    if (mode == "gcm") return longest ? evp::algorithms().aes256_gcm : evp::algorithms().aes128_gcm;
    if (mode == "cbc") return longest ? EVP_aes_256_cbc() : cipher.key == 24 ? EVP_aes_192_cbc() : EVP_aes_128_cbc();
    const auto& all = evp::algorithms();
    return longest ? all.aes256_ctr : cipher.key == 24 ? all.aes192_ctr : all.aes128_ctr;
}

/// The whole of `in` in one call; the caller's section is of whole blocks, so nothing is held back.
void run(EVP_CIPHER_CTX* context, BytesView in, MutableBytes out) {
    SEKISHO_ASSERT(in.size() <= INT_MAX && in.size() == out.size());
    int written = 0;
    SEKISHO_ASSERT(EVP_CipherUpdate(context, base::uchars(out.data()), &written, base::uchars(in.data()),
                       static_cast<int>(in.size())) == 1);
    SEKISHO_ASSERT(static_cast<std::size_t>(written) == in.size());
}

Result<Secret> wrong_tag() { return fail("the passphrase is wrong, or the private key file is damaged"); }

/// chacha20-poly1305@openssh.com with sequence number 0 and no length field: the first half of the key alone is used.
Result<Secret> open_chacha(const Secret& key, BytesView section, BytesView tag) {
    static constexpr std::array<std::byte, 64> kZeros{};
    const std::array<std::byte, 16> counter{};
    const auto stream = evp::make_cipher_context(evp::algorithms().chacha20, key.bytes().first(32), counter, true);
    Secret poly_key(kZeros.size());
    run(stream.get(), kZeros, poly_key.bytes());
    const evp::MacContext poly(EVP_MAC_CTX_new(evp::algorithms().poly1305));
    SEKISHO_ASSERT(poly != nullptr);
    SEKISHO_ASSERT(EVP_MAC_init(poly.get(), base::uchars(poly_key.bytes().data()), 32, nullptr) == 1);
    SEKISHO_ASSERT(EVP_MAC_update(poly.get(), base::uchars(section.data()), section.size()) == 1);
    std::array<std::byte, kTag> own{};
    std::size_t size = 0;
    SEKISHO_ASSERT(EVP_MAC_final(poly.get(), base::uchars(own.data()), &size, own.size()) == 1 && size == own.size());
    if (!base::equal_constant_time(own, tag)) return wrong_tag();
    Secret out(section.size());
    run(stream.get(), section, out.bytes());
    return out;
}

evp::CipherContext start(const KeyFileCipher& cipher, const Secret& key_and_iv, bool encrypt) {
    const BytesView bytes = key_and_iv.bytes();
    SEKISHO_ASSERT(bytes.size() == cipher.key + cipher.iv);
    auto context = evp::make_cipher_context(algorithm(cipher), bytes.first(cipher.key), bytes.last(cipher.iv), encrypt);
    EVP_CIPHER_CTX_set_padding(context.get(), 0);  // the format pads by itself
    return context;
}

}  // namespace

const KeyFileCipher* key_file_cipher(std::string_view name) {
    const auto at = std::ranges::find(kCiphers, name, &KeyFileCipher::name);
    return at == kCiphers.end() ? nullptr : &*at;
}

Result<Secret> open_key_file(const KeyFileCipher& cipher, const Secret& key_and_iv, BytesView section, BytesView tag) {
    SEKISHO_ASSERT(section.size() % cipher.block == 0 && tag.size() == cipher.tag);
    if (cipher.name == kChaCha) return open_chacha(key_and_iv, section, tag);
    const evp::CipherContext context = start(cipher, key_and_iv, false);
    Secret out(section.size());
    run(context.get(), section, out.bytes());
    if (cipher.tag != 0) {
        Bytes expected = base::to_bytes(tag);
        SEKISHO_ASSERT(EVP_CIPHER_CTX_ctrl(
                           context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(expected.size()), expected.data()) == 1);
        int written = 0;
        std::array<unsigned char, 16> nothing{};
        if (EVP_CipherFinal_ex(context.get(), nothing.data(), &written) != 1) {
            evp::forget_errors();
            return wrong_tag();
        }
    }
    return out;
}

Bytes seal_key_file(const KeyFileCipher& cipher, const Secret& key_and_iv, const Secret& section) {
    SEKISHO_ASSERT(section.size() % cipher.block == 0 && cipher.tag == 0);
    const evp::CipherContext context = start(cipher, key_and_iv, true);
    Bytes out(section.size());
    run(context.get(), section.bytes(), out);
    return out;
}

}  // namespace sekisho::crypto
