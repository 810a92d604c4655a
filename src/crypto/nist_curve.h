// Inside of crypto only: the NIST curves P-256, P-384, P-521 for ECDH and ECDSA: points checked, key objects built.
#pragma once

#include "base/result.h"
#include "crypto/evp.h"
#include "crypto/random.h"
#include "crypto/signature.h"

namespace sekisho::crypto {

struct NistCurve {
    const char* name;  // OpenSSL's
    int id;
    std::size_t field;  // bytes of a coordinate and of a scalar
    unsigned top_mask;  // of a scalar's first byte
    HashKind hash;      // RFC 5656 §6.2.1
};

const NistCurve& nist_curve(Curve curve);

/// A scalar in [1, order), as `field` bytes, by rejection (FIPS 186-5 A.2.2), so that a given Random repeats it.
Secret random_scalar(Curve curve, Random& random);
/// scalar·G as 0x04 ‖ x ‖ y; empty when the scalar is not in [1, order).
Bytes public_point(Curve curve, const Secret& scalar);
/// Only 0x04 ‖ x ‖ y of the right length and on the curve; the curves have cofactor 1, so nothing else is left to check.
Result<evp::Pkey> point_key(Curve curve, BytesView point);
/// `point` must be that of `scalar`.
evp::Pkey pair_key(Curve curve, BytesView point, const Secret& scalar);

}  // namespace sekisho::crypto
