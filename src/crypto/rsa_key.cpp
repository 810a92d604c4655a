#include "crypto/rsa_key.h"

#include <string>

#include <openssl/core_names.h>

namespace sekisho::crypto {
namespace {

constexpr int kLeastBits = 2048;
constexpr int kMostBits = 16384;
constexpr int kMostExponentBits = 64;
constexpr std::size_t kMostBytes = kMostBits / 8 + 1;  // with the zero in front that an mpint may have

struct PublicNumbers {
    evp::Number n;
    evp::Number e;
};

Result<PublicNumbers> checked(const RsaNumbers& numbers) {
    if (numbers.n.size() > kMostBytes || numbers.e.size() > kMostBytes) return fail("an RSA number is too long");
    PublicNumbers out{evp::number(numbers.n), evp::number(numbers.e)};
    const int bits = BN_num_bits(out.n.get());
    if (bits < kLeastBits) return fail("an RSA key of " + std::to_string(bits) + " bits is too short");
    if (bits > kMostBits) return fail("an RSA key of " + std::to_string(bits) + " bits is too long");
    if (BN_is_odd(out.n.get()) == 0) return fail("an RSA modulus is even");
    if (BN_is_odd(out.e.get()) == 0 || BN_is_one(out.e.get()) || BN_num_bits(out.e.get()) > kMostExponentBits) {
        return fail("an RSA exponent is unusable");
    }
    return out;
}

void push(OSSL_PARAM_BLD* builder, const char* name, const BIGNUM* number) {
    SEKISHO_ASSERT(OSSL_PARAM_BLD_push_BN(builder, name, number) == 1);
}

evp::Number make_secret() {
    evp::Number out(BN_secure_new());
    SEKISHO_ASSERT(out != nullptr);
    BN_set_flags(out.get(), BN_FLG_CONSTTIME);
    return out;
}

/// number - 1
evp::Number less_one(const BIGNUM* number) {
    evp::Number out = make_secret();
    SEKISHO_ASSERT(BN_copy(out.get(), number) != nullptr && BN_sub_word(out.get(), 1) == 1);
    BN_set_flags(out.get(), BN_FLG_CONSTTIME);
    return out;
}

/// a mod m
evp::Number remainder(const BIGNUM* a, const BIGNUM* modulus, BN_CTX* context) {
    evp::Number out = make_secret();
    SEKISHO_ASSERT(BN_nnmod(out.get(), a, modulus, context) == 1);
    return out;
}

bool product_is_one(const BIGNUM* a, const BIGNUM* b, const BIGNUM* modulus, BN_CTX* context) {
    const evp::Number out = make_secret();
    SEKISHO_ASSERT(BN_mod_mul(out.get(), a, b, modulus, context) == 1);
    return BN_is_one(out.get()) == 1;
}

bool is_product(const BIGNUM* n, const BIGNUM* p, const BIGNUM* q, BN_CTX* context) {
    const evp::Number out = make_secret();
    SEKISHO_ASSERT(BN_mul(out.get(), p, q, context) == 1);
    return BN_cmp(out.get(), n) == 0;
}

}  // namespace

Result<evp::Pkey> rsa_public_key(const RsaNumbers& numbers) {
    const Result<PublicNumbers> open = checked(numbers);
    if (!open) return std::unexpected(open.error());
    const evp::ParameterBuilder builder(OSSL_PARAM_BLD_new());
    SEKISHO_ASSERT(builder != nullptr);
    push(builder.get(), OSSL_PKEY_PARAM_RSA_N, open->n.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_E, open->e.get());
    evp::Pkey key = evp::pkey_from_parameters("RSA", EVP_PKEY_PUBLIC_KEY, builder.get());
    if (key == nullptr) return fail("an RSA key is unusable");
    return key;
}

Result<evp::Pkey> rsa_pair_key(const RsaNumbers& numbers, const RsaSecretNumbers& secret) {
    const Result<PublicNumbers> open = checked(numbers);
    if (!open) return std::unexpected(open.error());
    for (const Secret* part : {&secret.d, &secret.iqmp, &secret.p, &secret.q}) {
        if (part->size() > kMostBytes) return fail("an RSA number is too long");
    }
    const evp::Number d = evp::secret_number(secret.d);
    const evp::Number p = evp::secret_number(secret.p);
    const evp::Number q = evp::secret_number(secret.q);
    const evp::Number iqmp = evp::secret_number(secret.iqmp);
    const evp::NumberContext context(BN_CTX_secure_new());
    SEKISHO_ASSERT(context != nullptr);
    if (BN_num_bits(p.get()) < 2 || BN_num_bits(q.get()) < 2 ||
        !is_product(open->n.get(), p.get(), q.get(), context.get())) {
        return fail("the numbers of an RSA private key do not belong together");
    }
    const evp::Number p1 = less_one(p.get());
    const evp::Number q1 = less_one(q.get());
    const evp::Number dmp1 = remainder(d.get(), p1.get(), context.get());
    const evp::Number dmq1 = remainder(d.get(), q1.get(), context.get());
    if (!product_is_one(open->e.get(), dmp1.get(), p1.get(), context.get()) ||
        !product_is_one(open->e.get(), dmq1.get(), q1.get(), context.get()) ||
        !product_is_one(iqmp.get(), q.get(), p.get(), context.get())) {
        return fail("the numbers of an RSA private key do not belong together");
    }
    const evp::ParameterBuilder builder(OSSL_PARAM_BLD_new());
    SEKISHO_ASSERT(builder != nullptr);
    push(builder.get(), OSSL_PKEY_PARAM_RSA_N, open->n.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_E, open->e.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_D, d.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_FACTOR1, p.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_FACTOR2, q.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_EXPONENT1, dmp1.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_EXPONENT2, dmq1.get());
    push(builder.get(), OSSL_PKEY_PARAM_RSA_COEFFICIENT1, iqmp.get());
    evp::Pkey key = evp::pkey_from_parameters("RSA", EVP_PKEY_KEYPAIR, builder.get());
    if (key == nullptr) return fail("an RSA private key is unusable");
    return key;
}

}  // namespace sekisho::crypto
