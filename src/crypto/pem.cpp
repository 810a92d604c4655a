#include "crypto/pem.h"

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include "crypto/nist_curve.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kMostText = 64 * 1024;
constexpr int kMostBlocks = 4;  // "EC PARAMETERS" may stand before the key

using Bio = std::unique_ptr<BIO, evp::Freed<BIO_free_all>>;
using Pkcs8 = std::unique_ptr<PKCS8_PRIV_KEY_INFO, evp::Freed<PKCS8_PRIV_KEY_INFO_free>>;
using Protected = std::unique_ptr<X509_SIG, evp::Freed<X509_SIG_free>>;
using Pbes2 = std::unique_ptr<PBE2PARAM, evp::Freed<PBE2PARAM_free>>;
using Pbkdf2 = std::unique_ptr<PBKDF2PARAM, evp::Freed<PBKDF2PARAM_free>>;

/// One "-----BEGIN …" block as OpenSSL cut it; wiped, since it may hold private numbers.
struct Block {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;

    Block() = default;
    Block(Block&& other) noexcept
        : name(std::exchange(other.name, nullptr)), header(std::exchange(other.header, nullptr)),
          data(std::exchange(other.data, nullptr)), size(other.size) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    Block& operator=(Block&&) = delete;
    ~Block() {
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    }
    std::string_view kind() const { return name; }
    bool has_header() const { return header != nullptr && *header != '\0'; }
};

constexpr std::array<std::string_view, 4> kPrivateNames{
    "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"};
constexpr std::array<std::string_view, 2> kPublicNames{"PUBLIC KEY", "RSA PUBLIC KEY"};

/// The first block of one of `names`.
std::optional<Block> find_block(std::string_view text, std::span<const std::string_view> names) {
    if (text.empty() || text.size() > kMostText) return std::nullopt;
    const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    SEKISHO_ASSERT(bio != nullptr);
    for (int i = 0; i < kMostBlocks; ++i) {
        Block block;
        if (PEM_read_bio(bio.get(), &block.name, &block.header, &block.data, &block.size) != 1) break;
        for (const std::string_view name : names) {
            if (block.kind() == name) return block;
        }
    }
    evp::forget_errors();
    return std::nullopt;
}

struct Passphrase {
    std::string_view text;
};

int give_passphrase(char* out, int size, int, void* user) {
    const std::string_view text = static_cast<const Passphrase*>(user)->text;
    if (size < 0 || text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(out, text.data(), text.size());
    return static_cast<int>(text.size());
}

std::unexpected<Error> needs_passphrase() { return fail("the private key file is protected by a passphrase"); }
std::unexpected<Error> wrong_passphrase() { return fail("the passphrase is wrong, or the private key file is damaged"); }

/// RFC 8018: the work is in the file, and OpenSSL does whatever it says; so it is read and judged here first.
Result<void> check_work(const X509_SIG* sealed, unsigned most_iterations) {
    const X509_ALGOR* algorithm = nullptr;
    X509_SIG_get0(sealed, &algorithm, nullptr);
    const auto unsupported = [] { return fail("a private key file is protected in an unsupported way"); };
    const ASN1_OBJECT* object = nullptr;
    int type = 0;
    const void* value = nullptr;
    X509_ALGOR_get0(&object, &type, &value, algorithm);
    if (OBJ_obj2nid(object) != NID_pbes2 || type != V_ASN1_SEQUENCE) return unsupported();
    const Pbes2 pbes2(
        static_cast<PBE2PARAM*>(ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(PBE2PARAM))));
    if (pbes2 == nullptr) return unsupported();
    X509_ALGOR_get0(&object, &type, &value, pbes2->keyfunc);
    if (OBJ_obj2nid(object) != NID_id_pbkdf2 || type != V_ASN1_SEQUENCE) return unsupported();
    const Pbkdf2 pbkdf2(
        static_cast<PBKDF2PARAM*>(ASN1_item_unpack(static_cast<const ASN1_STRING*>(value), ASN1_ITEM_rptr(PBKDF2PARAM))));
    std::int64_t iterations = 0;
    if (pbkdf2 == nullptr || ASN1_INTEGER_get_int64(&iterations, pbkdf2->iter) != 1 || iterations < 1) return unsupported();
    if (iterations > most_iterations) {
        return fail("a private key file asks for " + std::to_string(iterations) + " iterations; at most " +
                    std::to_string(most_iterations) + " are done");
    }
    return {};
}

evp::Pkey from_pkcs8(const unsigned char* data, long size) {
    const Pkcs8 info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &data, size));
    return evp::Pkey(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
}

