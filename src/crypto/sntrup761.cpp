// 1: drawing polynomials. 2: hashes. 3: keys. 4: encapsulation. 5: decapsulation.
#include "crypto/sntrup761.h"

#include <algorithm>

#include "base/assert.h"
#include "crypto/constant_time.h"
#include "crypto/constant_time_sort.h"
#include "crypto/hash.h"
#include "crypto/sntrup761_encode.h"
#include "crypto/wiped.h"

namespace sekisho::crypto::sntrup761 {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kConfirmationBytes = 32;
static_assert(kRoundedBytes + kConfirmationBytes == kCiphertextSize);
static_assert(kLargeBytes == kPublicKeySize);

// Secret key: f ‖ 1/g in R/3 ‖ public key ‖ rho ‖ Hash4(public key). rho takes the place of r when a ciphertext is rejected.
constexpr std::size_t kReciprocalInKey = kSmallBytes;
constexpr std::size_t kPublicInKey = 2 * kSmallBytes;
constexpr std::size_t kRejectionInKey = kPublicInKey + kPublicKeySize;
constexpr std::size_t kHashInKey = kRejectionInKey + kSmallBytes;
static_assert(kHashInKey + kHashBytes == kSecretKeySize);

using Digest = std::array<std::byte, kHashBytes>;
using SmallBytes = std::array<std::byte, kSmallBytes>;

template <std::size_t Size, class Byte>
std::span<Byte, Size> part(std::span<Byte> bytes, std::size_t offset) {
    return bytes.subspan(offset).template first<Size>();
}

// --- 1: drawing polynomials --------------------------------------------------------------------------------------

using Words = std::array<std::uint32_t, kP>;

void random_words(Words& out, Random& random) { random.fill(std::as_writable_bytes(std::span(out))); }

/// A random order of kWeight coefficients of 1 or -1 and the rest of 0: numbers with these in their low bits, sorted.
void random_short(Small& out, Random& random) {
    Wiped<Words> words;
    random_words(*words, random);
    Wiped<std::array<std::int32_t, kP>> values;
    for (std::size_t i = 0; i < kP; ++i) {
        const std::uint32_t word = (*words)[i];
        (*values)[i] = static_cast<std::int32_t>(i < kWeight ? word & ~1U : (word & ~3U) | 1U);
    }
    sort_constant_time(*values);
    for (std::size_t i = 0; i < kP; ++i) out[i] = static_cast<std::int8_t>(((*values)[i] & 3) - 1);
}

// --- 2: hashes ---------------------------------------------------------------------------------------------------

/// The first half of SHA-512 over a byte that says what the hash is for, and the parts.
void hash(Digest& out, std::uint8_t purpose, BytesView first, BytesView second = {}) {
    const auto prefix = static_cast<std::byte>(purpose);
    Bytes whole = digest(HashKind::Sha512, {BytesView(&prefix, 1), first, second});
    std::copy_n(whole.begin(), out.size(), out.begin());
    base::wipe(whole);
}

constexpr std::uint8_t kHashRejected = 0;
constexpr std::uint8_t kHashConfirm = 2;
constexpr std::uint8_t kHashInput = 3;
constexpr std::uint8_t kHashPublicKey = 4;

/// The shared secret. `accepted`: 1, or 0 for a rejected ciphertext, with another prefix of the same length.
Secret session_secret(std::uint32_t accepted, BytesView input, BytesView ciphertext) {
    Wiped<Digest> hashed;
    hash(*hashed, kHashInput, input);
    Wiped<Digest> result;
    hash(*result, static_cast<std::uint8_t>(kHashRejected + accepted), *hashed, ciphertext);
    return Secret(BytesView(*result));
}

// --- 4, shared with 5: encryption --------------------------------------------------------------------------------

/// The ciphertext of the short r under the public key, with the hash that confirms it.
void encrypt(std::span<std::byte, kCiphertextSize> out, const Small& r, BytesView encoded_r, BytesView public_key,
    BytesView hash_of_key) {
    Large h;
    decode(h, part<kLargeBytes>(public_key, 0));
    Wiped<Large> product;
    multiply(*product, h, r);
    for (std::int16_t& x : *product) x = static_cast<std::int16_t>(x - centered_mod_3(x));
    const std::span<std::byte> all = out;
    encode_rounded(part<kRoundedBytes>(all, 0), *product);

    Wiped<Digest> hashed;
    hash(*hashed, kHashInput, encoded_r);
    Wiped<Digest> confirmation;
    hash(*confirmation, kHashConfirm, *hashed, hash_of_key);
    std::copy(confirmation->begin(), confirmation->end(), out.begin() + kRoundedBytes);
}

}  // namespace

// --- 3: keys -----------------------------------------------------------------------------------------------------

