// sntrup761x25519-sha512, first known as sntrup761x25519-sha512@openssh.com.
#include "crypto/hybrid_x25519.h"
#include "crypto/key_agreement_methods.h"
#include "crypto/sntrup761.h"

namespace sekisho::crypto {
namespace {

struct Sntrup761 {
    static constexpr HashKind kHash = HashKind::Sha512;
    static constexpr std::size_t kPublicKeySize = sntrup761::kPublicKeySize;
    static constexpr std::size_t kCiphertextSize = sntrup761::kCiphertextSize;
    using Pair = sntrup761::KeyPair;

    static Pair generate(Random& random) { return sntrup761::generate(random); }
    static Result<sntrup761::Encapsulated> encapsulate(BytesView key, Random& random) {
        return sntrup761::encapsulate(key, random);
    }
    static Result<Secret> decapsulate(const Secret& key, BytesView text) { return sntrup761::decapsulate(key, text); }
};

}  // namespace

const KeyAgreement& sntrup761_x25519_sha512() {
    static const hybrid::Method<Sntrup761> method;
    return method;
}

}  // namespace sekisho::crypto
