#include "crypto/evp.h"

#include <openssl/err.h>

namespace sekisho::crypto::evp {
namespace {

Algorithms fetch_all() {
    Algorithms all{};
    all.sha1 = EVP_MD_fetch(nullptr, "SHA1", nullptr);
    all.sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    all.sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
    all.sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
    all.aes128_gcm = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
    all.aes256_gcm = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    all.aes128_ctr = EVP_CIPHER_fetch(nullptr, "AES-128-CTR", nullptr);
    all.aes192_ctr = EVP_CIPHER_fetch(nullptr, "AES-192-CTR", nullptr);
    all.aes256_ctr = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
    all.aes128_cbc = EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr);
    all.aes192_cbc = EVP_CIPHER_fetch(nullptr, "AES-192-CBC", nullptr);
    all.aes256_cbc = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
    all.triple_des_cbc = EVP_CIPHER_fetch(nullptr, "DES-EDE3-CBC", nullptr);
    all.chacha20 = EVP_CIPHER_fetch(nullptr, "ChaCha20", nullptr);
    all.hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    all.poly1305 = EVP_MAC_fetch(nullptr, "POLY1305", nullptr);
    SEKISHO_ASSERT(all.sha1 && all.sha256 && all.sha384 && all.sha512);
    SEKISHO_ASSERT(all.aes128_gcm && all.aes256_gcm && all.aes128_ctr && all.aes192_ctr && all.aes256_ctr);
    SEKISHO_ASSERT(all.aes128_cbc && all.aes192_cbc && all.aes256_cbc && all.triple_des_cbc);
    SEKISHO_ASSERT(all.chacha20 && all.hmac && all.poly1305);
    return all;
}

}  // namespace

const Algorithms& algorithms() {
    static const Algorithms all = fetch_all();
    return all;
}

const EVP_MD* digest_algorithm(HashKind kind) {
    switch (kind) {
        case HashKind::Sha1: return algorithms().sha1;
        case HashKind::Sha256: return algorithms().sha256;
        case HashKind::Sha384: return algorithms().sha384;
        case HashKind::Sha512: return algorithms().sha512;
    }
    SEKISHO_ASSERT(false && "a hash without algorithm");
    return nullptr;
}

const char* digest_name(HashKind kind) {
    switch (kind) {
        case HashKind::Sha1: return "SHA1";
        case HashKind::Sha256: return "SHA256";
        case HashKind::Sha384: return "SHA384";
        case HashKind::Sha512: return "SHA512";
    }
    SEKISHO_ASSERT(false && "a hash without name");
    return nullptr;
}

CipherContext make_cipher_context(const EVP_CIPHER* cipher, BytesView key, BytesView iv, bool encrypt) {
    SEKISHO_ASSERT(static_cast<int>(key.size()) == EVP_CIPHER_get_key_length(cipher));
    SEKISHO_ASSERT(static_cast<int>(iv.size()) == EVP_CIPHER_get_iv_length(cipher));
    CipherContext context(EVP_CIPHER_CTX_new());
    SEKISHO_ASSERT(context != nullptr);
    SEKISHO_ASSERT(EVP_CipherInit_ex2(context.get(), cipher, base::uchars(key.data()), base::uchars(iv.data()),
                                      encrypt ? 1 : 0, nullptr) == 1);
    return context;
}

void forget_errors() noexcept { ERR_clear_error(); }

Number number(BytesView magnitude) {
    SEKISHO_ASSERT(magnitude.size() <= 64 * 1024);
    Number out(BN_bin2bn(base::uchars(magnitude.data()), static_cast<int>(magnitude.size()), nullptr));
    SEKISHO_ASSERT(out != nullptr);
    return out;
}

Number secret_number(const Secret& magnitude) {
    SEKISHO_ASSERT(magnitude.size() <= 64 * 1024);
    Number out(BN_secure_new());
    SEKISHO_ASSERT(out != nullptr);
    const auto size = static_cast<int>(magnitude.size());
    SEKISHO_ASSERT(BN_bin2bn(base::uchars(magnitude.bytes().data()), size, out.get()) != nullptr);
    BN_set_flags(out.get(), BN_FLG_CONSTTIME);
    return out;
}

Pkey pkey_from_parameters(const char* type, int selection, OSSL_PARAM_BLD* builder) {
    const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
    const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    SEKISHO_ASSERT(parameters != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) != 1) {
        forget_errors();
        return nullptr;
    }
    return Pkey(key);
}

Bytes magnitude(const BIGNUM* number) {
    Bytes out(static_cast<std::size_t>(BN_num_bytes(number)));
    BN_bn2bin(number, base::uchars(out.data()));
    return out;
}

Secret secret_magnitude(const BIGNUM* number) {
    Secret out(static_cast<std::size_t>(BN_num_bytes(number)));
    BN_bn2bin(number, base::uchars(out.bytes().data()));
    return out;
}

}  // namespace sekisho::crypto::evp