Result<evp::Pkey> open_pkcs8(const Block& block, std::string_view passphrase, unsigned most_iterations) {
    const unsigned char* at = block.data;
    const Protected sealed(d2i_X509_SIG(nullptr, &at, block.size));
    if (sealed == nullptr) return fail("malformed private key file");
    if (Result<void> work = check_work(sealed.get(), most_iterations); !work)
        return std::unexpected(std::move(work.error()));
    if (passphrase.empty()) return needs_passphrase();
    const Pkcs8 info(PKCS8_decrypt(sealed.get(), passphrase.data(), static_cast<int>(passphrase.size())));
    if (info == nullptr) return wrong_passphrase();
    evp::Pkey key(EVP_PKCS82PKEY(info.get()));
    if (key == nullptr) return fail("unsupported kind of key");
    return key;
}

/// The PEM of SSLeay: the header names the cipher, and one MD5 makes the key of the passphrase.
Result<evp::Pkey> open_traditional(Block& block, std::string_view passphrase) {
    const bool sealed = block.has_header();
    if (sealed) {
        if (passphrase.empty()) return needs_passphrase();
        EVP_CIPHER_INFO cipher{};
        Passphrase given{passphrase};
        if (PEM_get_EVP_CIPHER_INFO(block.header, &cipher) != 1) return fail("malformed private key file");
        // Opened in place; the size shrinks by the padding, and what is beyond it is wiped with the rest of the file's text.
        if (PEM_do_header(&cipher, block.data, &block.size, give_passphrase, &given) != 1) return wrong_passphrase();
    }
    const unsigned char* at = block.data;
    evp::Pkey key(d2i_PrivateKey(block.kind() == "RSA PRIVATE KEY" ? EVP_PKEY_RSA : EVP_PKEY_EC, nullptr, &at, block.size));
    if (key == nullptr && sealed) return wrong_passphrase();
    if (key == nullptr) return fail("malformed private key file, or unsupported kind of key");
    return key;
}

evp::Number parameter(EVP_PKEY* key, const char* name) {
    BIGNUM* out = BN_secure_new();
    SEKISHO_ASSERT(out != nullptr);
    if (EVP_PKEY_get_bn_param(key, name, &out) != 1) {
        BN_clear_free(out);
        return nullptr;
    }
    return evp::Number(out);
}

struct NamedCurve {
    const char* name;
    PemKind kind;
    Curve curve;
};
constexpr std::array kCurves{
    NamedCurve{"prime256v1", PemKind::EcdsaP256, Curve::P256},
    NamedCurve{"secp384r1", PemKind::EcdsaP384, Curve::P384},
    NamedCurve{"secp521r1", PemKind::EcdsaP521, Curve::P521},
};

