// The post-quantum hybrids behind key_agreement(). Live peers are in tests/interop; here: lengths, order and refusals.
#include <gtest/gtest.h>

#include "crypto/key_agreement.h"
#include "crypto/ml_kem_768.h"
#include "crypto/sntrup761.h"
#include "crypto/x25519.h"

namespace sekisho::crypto {
namespace {

struct Shape {
    const char* name;
    HashKind hash;
    std::size_t init;
    std::size_t reply;
    std::size_t shared;
};

const Shape kShapes[] = {
    {"mlkem768x25519-sha256", HashKind::Sha256, 1184 + 32, 1088 + 32, 32},
    {"sntrup761x25519-sha512", HashKind::Sha512, 1158 + 32, 1039 + 32, 64},
    {"sntrup761x25519-sha512@openssh.com", HashKind::Sha512, 1158 + 32, 1039 + 32, 64},
};

TEST(Hybrid, BothSidesGetTheSameSecretInTheShapeOfTheStandard) {
    for (const Shape& shape : kShapes) {
        SCOPED_TRACE(shape.name);
        const KeyAgreement* method = key_agreement(shape.name);
        ASSERT_NE(method, nullptr);
        EXPECT_EQ(method->hash(), shape.hash);
        EXPECT_TRUE(method->secret_is_string());
        const auto client = method->start(system_random());
        EXPECT_EQ(client->init().size(), shape.init);
        const auto reply = method->respond(client->init(), system_random());
        ASSERT_TRUE(reply) << reply.error().full();
        EXPECT_EQ(reply->reply.size(), shape.reply);
        EXPECT_EQ(reply->shared.size(), shape.shared);
        const auto shared = client->finish(reply->reply);
        ASSERT_TRUE(shared);
        EXPECT_TRUE(*shared == reply->shared);
        EXPECT_FALSE(*shared == method->respond(client->init(), system_random())->shared);
    }
}

TEST(Hybrid, WrongLengthsAreRefused) {
    for (const Shape& shape : kShapes) {
        SCOPED_TRACE(shape.name);
        const KeyAgreement* method = key_agreement(shape.name);
        const auto client = method->start(system_random());
        const Bytes init = base::to_bytes(client->init());
        const Bytes reply = method->respond(init, system_random())->reply;
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{32}, init.size() - 32, init.size() - 1,
                 init.size() + 1, reply.size(), init.size() * 8}) {
            Bytes wrong = init;
            wrong.resize(size);
            EXPECT_FALSE(method->respond(wrong, system_random())) << size;
        }
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{32}, reply.size() - 32, reply.size() - 1,
                 reply.size() + 1, init.size(), reply.size() * 8}) {
            Bytes wrong = reply;
            wrong.resize(size);
            EXPECT_FALSE(client->finish(wrong)) << size;
        }
        EXPECT_TRUE(client->finish(reply));
    }
}

TEST(Hybrid, AnX25519ValueOfLowOrderIsRefused) {
    for (const Shape& shape : kShapes) {
        SCOPED_TRACE(shape.name);
        const KeyAgreement* method = key_agreement(shape.name);
        const auto client = method->start(system_random());
        Bytes init = base::to_bytes(client->init());
        Bytes reply = method->respond(init, system_random())->reply;
        std::fill(init.end() - 32, init.end(), std::byte{0});
        std::fill(reply.end() - 32, reply.end(), std::byte{0});
        EXPECT_FALSE(method->respond(init, system_random()));
        EXPECT_FALSE(client->finish(reply));
    }
}

TEST(Hybrid, AnMlKemKeyThatIsNotReducedIsRefused) {
    const KeyAgreement* method = key_agreement("mlkem768x25519-sha256");
    Bytes init = base::to_bytes(method->start(system_random())->init());
    ASSERT_TRUE(method->respond(init, system_random()));
    // The first coefficient becomes 3329.
    init[0] = std::byte{0x01};
    init[1] = (init[1] & std::byte{0xf0}) | std::byte{0x0d};
    EXPECT_FALSE(method->respond(init, system_random()));
}

TEST(Hybrid, AnotherCiphertextGivesAnotherSecretAndNoError) {
    for (const Shape& shape : kShapes) {
        SCOPED_TRACE(shape.name);
        const KeyAgreement* method = key_agreement(shape.name);
        const auto client = method->start(system_random());
        auto reply = method->respond(client->init(), system_random());
        reply->reply[100] ^= std::byte{1};
        const auto shared = client->finish(reply->reply);
        ASSERT_TRUE(shared);
        EXPECT_FALSE(*shared == reply->shared);
    }
}

// K = hash(K_PQ ‖ K_CL), put together here from the parts with the same random bytes.
TEST(Hybrid, TheSecretIsTheHashOfBothSecrets) {
    const X25519Pair peer = x25519_generate(system_random());
    const ml_kem::KeyPair pair = ml_kem::generate(system_random());
    Bytes init = base::to_bytes(pair.public_key);
    init.insert(init.end(), peer.public_value.begin(), peer.public_value.end());
    const auto reply = key_agreement("mlkem768x25519-sha256")->respond(init, system_random());
    ASSERT_TRUE(reply);
    const BytesView sent = reply->reply;
    const Secret quantum = ml_kem::decapsulate(pair.secret_key, sent.first(1088)).value();
    const Secret classical = x25519(peer, sent.subspan(1088)).value();
    EXPECT_EQ(base::hex(reply->shared.bytes()), base::hex(sha256({quantum.bytes(), classical.bytes()})));

    const sntrup761::KeyPair prime = sntrup761::generate(system_random());
    init = base::to_bytes(prime.public_key);
    init.insert(init.end(), peer.public_value.begin(), peer.public_value.end());
    const auto other = key_agreement("sntrup761x25519-sha512")->respond(init, system_random());
    ASSERT_TRUE(other);
    const BytesView answer = other->reply;
    const Secret from_prime = sntrup761::decapsulate(prime.secret_key, answer.first(1039)).value();
    const Secret from_curve = x25519(peer, answer.subspan(1039)).value();
    EXPECT_EQ(
        base::hex(other->shared.bytes()), base::hex(digest(HashKind::Sha512, {from_prime.bytes(), from_curve.bytes()})));
}

}  // namespace
}  // namespace sekisho::crypto
