#include "crypto/x25519.h"

#include <openssl/core_names.h>

#include "crypto/evp.h"
#include "crypto/key_agreement_methods.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kSize = 32;

evp::Pkey private_key(const Secret& secret) {
    SEKISHO_ASSERT(secret.size() == kSize);
    evp::Pkey key(EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, base::uchars(secret.bytes().data()), kSize));
    SEKISHO_ASSERT(key != nullptr);
    return key;
}

/// From both halves: with the secret one alone OpenSSL would compute the public one again, as long as the agreement itself.
evp::Pkey pair_key(const X25519Pair& pair) {
    SEKISHO_ASSERT(pair.secret.size() == kSize);
    const evp::PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "X25519", nullptr));
    SEKISHO_ASSERT(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
    // OpenSSL only reads the values, although its parameters point to what could be written.
    auto* const secret = const_cast<std::byte*>(pair.secret.bytes().data());
    auto* const public_value = const_cast<std::byte*>(pair.public_value.data());
    std::array<OSSL_PARAM, 3> parameters{
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, secret, kSize),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, public_value, kSize),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY* key = nullptr;
    SEKISHO_ASSERT(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters.data()) == 1);
    return evp::Pkey(key);
}

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
    X25519Pair pair{Secret(kSize), {}};
    random.fill(pair.secret.bytes());
    const evp::Pkey key = private_key(pair.secret);
    std::size_t size = kSize;
    SEKISHO_ASSERT(EVP_PKEY_get_raw_public_key(key.get(), base::uchars(pair.public_value.data()), &size) == 1);
    SEKISHO_ASSERT(size == kSize);
    return pair;
}

Result<Secret> x25519(const X25519Pair& own, BytesView peer_value) {
    if (peer_value.size() != kSize) return fail("the key exchange value has the wrong length");
    const evp::Pkey key = pair_key(own);
    const evp::Pkey peer(EVP_PKEY_new_raw_public_key_ex(nullptr, "X25519", nullptr, base::uchars(peer_value.data()), kSize));
    SEKISHO_ASSERT(peer != nullptr);
    const evp::PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    SEKISHO_ASSERT(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
    SEKISHO_ASSERT(EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1);
    Secret shared(kSize);
    std::size_t size = kSize;
    const bool derived = EVP_PKEY_derive(context.get(), base::uchars(shared.bytes().data()), &size) == 1 && size == kSize;
    // RFC 7748 §6.1, RFC 8731 §3: abort on all zeros. OpenSSL refuses it too; the check does not rest on that.
    if (!derived || shared == Secret(kSize)) {
        evp::forget_errors();
        return fail("the key exchange value is of low order");
    }
    return shared;
}

const KeyAgreement& curve25519_sha256() {
    static const Curve25519Sha256 method;
    return method;
}

}  // namespace sekisho::crypto
