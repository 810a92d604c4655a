// What is offered only in the client role, only to targets marked as legacy.
#include <gtest/gtest.h>

#include "ssh/msg_kexinit.h"
#include "tests/support/engine_pair.h"
#include "tests/unit/keys/ssh_keygen.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho {
namespace {

using support::EnginePair;

struct Offer : ssh::KexInit {
    Bytes payload;  // the names point into it
};

/// The names that an engine offers: its KEXINIT stands behind its identification line.
Offer offer_of(ssh::Role role, bool legacy) {
    ssh::Config config;
    config.role = role;
    config.legacy = legacy;
    config.host_keys = {EnginePair::as_host_key(keys::PrivateKey::generate(keys::KeyKind::Rsa, 2048))};
    const ssh::Engine engine(config, TimePoint{});
    wire::Reader packet(engine.output().subspan(config.software.size() + 2));
    const std::uint32_t length = packet.u32();
    const std::uint8_t padding = packet.byte();
    Bytes payload = base::to_bytes(packet.raw(length - 1 - padding));
    const ssh::KexInit names = ssh::decode_kexinit(payload).value();
    return Offer{names, std::move(payload)};
}

bool offers_anything_legacy(const ssh::KexInit& offer) {
    const ssh::Algorithms& legacy = ssh::legacy_additions();
    const auto any = [](const ssh::KexInit::Names& offered, const std::vector<std::string>& names) {
        return std::ranges::any_of(names, [&](const auto& name) { return std::ranges::find(offered, name) != offered.end(); });
    };
    return any(offer.kex, legacy.kex) || any(offer.host_keys, legacy.host_keys) || any(offer.ciphers_to_server, legacy.ciphers) ||
           any(offer.ciphers_to_client, legacy.ciphers) || any(offer.macs_to_server, legacy.macs) ||
           any(offer.macs_to_client, legacy.macs);
}

TEST(Legacy, IsOfferedByAClientThatIsToldTo) {
    const Offer offer = offer_of(ssh::Role::Client, true);
    EXPECT_TRUE(offer.offers("diffie-hellman-group1-sha1"));
    EXPECT_EQ(offer.ciphers_to_server.back(), "3des-cbc");
    EXPECT_EQ(offer.ciphers_to_server.front(), "aes128-gcm@openssh.com");
    EXPECT_EQ(offer.macs_to_client.back(), "hmac-sha1");
    EXPECT_EQ(offer.host_keys.back(), "ssh-rsa");
}

TEST(Legacy, IsNeverOfferedByDefaultNorByAServer) {
    EXPECT_FALSE(offers_anything_legacy(offer_of(ssh::Role::Client, false)));
    EXPECT_FALSE(offers_anything_legacy(offer_of(ssh::Role::Server, false)));
    EXPECT_FALSE(offers_anything_legacy(offer_of(ssh::Role::Server, true)));
}

class EveryLegacyCipher : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryLegacyCipher, CarriesDataThroughRekeys) {
    ssh::Algorithms old = ssh::default_algorithms();
    old.kex = {"diffie-hellman-group14-sha1"};
    old.ciphers = {GetParam()};
    old.macs = {"hmac-sha1"};
    ssh::Config client, server;
    client.legacy = true;
    server.algorithms = &old;  // the target; no gateway has such a policy
    EnginePair pair(client, server);
    pair.piece(1000);
    ASSERT_TRUE(pair.sign_in()) << (pair.client().error ? pair.client().error->full() : "");
    const auto [ours, theirs] = pair.open_session();
    const std::string text(300'000, 'x');
    pair.write(pair.client(), ours, text);
    pair.run();
    pair.submit(pair.client(), ssh::Rekey{});
    pair.write(pair.server(), theirs, text);
    pair.run();
    EXPECT_EQ(pair.server().main[theirs.value], text);
    EXPECT_EQ(pair.client().main[ours.value], text);
    EXPECT_EQ(pair.client().engine.rekeys(), 1U);
}

TEST_P(EveryLegacyCipher, EveryBitFlipEndsTheConnectionWithoutTellingWhere) {
    ssh::Algorithms old = ssh::default_algorithms();
    old.ciphers = {GetParam()};
    old.macs = {"hmac-sha1"};
    ssh::Config client, server;
    client.legacy = true;
    server.algorithms = &old;
    const auto host = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    for (std::size_t bit = 0; bit < 60 * 8; bit += 7) {
        EnginePair pair(client, server, host, host);
        ASSERT_TRUE(pair.sign_in());
        const auto [ours, theirs] = pair.open_session();
        pair.server().engine.write(theirs, ssh::DataStream::Main, base::view("a line of some text, long enough for this test\n"));
        Bytes packet = base::to_bytes(pair.server().engine.output());
        ASSERT_GE(packet.size(), 60U);
        packet[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        pair.client().input = packet;
        pair.client().input.resize(packet.size() + wire::limits::kPacket + 64);
        pair.feed(pair.client());
        EXPECT_TRUE(pair.client().engine.over()) << "bit " << bit;
        EXPECT_EQ(pair.client().main[ours.value], "");
        // A length that cannot be looks like any other wrong packet.
        ASSERT_NE(pair.client().last<ssh::Disconnected>(), nullptr);
        EXPECT_EQ(pair.client().last<ssh::Disconnected>()->text, "a packet failed its integrity check") << "bit " << bit;
    }
}

INSTANTIATE_TEST_SUITE_P(All, EveryLegacyCipher, ::testing::Values("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

TEST(Legacy, SignatureWithSha1IsVerifiedByItsOwnFunctionOnly) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    // OpenSSL signs, as an old server would.
    folder.run("openssl genrsa -out key.pem 2048 && ssh-keygen -y -f key.pem > key.pub && printf message > m");
    folder.run("openssl dgst -sha1 -sign key.pem -out sig m");
    const auto key = keys::PublicKey::from_line(folder.read("key.pub"));
    ASSERT_TRUE(key.has_value()) << key.error().full();
    const Bytes signature = wire::Writer().string("ssh-rsa").string(folder.read("sig")).take();
    EXPECT_TRUE(key->verify_rsa_sha1(base::view("message"), signature).has_value());
    EXPECT_FALSE(key->verify_rsa_sha1(base::view("massage"), signature).has_value());
    EXPECT_FALSE(key->verify("ssh-rsa", base::view("message"), signature).has_value());
    EXPECT_FALSE(key->verify("rsa-sha2-256", base::view("message"), signature).has_value());
    const Bytes renamed = wire::Writer().string("rsa-sha2-256").string(folder.read("sig")).take();
    EXPECT_FALSE(key->verify_rsa_sha1(base::view("message"), renamed).has_value());
}

}  // namespace
}  // namespace sekisho
