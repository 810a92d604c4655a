#include "crypto/nist_curve.h"

#include <openssl/core_names.h>
#include <openssl/obj_mac.h>

namespace sekisho::crypto {
namespace {

/// Built once: OpenSSL's group objects are immutable after this and shared between threads.
const EC_GROUP* group(Curve curve) {
    static const EC_GROUP* const p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    static const EC_GROUP* const p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
    static const EC_GROUP* const p521 = EC_GROUP_new_by_curve_name(NID_secp521r1);
    const EC_GROUP* out = curve == Curve::P256 ? p256 : curve == Curve::P384 ? p384 : p521;
    SEKISHO_ASSERT(out != nullptr);
    return out;
}

bool in_range(const BIGNUM* scalar, Curve curve) {
    return !BN_is_zero(scalar) && BN_cmp(scalar, EC_GROUP_get0_order(group(curve))) < 0;
}

evp::Pkey build(Curve curve, BytesView point, const BIGNUM* scalar) {
    const evp::ParameterBuilder builder(OSSL_PARAM_BLD_new());
    SEKISHO_ASSERT(builder != nullptr);
    OSSL_PARAM_BLD* b = builder.get();
    SEKISHO_ASSERT(OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, nist_curve(curve).name, 0) == 1);
    SEKISHO_ASSERT(OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1);
    if (scalar != nullptr) {
        SEKISHO_ASSERT(OSSL_PARAM_BLD_push_BN_pad(b, OSSL_PKEY_PARAM_PRIV_KEY, scalar, nist_curve(curve).field) == 1);
    }
    return evp::pkey_from_parameters("EC", scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, b);
}

}  // namespace

const NistCurve& nist_curve(Curve curve) {
    static constexpr NistCurve p256{"prime256v1", NID_X9_62_prime256v1, 32, 0xff, HashKind::Sha256};
    static constexpr NistCurve p384{"secp384r1", NID_secp384r1, 48, 0xff, HashKind::Sha384};
    static constexpr NistCurve p521{"secp521r1", NID_secp521r1, 66, 0x01, HashKind::Sha512};
    return curve == Curve::P256 ? p256 : curve == Curve::P384 ? p384 : p521;
}

Secret random_scalar(Curve curve, Random& random) {
    const NistCurve& parameters = nist_curve(curve);
    // Each try fails with a chance under 2^-32 (P-521: 2^-259); a hundred failures mean a broken generator.
    for (int attempt = 0; attempt < 100; ++attempt) {
        Secret scalar(parameters.field);
        random.fill(scalar.bytes());
        scalar.bytes()[0] &= static_cast<std::byte>(parameters.top_mask);
        if (in_range(evp::secret_number(scalar).get(), curve)) return scalar;
    }
    SEKISHO_ASSERT(false && "the random source gives no usable scalar");
    return {};
}

Bytes public_point(Curve curve, const Secret& scalar) {
    const evp::Number number = evp::secret_number(scalar);
    if (!in_range(number.get(), curve)) return {};
    const evp::Point point(EC_POINT_new(group(curve)));
    const evp::NumberContext context(BN_CTX_secure_new());
    SEKISHO_ASSERT(point != nullptr && context != nullptr);
    SEKISHO_ASSERT(EC_POINT_mul(group(curve), point.get(), number.get(), nullptr, nullptr, context.get()) == 1);
    Bytes out(1 + 2 * nist_curve(curve).field);
    SEKISHO_ASSERT(EC_POINT_point2oct(group(curve), point.get(), POINT_CONVERSION_UNCOMPRESSED, base::uchars(out.data()),
                                      out.size(), context.get()) == out.size());
    return out;
}

Result<evp::Pkey> point_key(Curve curve, BytesView point) {
    if (point.size() != 1 + 2 * nist_curve(curve).field || point[0] != std::byte{4}) {
        return fail("an elliptic curve point has the wrong form");
    }
    const evp::Point parsed(EC_POINT_new(group(curve)));
    SEKISHO_ASSERT(parsed != nullptr);
    // RFC 5656 §4 and SEC 1 §3.2.2: coordinates below the prime, point on the curve. oct2point checks both.
    if (EC_POINT_oct2point(group(curve), parsed.get(), base::uchars(point.data()), point.size(), nullptr) != 1 ||
        EC_POINT_is_on_curve(group(curve), parsed.get(), nullptr) != 1 ||
        EC_POINT_is_at_infinity(group(curve), parsed.get()) != 0) {
        evp::forget_errors();
        return fail("an elliptic curve point is not on its curve");
    }
    evp::Pkey key = build(curve, point, nullptr);
    SEKISHO_ASSERT(key != nullptr);
    return key;
}

evp::Pkey pair_key(Curve curve, BytesView point, const Secret& scalar) {
    evp::Pkey key = build(curve, point, evp::secret_number(scalar).get());
    SEKISHO_ASSERT(key != nullptr);
    return key;
}

}  // namespace sekisho::crypto
