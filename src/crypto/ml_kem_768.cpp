// 1: keys. 2: the public-key encryption inside (K-PKE). 3: encapsulation. 4: decapsulation.
#include "crypto/ml_kem_768.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/constant_time.h"
#include "crypto/keccak.h"
#include "crypto/ml_kem_encode.h"
#include "crypto/ml_kem_sample.h"
#include "crypto/wiped.h"

namespace sekisho::crypto::ml_kem {
namespace {

constexpr std::size_t kVectorBytes = kRank * kPolyBytes;
constexpr std::size_t kHashBytes = 32;
// FIPS 203 algorithm 16: dk = s ‖ ek ‖ H(ek) ‖ z.
constexpr std::size_t kKeyInKey = kVectorBytes;
constexpr std::size_t kHashInKey = kKeyInKey + kPublicKeySize;
constexpr std::size_t kRejectionInKey = kHashInKey + kHashBytes;
static_assert(kRejectionInKey + 32 == kSecretKeySize);
static_assert(kVectorBytes + 32 == kPublicKeySize);
static_assert(kRank * kCompressed10Bytes + kCompressed4Bytes == kCiphertextSize);

using Seed = std::array<std::byte, 32>;
using TwoSeeds = std::array<std::byte, 64>;

template <std::size_t Size, class Byte>
std::span<Byte, Size> part(std::span<Byte> bytes, std::size_t offset) {
    return bytes.subspan(offset).template first<Size>();
}

template <class Bytes>
auto poly_bytes(Bytes bytes, std::size_t i) {
    return part<kPolyBytes>(bytes, i * kPolyBytes);
}

}  // namespace

// --- 1: keys -----------------------------------------------------------------------------------------------------

KeyPair generate(Random& random) {
    Secret d(32);
    Secret z(32);
    random.fill(d.bytes());
    random.fill(z.bytes());
    return generate_from(d, z);
}

KeyPair generate_from(const Secret& d, const Secret& z) {
    SEKISHO_ASSERT(d.size() == 32);
    Wiped<TwoSeeds> seeds;
    const std::byte rank{kRank};
    sha3_512({d.bytes(), BytesView(&rank, 1)}, *seeds);
    const std::span<const std::byte> both = *seeds;
    return generate_from(part<32>(both, 0), part<32>(both, 32), z);
}

KeyPair generate_from(std::span<const std::byte, 32> rho, std::span<const std::byte, 32> sigma, const Secret& z) {
    SEKISHO_ASSERT(z.size() == 32);
    Wiped<Vector> s;
    Wiped<Vector> e;
    sample_noise(std::array{&(*s)[0], &(*s)[1], &(*s)[2], &(*e)[0]}, sigma, 0);
    sample_noise(std::array{&(*e)[1], &(*e)[2]}, sigma, 4);
    ntt(*s);
    ntt(*e);

    KeyPair pair{{}, Secret(kSecretKeySize)};
    const MutableBytes public_key = pair.public_key;
    const MutableBytes secret_key = pair.secret_key.bytes();
    Matrix a;
    sample_matrix(a, rho, Order::Plain);
    for (std::size_t i = 0; i < kRank; ++i) {
        Wiped<Poly> t;
        inner_product(*t, a[i], *s);
        times_r(*t);
        add(*t, (*e)[i]);
        to_canonical(*t);
        encode_12(poly_bytes(public_key, i), *t);
    }
    std::copy(rho.begin(), rho.end(), public_key.begin() + kVectorBytes);

    for (std::size_t i = 0; i < kRank; ++i) {
        to_canonical((*s)[i]);
        encode_12(poly_bytes(secret_key, i), (*s)[i]);
    }
    std::copy(public_key.begin(), public_key.end(), secret_key.begin() + kKeyInKey);
    sha3_256({public_key}, part<kHashBytes>(secret_key, kHashInKey));
    std::copy(z.bytes().begin(), z.bytes().end(), secret_key.begin() + kRejectionInKey);
    return pair;
}

namespace {

/// The vector t of a public key; false when a coefficient is not below q.
bool decode_public_vector(Vector& t, BytesView key) {
    bool below = true;
    for (std::size_t i = 0; i < kRank; ++i) below = decode_12_checked(t[i], poly_bytes(key, i)) && below;
    return below;
}

}  // namespace

Result<void> check_public_key(BytesView key) {
    if (key.size() != kPublicKeySize) return fail("the ML-KEM public key has the wrong length");
    Vector t;
    if (!decode_public_vector(t, key)) return fail("the ML-KEM public key is not reduced");
    return {};
}

Result<void> check_secret_key(BytesView key) {
    if (key.size() != kSecretKeySize) return fail("the ML-KEM secret key has the wrong length");
    Seed hash;
    sha3_256({key.subspan(kKeyInKey, kPublicKeySize)}, hash);
    if (mask_if_different(hash, key.subspan(kHashInKey, kHashBytes)) != 0) return fail("the ML-KEM secret key is damaged");
    return {};
}

// --- 2: the public-key encryption inside -------------------------------------------------------------------------

namespace {

/// Algorithm 14: `t` and `rho` are the public key.
void encrypt(std::span<std::byte, kCiphertextSize> out, const Vector& t, std::span<const std::byte, 32> rho,
    std::span<const std::byte, 32> message, std::span<const std::byte, 32> randomness) {
    Wiped<Vector> y;
    Wiped<Vector> e1;
    Wiped<Poly> e2;
    sample_noise(std::array{&(*y)[0], &(*y)[1], &(*y)[2], &(*e1)[0]}, randomness, 0);
    sample_noise(std::array{&(*e1)[1], &(*e1)[2], &*e2}, randomness, 4);
    ntt(*y);

    Matrix a;
    sample_matrix(a, rho, Order::Transposed);
    const std::span<std::byte> all = out;
    for (std::size_t i = 0; i < kRank; ++i) {
        Wiped<Poly> u;
        inner_product(*u, a[i], *y);
        inverse_ntt(*u);
        add(*u, (*e1)[i]);
        to_canonical(*u);
        compress_10(part<kCompressed10Bytes>(all, i * kCompressed10Bytes), *u);
    }
    Wiped<Poly> v;
    Wiped<Poly> mu;
    inner_product(*v, t, *y);
    inverse_ntt(*v);
    decompress_1(*mu, message);
    add(*v, *e2);
    add(*v, *mu);
    to_canonical(*v);
    compress_4(part<kCompressed4Bytes>(all, kRank * kCompressed10Bytes), *v);
}

/// Algorithm 15.
void decrypt(std::span<std::byte, 32> message, BytesView secret_key, BytesView ciphertext) {
    Wiped<Vector> s;
    Wiped<Vector> u;
    for (std::size_t i = 0; i < kRank; ++i) {
        decode_12((*s)[i], poly_bytes(secret_key, i));
        decompress_10((*u)[i], part<kCompressed10Bytes>(ciphertext, i * kCompressed10Bytes));
    }
    ntt(*u);
    Poly v;
    decompress_4(v, part<kCompressed4Bytes>(ciphertext, kRank * kCompressed10Bytes));
    Wiped<Poly> w;
    inner_product(*w, *s, *u);
    inverse_ntt(*w);
    subtract_from(*w, v);
    to_canonical(*w);
    compress_1(message, *w);
}

}  // namespace

// --- 3: encapsulation --------------------------------------------------------------------------------------------

Result<Encapsulated> encapsulate(BytesView public_key, Random& random) {
    Secret message(kMessageBytes);
    random.fill(message.bytes());
    return encapsulate_to(public_key, message);
}

Result<Encapsulated> encapsulate_to(BytesView public_key, const Secret& message) {
    SEKISHO_ASSERT(message.size() == kMessageBytes);
    if (public_key.size() != kPublicKeySize) return fail("the ML-KEM public key has the wrong length");
    Vector t;
    if (!decode_public_vector(t, public_key)) return fail("the ML-KEM public key is not reduced");
    Seed hash;
    sha3_256({public_key}, hash);
    Wiped<TwoSeeds> derived;
    sha3_512({message.bytes(), hash}, *derived);
    const std::span<const std::byte> both = *derived;

    Encapsulated result{{}, Secret(both.first(kSecretSize))};
    encrypt(result.ciphertext, t, part<32>(public_key, kVectorBytes), part<32>(message.bytes(), 0), part<32>(both, 32));
    return result;
}

// --- 4: decapsulation --------------------------------------------------------------------------------------------

// Algorithm 18. Whether the ciphertext was sound is never known outside of the mask.
Result<Secret> decapsulate(const Secret& secret_key, BytesView ciphertext) {
    SEKISHO_ASSERT(secret_key.size() == kSecretKeySize);
    if (ciphertext.size() != kCiphertextSize) return fail("the ML-KEM ciphertext has the wrong length");
    const BytesView key = secret_key.bytes();
    const BytesView public_key = key.subspan(kKeyInKey, kPublicKeySize);
    Wiped<Seed> message;
    decrypt(*message, key, ciphertext);

    Wiped<TwoSeeds> derived;
    sha3_512({*message, key.subspan(kHashInKey, kHashBytes)}, *derived);
    const std::span<const std::byte> both = *derived;
    Wiped<Seed> rejected;
    Shake256 j;
    j.absorb(key.subspan(kRejectionInKey));
    j.absorb(ciphertext);
    j.squeeze(*rejected);

    Vector t;
    for (std::size_t i = 0; i < kRank; ++i) decode_12(t[i], poly_bytes(public_key, i));
    Wiped<std::array<std::byte, kCiphertextSize>> again;
    encrypt(*again, t, part<32>(public_key, kVectorBytes), *message, part<32>(both, 32));

    Secret shared(both.first(kSecretSize));
    replace_if(mask_if_different(*again, ciphertext), shared.bytes(), *rejected);
    return shared;
}

}  // namespace sekisho::crypto::ml_kem
