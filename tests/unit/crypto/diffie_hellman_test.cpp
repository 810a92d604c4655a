#include "crypto/diffie_hellman.h"

#include <array>

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace sekisho::crypto {
namespace {

/// Hands out given bytes: a vector's private exponent.
class CountedRandom final : public Random {
public:
    CountedRandom(unsigned first, unsigned step) {
        for (unsigned i = 0; i < m_bytes.size(); ++i) m_bytes[i] = static_cast<std::byte>((step * i + step - 1) & 255U);
        m_bytes[0] = static_cast<std::byte>(first);
    }
    void fill(MutableBytes out) override {
        ASSERT_EQ(out.size(), m_bytes.size());
        std::ranges::copy(m_bytes, out.begin());
    }

private:
    std::array<std::byte, 64> m_bytes{};
};

std::string sha256_hex(BytesView bytes) { return base::hex(sha256({bytes})); }

/// As an mpint on the wire: one zero where the top bit is set.
Bytes mpint(BytesView magnitude) {
    while (!magnitude.empty() && magnitude.front() == std::byte{0}) magnitude = magnitude.subspan(1);
    Bytes out = base::to_bytes(magnitude);
    if (!out.empty() && std::to_integer<unsigned>(out.front()) >= 0x80) out.insert(out.begin(), std::byte{0});
    return out;
}

struct Vector {
    unsigned bits;
    const char* name;  // nullptr: only in group exchange
    const char* prime_sha256;
    const char* value_sha256;
    const char* secret_sha256;
};

// Printed by diffie_hellman_vectors.py beside this file.
const Vector kVectors[] = {
    {1024, "diffie-hellman-group1-sha1", "d17c5faae0f10b491302d529e805be3a4f59320fa4bbb987eb59f088cffc799c",
     "c5eb06ed470baf14a32a5428fd13178b2084ea5ce0ab8c407df4fbfd47b0e185",
     "a4a1a35861e3607cd8c87866eb1ca52c9d9573e9482443b1822a2ad36bf7ffc1"},
    {2048, "diffie-hellman-group14-sha256", "34dddbee1c77d87976bacda0bc8cfb76845661c412093d81eee947fb0c68e649",
     "636b65b7e4bd649fd13b165a319e3d73db494e069e938013eb0a9660b1469777",
     "8d60bb5d51ecfb5e81f92d212fc139ca1c57e9ddbed9905bd135d0d4aa9ca71f"},
    {2048, "diffie-hellman-group14-sha1", "34dddbee1c77d87976bacda0bc8cfb76845661c412093d81eee947fb0c68e649",
     "636b65b7e4bd649fd13b165a319e3d73db494e069e938013eb0a9660b1469777",
     "8d60bb5d51ecfb5e81f92d212fc139ca1c57e9ddbed9905bd135d0d4aa9ca71f"},
    {3072, nullptr, "b28bc90ba9cb908924dc77c554a5fe9225ce147d98fd5d10a40b6d568a1425b2",
     "5714998004bef8ed9527466c77db22ee36926da204c78fb6cdc70e9fdb2c4c96",
     "b33c88f2f968dcab9a1346be12fc40637a161158b1b01e91ee3e46d3c5ef8686"},
    {4096, "diffie-hellman-group16-sha512", "11a0cf80b704d30c4b46d38f294a2696815bee130b6d5684fc5ab48005e5c081",
     "439bff7362f1ef2e71bfc55897ec255323ea785aec8105fb48ef308bee719d13",
     "bc1ceea22c7582ec61328ba47183687d7211f9a217fc12cd8e5e119098b1aaf1"},
    {6144, nullptr, "2d8967278b99531188d17f83fe3fc7d123012184fe82e97e7e5d6fd876d9dd77",
     "0ecd4dfaa4edc6b5d4b60b03368b0666eee413964de527aed957bd659ca5c20f",
     "aaee9d923c92289525b7523e04d5995836ba4af33e0f67c365ae74480baa72a9"},
    {8192, "diffie-hellman-group18-sha512", "7876cd8ce18e37f74ca4cae09ebe8805a75722cb1c8c74659d12839e613ad60e",
     "84cb7385b54f841d26125eebeeb61aa7828f8a011cd504c61aba558d9d41a86a",
     "9a074262941372f202e403b6bdafca355309960c408fc264fa1de9f7d8ad7230"},
};

const KeyAgreement& method_of(const Vector& vector) {
    return vector.name != nullptr ? *key_agreement(vector.name) : choose_known_group(vector.bits, vector.bits, vector.bits)->method;
}

TEST(DiffieHellman, ValuesAndSecretsAreThoseOfAnotherImplementation) {
    for (const Vector& vector : kVectors) {
        SCOPED_TRACE(vector.name != nullptr ? vector.name : std::to_string(vector.bits));
        const KeyAgreement& method = method_of(vector);
        CountedRandom mine(0x80, 1), theirs(0x81, 2);
        const auto client = method.start(mine);
        EXPECT_EQ(sha256_hex(client->init()), vector.value_sha256);
        const auto reply = method.respond(client->init(), theirs);
        ASSERT_TRUE(reply.has_value());
        EXPECT_EQ(sha256_hex(mpint(reply->shared.bytes())), vector.secret_sha256);
        const auto shared = client->finish(reply->reply);
        ASSERT_TRUE(shared.has_value());
        EXPECT_TRUE(*shared == reply->shared);
        EXPECT_FALSE(method.secret_is_string());
    }
}

TEST(DiffieHellman, HashesAreThoseOfTheNames) {
    EXPECT_EQ(key_agreement("diffie-hellman-group1-sha1")->hash(), HashKind::Sha1);
    EXPECT_EQ(key_agreement("diffie-hellman-group14-sha1")->hash(), HashKind::Sha1);
    EXPECT_EQ(key_agreement("diffie-hellman-group14-sha256")->hash(), HashKind::Sha256);
    EXPECT_EQ(key_agreement("diffie-hellman-group16-sha512")->hash(), HashKind::Sha512);
    EXPECT_EQ(key_agreement("diffie-hellman-group18-sha512")->hash(), HashKind::Sha512);
    EXPECT_EQ(key_agreement("diffie-hellman-group15-sha512"), nullptr);
}

TEST(DiffieHellman, PrimesAreThoseOfTheStandards) {
    for (const Vector& vector : kVectors) {
        if (vector.bits < 2048) continue;
        const auto known = choose_known_group(vector.bits, vector.bits, vector.bits);
        ASSERT_TRUE(known.has_value());
        EXPECT_EQ(sha256_hex(mpint(known->group.prime)), vector.prime_sha256);
        EXPECT_TRUE(is_known_group(known->group));
    }
}

TEST(DiffieHellman, ValuesOutOfRangeOrNotCanonicalAreRefused) {
    const KeyAgreement* method = key_agreement("diffie-hellman-group14-sha256");
    const Bytes prime = mpint(choose_known_group(2048, 2048, 2048)->group.prime);
    Bytes prime_less_one = prime;
    prime_less_one.back() ^= std::byte{1};
    Bytes above = prime;
    above[1] = std::byte{0xff};
    above.push_back(std::byte{1});
    Bytes negative(prime.begin() + 1, prime.end());
    Bytes padded{std::byte{0}, std::byte{0}, std::byte{5}};
    Bytes good{std::byte{5}};
    Bytes most = prime_less_one;
    most.back() ^= std::byte{3};  // …fe → …fd
    const auto client = method->start(system_random());
    for (const Bytes& bad : {Bytes{}, Bytes{std::byte{0}}, Bytes{std::byte{1}}, prime_less_one, prime, above, negative, padded,
                             Bytes{std::byte{0}, std::byte{5}}, Bytes(4096, std::byte{0x11})}) {
        EXPECT_FALSE(method->respond(bad, system_random())) << base::hex(bad).substr(0, 40);
        EXPECT_FALSE(client->finish(bad)) << base::hex(bad).substr(0, 40);
    }
    for (const Bytes& edge : {Bytes{std::byte{2}}, good, most}) {
        EXPECT_TRUE(method->respond(edge, system_random())) << base::hex(edge).substr(0, 40);
    }
}

TEST(DiffieHellman, OffersTheSmallestKnownGroupThatIsLargeEnough) {
    const auto bits = [](std::uint32_t least, std::uint32_t wanted, std::uint32_t most) {
        const auto group = choose_known_group(least, wanted, most);
        return group ? group->bits : 0;
    };
    EXPECT_EQ(bits(2048, 3072, 8192), 3072U);
    EXPECT_EQ(bits(2048, 3073, 8192), 4096U);
    EXPECT_EQ(bits(2048, 8192, 8192), 8192U);
    EXPECT_EQ(bits(1024, 1024, 8192), 2048U);  // RFC 8270: never below 2048 bits
    EXPECT_EQ(bits(2048, 7680, 6144), 6144U);  // none is large enough: the largest that the peer takes
    EXPECT_EQ(bits(1024, 1024, 1024), 0U);
    EXPECT_EQ(bits(8193, 9000, 16384), 0U);
}

TEST(DiffieHellman, GroupsOfAServerAreBoundedAndLookedAt) {
    const auto known = choose_known_group(2048, 2048, 2048);
    const DiffieHellmanGroup good = known->group;
    EXPECT_TRUE(diffie_hellman_sha256(good, 2048, 8192).has_value());
    EXPECT_FALSE(diffie_hellman_sha256(good, 2049, 8192).has_value());
    EXPECT_FALSE(diffie_hellman_sha256(good, 1024, 2047).has_value());
    EXPECT_FALSE(diffie_hellman_sha256({Bytes(2000, std::byte{0xff}), good.generator}, 2048, 8192).has_value());
    DiffieHellmanGroup even = good;
    even.prime.back() ^= std::byte{1};
    EXPECT_FALSE(diffie_hellman_sha256(even, 2048, 8192).has_value());
    DiffieHellmanGroup no_safe_prime = good;
    no_safe_prime.prime.back() ^= std::byte{2};  // 1 modulo 4
    EXPECT_FALSE(diffie_hellman_sha256(no_safe_prime, 2048, 8192).has_value());
    for (const Bytes& generator : {Bytes{}, Bytes{std::byte{1}}, good.prime, even.prime}) {
        EXPECT_FALSE(diffie_hellman_sha256({good.prime, generator}, 2048, 8192).has_value());
    }
    EXPECT_FALSE(diffie_hellman_sha256({{}, {}}, 0, 8192).has_value());
}

TEST(DiffieHellman, SafePrimesAreToldFromOthers) {
    const Bytes prime = choose_known_group(2048, 2048, 2048)->group.prime;
    EXPECT_TRUE(is_safe_prime(prime));
    Bytes other = prime;
    other[100] ^= std::byte{4};
    EXPECT_FALSE(is_safe_prime(other));
    EXPECT_TRUE(is_safe_prime(Bytes{std::byte{23}}));
    EXPECT_FALSE(is_safe_prime(Bytes{std::byte{29}}));  // prime, but 14 is not
    EXPECT_FALSE(is_safe_prime(Bytes{}));
    EXPECT_FALSE(is_safe_prime(Bytes(1025, std::byte{0xff})));
    // Again, when they are known.
    EXPECT_TRUE(is_safe_prime(prime));
    EXPECT_FALSE(is_safe_prime(other));
}

TEST(DiffieHellman, SmallSafePrimesAreThoseThatDivisionFinds) {
    const auto is_prime = [](unsigned n) {
        for (unsigned d = 2; d * d <= n; ++d) {
            if (n % d == 0) return false;
        }
        return n > 1;
    };
    int found = 0;
    for (unsigned p = 9; p < 0x10000; ++p) {
        const bool safe = is_prime(p) && is_prime((p - 1) / 2) && p % 2 == 1;
        const Bytes bytes{static_cast<std::byte>(p >> 8), static_cast<std::byte>(p & 0xff)};
        ASSERT_EQ(is_safe_prime(bytes), safe) << p;
        found += safe ? 1 : 0;
    }
    EXPECT_GT(found, 256);  // more than are remembered
}

}  // namespace
}  // namespace sekisho::crypto
