#include "crypto/hpke.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/vectors.h"

namespace sekisho::crypto::hpke {
namespace {

Bytes bytes_of(const nlohmann::json& vector, const char* member) {
    return base::from_hex(vector.at(member).get<std::string>()).value();
}

/// Gives the bytes of a vector where an ephemeral secret is drawn.
class GivenRandom final : public Random {
public:
    explicit GivenRandom(Bytes bytes) : m_bytes(std::move(bytes)) {}
    void fill(MutableBytes out) override {
        ASSERT_EQ(out.size(), m_bytes.size());
        std::ranges::copy(m_bytes, out.begin());
    }

private:
    Bytes m_bytes;
};

PublicKey public_key(BytesView bytes) {
    PublicKey key{};
    std::ranges::copy(bytes, key.begin());
    return key;
}

TEST(Hpke, SealsAndOpensTheVectorsOfTheStandard) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "hpke/x25519-sha256-base.json");
    int done = 0;
    for (const auto& vector : vectors->at("vectors")) {
        if (vector.at("aead_id") != "3") continue;
        const Bytes info = bytes_of(vector, "info");
        GivenRandom random(bytes_of(vector, "skEm"));
        auto sender = seal_to(public_key(bytes_of(vector, "pkRm")), info, random);
        ASSERT_TRUE(sender);
        EXPECT_EQ(base::hex(sender->encapsulated), vector.at("enc").get<std::string>());
        const X25519Pair own = x25519_pair(Secret(BytesView(bytes_of(vector, "skRm"))));
        EXPECT_EQ(base::hex(own.public_value), vector.at("pkRm").get<std::string>());
        auto recipient = open_with(own, sender->encapsulated, info);
        ASSERT_TRUE(recipient);
        // The RFC prints numbers 0, 1, 2, 4, 255 and 256; those between are sealed and opened all the same.
        std::uint64_t number = 0;
        for (const auto& encryption : vector.at("encryptions")) {
            const std::uint64_t wanted = std::stoull(encryption.at("sequence number").get<std::string>());
            for (; number < wanted; ++number)
                ASSERT_TRUE(recipient->open({}, sender->context.seal({}, base::view("between"))));
            const Bytes associated = bytes_of(encryption, "aad");
            const Bytes plain = bytes_of(encryption, "pt");
            const Bytes sealed = sender->context.seal(associated, plain);
            EXPECT_EQ(base::hex(sealed), encryption.at("ct").get<std::string>()) << "sequence number " << wanted;
            const auto opened = recipient->open(associated, sealed);
            ASSERT_TRUE(opened);
            EXPECT_EQ(*opened, plain);
            ++number;
            ++done;
        }
    }
    EXPECT_GE(done, 6);
}

TEST(Hpke, RefusesWhatWasChangedMovedOrSealedToAnother) {
    TestRandom random(1);
    const X25519Pair own = x25519_generate(random);
    auto sender = seal_to(own.public_value, base::view("info"), random);
    ASSERT_TRUE(sender);
    const Bytes first = sender->context.seal(base::view("aad"), base::view("first"));
    const Bytes second = sender->context.seal(base::view("aad"), base::view("second"));
    const auto fresh = [&] { return open_with(own, sender->encapsulated, base::view("info")).value(); };
    for (std::size_t i = 0; i < first.size(); ++i) {
        Bytes changed = first;
        changed[i] ^= std::byte{1};
        EXPECT_FALSE(fresh().open(base::view("aad"), changed)) << "byte " << i;
    }
    EXPECT_FALSE(fresh().open(base::view("other"), first));
    EXPECT_FALSE(fresh().open(base::view("aad"), second)) << "out of order";
    EXPECT_FALSE(fresh().open(base::view("aad"), BytesView(first).first(15)));
    auto context = fresh();
    EXPECT_FALSE(context.open(base::view("aad"), second));
    EXPECT_TRUE(context.open(base::view("aad"), first)) << "a failure does not count";
    EXPECT_TRUE(context.open(base::view("aad"), second));
    const X25519Pair other = x25519_generate(random);
    EXPECT_FALSE(open_with(other, sender->encapsulated, base::view("info"))->open(base::view("aad"), first));
    EXPECT_FALSE(open_with(own, sender->encapsulated, base::view("else"))->open(base::view("aad"), first));
    EXPECT_FALSE(open_with(own, BytesView(sender->encapsulated).first(31), base::view("info")));
    EXPECT_FALSE(open_with(own, Encapsulated{}, base::view("info"))) << "of low order";
    EXPECT_FALSE(seal_to(PublicKey{}, {}, random)) << "of low order";
}

}  // namespace
}  // namespace sekisho::crypto::hpke
