// mlkem768x25519-sha256 (draft-ietf-sshm-mlkem-hybrid-kex).
#include "crypto/hybrid_x25519.h"
#include "crypto/key_agreement_methods.h"
#include "crypto/ml_kem_768.h"

namespace sekisho::crypto {
namespace {

struct MlKem768 {
    static constexpr HashKind kHash = HashKind::Sha256;
    static constexpr std::size_t kPublicKeySize = ml_kem::kPublicKeySize;
    static constexpr std::size_t kCiphertextSize = ml_kem::kCiphertextSize;
    using Pair = ml_kem::KeyPair;

    static Pair generate(Random& random) { return ml_kem::generate(random); }
    static Result<ml_kem::Encapsulated> encapsulate(BytesView key, Random& random) {
        return ml_kem::encapsulate(key, random);
    }
    static Result<Secret> decapsulate(const Secret& key, BytesView text) { return ml_kem::decapsulate(key, text); }
};

}  // namespace

const KeyAgreement& mlkem768_x25519_sha256() {
    static const hybrid::Method<MlKem768> method;
    return method;
}

}  // namespace sekisho::crypto