// Thirds of the range of 30 bits: the deviation from uniform is below 2^-29 and the same for everyone's keys.
void random_small(Small& out, Random& random) {
    Wiped<Words> words;
    random_words(*words, random);
    for (std::size_t i = 0; i < kP; ++i) {
        out[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(((*words)[i] & 0x3fffffffU) * 3 >> 30) - 1);
    }
}

KeyPair generate(Random& random) {
    Wiped<Small> g;
    Wiped<Small> reciprocal_of_g;
    do {
        random_small(*g, random);
    } while (reciprocal(*reciprocal_of_g, *g) == 0);
    return generate_from(*g, *reciprocal_of_g, random);
}

KeyPair generate_from(const Small& g, const Small& reciprocal_of_g, Random& random) {
    Wiped<Small> f;
    random_short(*f, random);
    Wiped<Large> h;
    reciprocal_of_triple(*h, *f);
    multiply(*h, *h, g);

    KeyPair pair{{}, Secret(kSecretKeySize)};
    const MutableBytes key = pair.secret_key.bytes();
    encode(pair.public_key, *h);
    encode(part<kSmallBytes>(key, 0), *f);
    encode(part<kSmallBytes>(key, kReciprocalInKey), reciprocal_of_g);
    std::copy(pair.public_key.begin(), pair.public_key.end(), key.begin() + kPublicInKey);
    random.fill(key.subspan(kRejectionInKey, kSmallBytes));
    Digest hash_of_key;
    hash(hash_of_key, kHashPublicKey, pair.public_key);
    std::copy(hash_of_key.begin(), hash_of_key.end(), key.begin() + kHashInKey);
    return pair;
}

// --- 4: encapsulation --------------------------------------------------------------------------------------------

Result<Encapsulated> encapsulate(BytesView public_key, Random& random) {
    if (public_key.size() != kPublicKeySize) return fail("the sntrup761 public key has the wrong length");
    Wiped<Small> r;
    random_short(*r, random);
    Wiped<SmallBytes> encoded_r;
    encode(*encoded_r, *r);
    Digest hash_of_key;
    hash(hash_of_key, kHashPublicKey, public_key);
    Encapsulated result;
    encrypt(result.ciphertext, *r, *encoded_r, public_key, hash_of_key);
    result.shared = session_secret(1, *encoded_r, result.ciphertext);
    return result;
}

// --- 5: decapsulation --------------------------------------------------------------------------------------------

namespace {

/// The short polynomial in a ciphertext; a fixed one when what comes out has the wrong weight.
void decrypt(Small& r, BytesView secret_key, BytesView ciphertext) {
    Wiped<Small> f;
    Wiped<Small> reciprocal_of_g;
    decode(*f, part<kSmallBytes>(secret_key, 0));
    decode(*reciprocal_of_g, part<kSmallBytes>(secret_key, kReciprocalInKey));
    Large c;
    decode_rounded(c, part<kRoundedBytes>(ciphertext, 0));

    Wiped<Large> product;
    multiply(*product, c, *f);
    Wiped<Small> e;
    for (std::size_t i = 0; i < kP; ++i) (*e)[i] = centered_mod_3(centered_mod_q(3 * (*product)[i]));
    multiply(r, *e, *reciprocal_of_g);

    std::uint32_t weight = 0;
    for (const std::int8_t x : r) weight += static_cast<std::uint32_t>(x & 1);
    const auto wrong = static_cast<std::int8_t>(mask_if_nonzero(weight ^ kWeight) & 0xffU);
    for (std::size_t i = 0; i < kP; ++i) {
        const auto fixed = static_cast<std::int8_t>(i < kWeight ? 1 : 0);
        r[i] = static_cast<std::int8_t>(r[i] ^ ((r[i] ^ fixed) & wrong));
    }
}

}  // namespace

Result<Secret> decapsulate(const Secret& secret_key, BytesView ciphertext) {
    SEKISHO_ASSERT(secret_key.size() == kSecretKeySize);
    if (ciphertext.size() != kCiphertextSize) return fail("the sntrup761 ciphertext has the wrong length");
    const BytesView key = secret_key.bytes();
    Wiped<Small> r;
    decrypt(*r, key, ciphertext);
    Wiped<SmallBytes> encoded_r;
    encode(*encoded_r, *r);
    Wiped<std::array<std::byte, kCiphertextSize>> again;
    encrypt(*again, *r, *encoded_r, key.subspan(kPublicInKey, kPublicKeySize), key.subspan(kHashInKey));

    const std::uint32_t rejected = mask_if_different(*again, ciphertext);
    replace_if(rejected, *encoded_r, key.subspan(kRejectionInKey, kSmallBytes));
    return session_secret(1 + rejected, *encoded_r, ciphertext);
}

}  // namespace sekisho::crypto::sntrup761
