#include "crypto/x25519.h"

#include "crypto/key_agreement_methods.h"
#include "crypto/sodium.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kSize = crypto_scalarmult_curve25519_BYTES;
static_assert(kSize == 32 && crypto_scalarmult_curve25519_SCALARBYTES == 32);

class Client final : public KeyAgreementClient {
public:
    explicit Client(X25519Pair pair) : m_pair(std::move(pair)) {}
    BytesView init() const override { return m_pair.public_value; }
    Result<Secret> finish(BytesView reply) override { return x25519(m_pair, reply); }

private:
    X25519Pair m_pair;
};

// RFC 8731: the values travel as strings, the result enters the exchange hash as an mpint.
class Curve25519Sha256 final : public KeyAgreement {
public:
    std::unique_ptr<KeyAgreementClient> start(Random& random) const override {
        return std::make_unique<Client>(x25519_generate(random));
    }

    Result<KeyAgreementReply> respond(BytesView init, Random& random) const override {
        const X25519Pair pair = x25519_generate(random);
        Result<Secret> shared = x25519(pair, init);
        if (!shared) return std::unexpected(std::move(shared.error()));
        return KeyAgreementReply{base::to_bytes(pair.public_value), std::move(*shared)};
    }

    HashKind hash() const override { return HashKind::Sha256; }
    bool secret_is_string() const override { return false; }
};

}  // namespace

X25519Pair x25519_generate(Random& random) {
    Secret secret(kSize);
    random.fill(secret.bytes());
    return x25519_pair(std::move(secret));
}

X25519Pair x25519_pair(Secret secret) {
    SEKISHO_ASSERT(secret.size() == kSize);
    sodium::ready();
    X25519Pair pair{std::move(secret), {}};
    SEKISHO_ASSERT(crypto_scalarmult_curve25519_base(
                       base::uchars(pair.public_value.data()), base::uchars(pair.secret.bytes().data())) == 0);
    return pair;
}

Result<Secret> x25519(const X25519Pair& own, BytesView peer_value) {
    if (peer_value.size() != kSize) return fail("the key exchange value has the wrong length");
    SEKISHO_ASSERT(own.secret.size() == kSize);
    sodium::ready();
    Secret shared(kSize);
    const unsigned char* secret = base::uchars(own.secret.bytes().data());
    const int result =
        crypto_scalarmult_curve25519(base::uchars(shared.bytes().data()), secret, base::uchars(peer_value.data()));
    // RFC 7748 §6.1, RFC 8731 §3: abort on all zeros. libsodium refuses it too; the check does not rest on that.
    if (result != 0 || shared == Secret(kSize)) return fail("the key exchange value is of low order");
    return shared;
}

const KeyAgreement& curve25519_sha256() {
    static const Curve25519Sha256 method;
    return method;
}

}  // namespace sekisho::crypto