const NamedCurve* curve_of(EVP_PKEY* key) {
    std::array<char, 64> name{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return nullptr;
    for (const NamedCurve& curve : kCurves) {
        if (std::strcmp(curve.name, name.data()) == 0) return &curve;
    }
    return nullptr;
}

std::unexpected<Error> unsupported_kind() { return fail("unsupported kind of key"); }

Result<PemPrivate> rsa_private(EVP_PKEY* key) {
    const evp::Number n = parameter(key, OSSL_PKEY_PARAM_RSA_N);
    const evp::Number e = parameter(key, OSSL_PKEY_PARAM_RSA_E);
    const evp::Number d = parameter(key, OSSL_PKEY_PARAM_RSA_D);
    const evp::Number p = parameter(key, OSSL_PKEY_PARAM_RSA_FACTOR1);
    const evp::Number q = parameter(key, OSSL_PKEY_PARAM_RSA_FACTOR2);
    const evp::Number iqmp = parameter(key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
    // More than two primes are for nobody in SSH.
    if (!n || !e || !d || !p || !q || !iqmp || parameter(key, OSSL_PKEY_PARAM_RSA_FACTOR3)) return unsupported_kind();
    Result<SigningKey> signer = SigningKey::rsa({evp::magnitude(n.get()), evp::magnitude(e.get())},
        {evp::secret_magnitude(d.get()), evp::secret_magnitude(iqmp.get()), evp::secret_magnitude(p.get()),
            evp::secret_magnitude(q.get())});
    if (!signer) return std::unexpected(std::move(signer.error()));
    return PemPrivate{PemKind::Rsa, std::move(*signer)};
}

/// The numbers out of OpenSSL's object and into one of ours, which checks that they belong together.
Result<PemPrivate> private_numbers(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1) return rsa_private(key);
    if (EVP_PKEY_is_a(key, "ED25519") == 1) {
        Secret seed(32);
        std::size_t size = seed.size();
        if (EVP_PKEY_get_raw_private_key(key, base::uchars(seed.bytes().data()), &size) != 1) return unsupported_kind();
        Result<SigningKey> signer = SigningKey::ed25519(seed);
        if (!signer) return std::unexpected(std::move(signer.error()));
        return PemPrivate{PemKind::Ed25519, std::move(*signer)};
    }
    const NamedCurve* curve = EVP_PKEY_is_a(key, "EC") == 1 ? curve_of(key) : nullptr;
    const evp::Number scalar = curve != nullptr ? parameter(key, OSSL_PKEY_PARAM_PRIV_KEY) : nullptr;
    if (scalar == nullptr) return unsupported_kind();
    const Secret number = evp::secret_magnitude(scalar.get());
    if (number.size() > nist_curve(curve->curve).field) return fail("an ECDSA private key has the wrong length");
    // The file may leave the point out, so it is always the scalar's own.
    Result<SigningKey> signer = SigningKey::ecdsa(curve->curve, public_point(curve->curve, number), number);
    if (!signer) return std::unexpected(std::move(signer.error()));
    return PemPrivate{curve->kind, std::move(*signer)};
}

/// x and y, so that a point written in compressed form is taken as well.
Bytes whole_point(EVP_PKEY* key, std::size_t field) {
    const evp::Number x = parameter(key, OSSL_PKEY_PARAM_EC_PUB_X);
    const evp::Number y = parameter(key, OSSL_PKEY_PARAM_EC_PUB_Y);
    Bytes out(1 + 2 * field);
    out[0] = std::byte{4};
    const auto width = static_cast<int>(field);
    if (x == nullptr || y == nullptr || BN_bn2binpad(x.get(), base::uchars(out.data() + 1), width) != width ||
        BN_bn2binpad(y.get(), base::uchars(out.data() + 1 + field), width) != width) {
        return {};
    }
    return out;
}

Result<PemPublic> public_numbers(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1) {
        const evp::Number n = parameter(key, OSSL_PKEY_PARAM_RSA_N);
        const evp::Number e = parameter(key, OSSL_PKEY_PARAM_RSA_E);
        if (!n || !e) return unsupported_kind();
        return PemPublic{PemKind::Rsa, {}, {evp::magnitude(n.get()), evp::magnitude(e.get())}};
    }
    if (EVP_PKEY_is_a(key, "ED25519") == 1) {
        Bytes point(32);
        std::size_t size = point.size();
        if (EVP_PKEY_get_raw_public_key(key, base::uchars(point.data()), &size) != 1) return unsupported_kind();
        return PemPublic{PemKind::Ed25519, std::move(point), {}};
    }
    const NamedCurve* curve = EVP_PKEY_is_a(key, "EC") == 1 ? curve_of(key) : nullptr;
    if (curve == nullptr) return unsupported_kind();
    Bytes point = whole_point(key, nist_curve(curve->curve).field);
    if (point.empty()) return unsupported_kind();
    return PemPublic{curve->kind, std::move(point), {}};
}

}  // namespace

Result<PemPrivate> private_from_pem(std::string_view text, std::string_view passphrase, unsigned most_iterations) {
    if (passphrase.size() > PEM_BUFSIZE) return fail("a passphrase is too long");
    std::optional<Block> block = find_block(text, kPrivateNames);
    if (!block) return fail("not a private key file");
    Result<evp::Pkey> key = block->kind() == "ENCRYPTED PRIVATE KEY" ? open_pkcs8(*block, passphrase, most_iterations)
                            : block->kind() == "PRIVATE KEY"         ? from_pkcs8(block->data, block->size)
                                                                     : open_traditional(*block, passphrase);
    Result<PemPrivate> out = !key ? Result<PemPrivate>(std::unexpected(std::move(key.error())))
                             : *key == nullptr
                                 ? Result<PemPrivate>(fail("malformed private key file, or unsupported kind of key"))
                                 : private_numbers(key->get());
    evp::forget_errors();
    return out;
}

bool pem_is_protected(std::string_view text) {
    const std::optional<Block> block = find_block(text, kPrivateNames);
    return block && (block->kind() == "ENCRYPTED PRIVATE KEY" || block->has_header());
}

Result<PemPublic> public_from_pem(std::string_view text) {
    const std::optional<Block> block = find_block(text, kPublicNames);
    if (!block) return fail("not a public key in PEM");
    const unsigned char* at = block->data;
    const evp::Pkey key(block->kind() == "PUBLIC KEY" ? d2i_PUBKEY(nullptr, &at, block->size)
                                                      : d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, block->size));
    Result<PemPublic> out = key == nullptr ? Result<PemPublic>(fail("malformed public key")) : public_numbers(key.get());
    evp::forget_errors();
    return out;
}

}  // namespace sekisho::crypto
