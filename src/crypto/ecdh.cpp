// ecdh-sha2-nistp256/384/521 (RFC 5656 §4).
#include "crypto/key_agreement_methods.h"
#include "crypto/nist_curve.h"

namespace sekisho::crypto {
namespace {

struct Pair {
    Bytes point;
    evp::Pkey key;
};

Pair generate(Curve curve, Random& random) {
    const Secret scalar = random_scalar(curve, random);
    Bytes point = public_point(curve, scalar);
    evp::Pkey key = pair_key(curve, point, scalar);
    return {std::move(point), std::move(key)};
}

Result<Secret> derive(Curve curve, const Pair& own, BytesView peer_point) {
    const Result<evp::Pkey> peer = point_key(curve, peer_point);
    if (!peer) return std::unexpected(peer.error());
    const evp::PkeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, own.key.get(), nullptr));
    SEKISHO_ASSERT(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
    Secret shared(nist_curve(curve).field);
    std::size_t size = shared.size();
    if (EVP_PKEY_derive_set_peer(context.get(), peer->get()) != 1 ||
        EVP_PKEY_derive(context.get(), base::uchars(shared.bytes().data()), &size) != 1 || size != shared.size()) {
        evp::forget_errors();
        return fail("the key exchange value is unusable");
    }
    return shared;
}

class Client final : public KeyAgreementClient {
public:
    Client(Curve curve, Pair pair) : m_curve(curve), m_pair(std::move(pair)) {}
    BytesView init() const override { return m_pair.point; }
    Result<Secret> finish(BytesView reply) override { return derive(m_curve, m_pair, reply); }

private:
    Curve m_curve;
    Pair m_pair;
};

class Ecdh final : public KeyAgreement {
public:
    explicit Ecdh(Curve curve) : m_curve(curve) {}

    std::unique_ptr<KeyAgreementClient> start(Random& random) const override {
        return std::make_unique<Client>(m_curve, generate(m_curve, random));
    }

    Result<KeyAgreementReply> respond(BytesView init, Random& random) const override {
        Pair pair = generate(m_curve, random);
        Result<Secret> shared = derive(m_curve, pair, init);
        if (!shared) return std::unexpected(std::move(shared.error()));
        return KeyAgreementReply{std::move(pair.point), std::move(*shared)};
    }

    HashKind hash() const override { return nist_curve(m_curve).hash; }
    bool secret_is_string() const override { return false; }

private:
    Curve m_curve;
};

}  // namespace

const KeyAgreement& ecdh_nistp256() {
    static const Ecdh method(Curve::P256);
    return method;
}

const KeyAgreement& ecdh_nistp384() {
    static const Ecdh method(Curve::P384);
    return method;
}

const KeyAgreement& ecdh_nistp521() {
    static const Ecdh method(Curve::P521);
    return method;
}

}  // namespace sekisho::crypto
