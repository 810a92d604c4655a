// Two engines in memory: what the protocol promises, end to end, whatever the pieces the bytes come in.
#include "ssh/engine.h"

#include <gtest/gtest.h>

#include "tests/support/engine_pair.h"

namespace sekisho {
namespace {

using support::End;
using support::EnginePair;

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 12345;
    for (char& c : text) {
        state = state * 1664525 + 1013904223;
        c = static_cast<char>(state >> 24);
    }
    return text;
}

TEST(Engine, SignsInWithPiecesOfAnySize) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{100}, SIZE_MAX}) {
        EnginePair pair;
        pair.piece(piece);
        ASSERT_TRUE(pair.sign_in()) << piece << ": " << (pair.client().error ? pair.client().error->full() : "")
                                    << (pair.server().error ? pair.server().error->full() : "");
        EXPECT_EQ(pair.client().engine.peer_identification(), "SSH-2.0-Sekisho_0.1");
        EXPECT_TRUE(std::ranges::equal(pair.client().engine.session_id(), pair.server().engine.session_id()));
    }
}

// Whoever reads only what is awaited must never wait for ever.
TEST(Engine, SignsInWhenNothingIsReadBeforeItIsAwaited) {
    for (const std::string& cipher : ssh::default_algorithms().ciphers) {
        for (const std::string& mac : ssh::default_algorithms().macs) {
            for (const std::size_t piece : {std::size_t{1}, std::size_t{16}, SIZE_MAX}) {
                ssh::Algorithms algorithms = ssh::default_algorithms();
                algorithms.kex = {"curve25519-sha256"};
                algorithms.ciphers = {cipher};
                algorithms.macs = {mac};
                ssh::Config client, server;
                client.algorithms = server.algorithms = &algorithms;
                EnginePair pair(client, server);
                pair.piece(piece);
                pair.patiently();
                ASSERT_TRUE(pair.sign_in()) << cipher << ' ' << mac << ' ' << piece;
                if (piece <= 16) {
                    EXPECT_GT(pair.withheld(), 2U);
                }
                EXPECT_EQ(pair.client().engine.awaits(), 1U);
                EXPECT_EQ(pair.server().engine.awaits(), 1U);
            }
        }
    }
}

struct Suite {
    const char* kex;
    const char* cipher;
    const char* mac;
};

class EverySuite : public ::testing::TestWithParam<Suite> {};

TEST_P(EverySuite, CarriesDataBothWaysThroughRekeys) {
    ssh::Algorithms algorithms = ssh::default_algorithms();
    algorithms.kex = {GetParam().kex};
    algorithms.ciphers = {GetParam().cipher};
    algorithms.macs = {GetParam().mac};
    ssh::Config client, server;
    client.algorithms = server.algorithms = &algorithms;
    client.rekey.bytes = 100'000;
    EnginePair pair(client, server);
    pair.piece(10'000);
    ASSERT_TRUE(pair.sign_in());
    EXPECT_EQ(pair.client().last<ssh::ExchangeCompleted>()->cipher, GetParam().cipher);
    const auto [ours, theirs] = pair.open_session();
    const std::string up = pattern(1'000'003), down = pattern(700'001);
    for (std::size_t at = 0; at < up.size(); at += 50'000) {
        pair.write(pair.client(), ours, std::string_view(up).substr(at, 50'000));
        if (at < down.size()) pair.write(pair.server(), theirs, std::string_view(down).substr(at, 50'000));
        pair.run();
    }
    EXPECT_EQ(pair.server().main[theirs.value], up);
    EXPECT_EQ(pair.client().main[ours.value], down);
    EXPECT_GE(pair.client().engine.rekeys(), 5U);
    EXPECT_FALSE(pair.client().error.has_value());
    EXPECT_FALSE(pair.server().error.has_value());
}

INSTANTIATE_TEST_SUITE_P(
    All, EverySuite,
    ::testing::Values(Suite{"mlkem768x25519-sha256", "aes128-gcm@openssh.com", ""},
                      Suite{"sntrup761x25519-sha512@openssh.com", "aes128-gcm@openssh.com", ""},
                      Suite{"curve25519-sha256", "aes128-gcm@openssh.com", ""},
                      Suite{"curve25519-sha256@libssh.org", "aes256-gcm@openssh.com", ""},
                      Suite{"ecdh-sha2-nistp256", "chacha20-poly1305@openssh.com", ""},
                      Suite{"ecdh-sha2-nistp384", "aes128-ctr", "hmac-sha2-256-etm@openssh.com"},
                      Suite{"ecdh-sha2-nistp521", "aes192-ctr", "hmac-sha2-512-etm@openssh.com"},
                      Suite{"curve25519-sha256", "aes256-ctr", "hmac-sha2-256"},
                      Suite{"curve25519-sha256", "aes128-ctr", "hmac-sha2-512"}));

class EveryHostKey : public ::testing::TestWithParam<keys::KeyKind> {};

TEST_P(EveryHostKey, SignsInWithThisHostAndUserKey) {
    EnginePair pair({}, {}, keys::PrivateKey::generate(GetParam()), keys::PrivateKey::generate(GetParam()));
    EXPECT_TRUE(pair.sign_in()) << (pair.client().error ? pair.client().error->full() : "");
}

INSTANTIATE_TEST_SUITE_P(All, EveryHostKey,
                         ::testing::Values(keys::KeyKind::Ed25519, keys::KeyKind::EcdsaP256, keys::KeyKind::EcdsaP384,
                                           keys::KeyKind::EcdsaP521, keys::KeyKind::Rsa));

TEST(Engine, KeepsTheOrderOfDataStderrRequestsEofAndClose) {
    EnginePair pair;
    ASSERT_TRUE(pair.sign_in());
    const auto [ours, theirs] = pair.open_session();
    pair.client().credit = false;
    const std::string much = pattern(200'000);  // more than the first window: the rest must wait, and what follows behind it
    pair.write(pair.server(), theirs, much);
    pair.write(pair.server(), theirs, "oops", ssh::DataStream::Stderr);
    pair.submit(pair.server(), ssh::SendRequest{theirs, "exit-status", false, base::to_bytes(std::string_view("\0\0\0\7", 4))});
    pair.submit(pair.server(), ssh::SendEof{theirs});
    pair.submit(pair.server(), ssh::CloseChannel{theirs});
    pair.run();
    EXPECT_EQ(pair.client().main[ours.value].size(), wire::limits::kWindowInitial);
    EXPECT_EQ(pair.client().count<ssh::ChannelRequested>(), 0U);
    EXPECT_EQ(pair.client().count<ssh::CloseReceived>(), 0U);

    pair.client().credit = true;
    pair.submit(pair.client(), ssh::Credit{ours, wire::limits::kWindowInitial});
    pair.run();
    EXPECT_EQ(pair.client().main[ours.value], much);
    EXPECT_EQ(pair.client().stderr_text[ours.value], "oops");
    ASSERT_EQ(pair.client().count<ssh::ChannelRequested>(), 1U);
    EXPECT_EQ(pair.client().last<ssh::ChannelRequested>()->type, "exit-status");
    EXPECT_EQ(pair.client().count<ssh::EofReceived>(), 1U);
    EXPECT_EQ(pair.client().count<ssh::CloseReceived>(), 1U);
    pair.submit(pair.client(), ssh::CloseChannel{ours});
    pair.run();
    EXPECT_EQ(pair.client().count<ssh::ChannelEnded>(), 1U);
    EXPECT_EQ(pair.server().count<ssh::ChannelEnded>(), 1U);
}

TEST(Engine, SentBytesAddUpToWhatWasWritten) {
    EnginePair pair;
    ASSERT_TRUE(pair.sign_in());
    const auto [ours, theirs] = pair.open_session();
    const std::string much = pattern(3'000'000);
    const std::size_t at_once = pair.write(pair.client(), ours, much);
    pair.run();
    EXPECT_EQ(at_once + pair.client().sent[ours.value], much.size());
    EXPECT_EQ(pair.server().main[theirs.value], much);
    EXPECT_EQ(pair.client().engine.queued(ours), 0U);
}

TEST(Engine, AnUncreditedChannelStopsAloneWhileAnotherGoesOn) {
    EnginePair pair;
    ASSERT_TRUE(pair.sign_in());
    const auto [slow, slow_theirs] = pair.open_session();
    const auto [fast, fast_theirs] = pair.open_session();
    pair.server().credit = false;
    const std::string much = pattern(1'000'000);
    pair.write(pair.client(), slow, much);
    pair.run();
    EXPECT_EQ(pair.server().main[slow_theirs.value].size(), wire::limits::kWindowInitial);
    pair.server().credit = true;
    pair.write(pair.client(), fast, much);
    pair.run();
    EXPECT_EQ(pair.server().main[fast_theirs.value], much);
    EXPECT_EQ(pair.server().main[slow_theirs.value].size(), wire::limits::kWindowInitial);
}

TEST(Engine, SignalOvertakesDataThatTheWindowHoldsBack) {
    EnginePair pair;
    ASSERT_TRUE(pair.sign_in());
    const auto [ours, theirs] = pair.open_session();
    pair.server().credit = false;
    pair.write(pair.client(), ours, pattern(1'000'000));
    pair.submit(pair.client(), ssh::SendRequest{ours, "signal", false, {}, true});
    pair.run();
    EXPECT_EQ(pair.server().count<ssh::ChannelRequested>(), 1U);
}

TEST(Engine, ManySmallWritesThatWaitDoNotCostAPieceEach) {
    EnginePair pair;
    ASSERT_TRUE(pair.sign_in());
    const auto [ours, theirs] = pair.open_session();
    pair.server().credit = false;
    pair.write(pair.client(), ours, pattern(wire::limits::kWindowInitial));
    std::string expected = pattern(wire::limits::kWindowInitial);
    for (int i = 0; i < 100'000; ++i) {
        pair.write(pair.client(), ours, "x");
        expected += 'x';
    }
    pair.run();
    pair.server().credit = true;
    pair.submit(pair.server(), ssh::Credit{theirs, wire::limits::kWindowInitial});
    pair.run();
    EXPECT_EQ(pair.server().main[theirs.value], expected);
    // 100,000 bytes in packets of up to 32 KiB, not in 100,000 packets.
    EXPECT_LT(pair.client().engine.bytes_sent(), expected.size() + 10'000);
}

TEST(Engine, RekeyByTimeAndByPackets) {
    ssh::Config config;
    config.rekey.packets = 50;
    EnginePair pair(config, {});
    ASSERT_TRUE(pair.sign_in());
    const auto [ours, theirs] = pair.open_session();
    for (int i = 0; i < 200; ++i) {
        pair.write(pair.client(), ours, "k");
        pair.run();
    }
    EXPECT_GE(pair.client().engine.rekeys(), 3U);
    const std::uint64_t before = pair.client().engine.rekeys();
    pair.pass(std::chrono::hours(2));
    ASSERT_TRUE(pair.client().engine.next_deadline().has_value());
    EXPECT_LE(*pair.client().engine.next_deadline(), pair.now());
    pair.client().engine.advance(pair.now());
    pair.run();
    EXPECT_EQ(pair.client().engine.rekeys(), before + 1);
    EXPECT_EQ(pair.server().main[theirs.value], std::string(200, 'k'));
}

TEST(Engine, HoldsEverythingBackBetweenKexInitAndNewKeys) {
    EnginePair pair;
    ASSERT_TRUE(pair.sign_in());
    const auto [ours, theirs] = pair.open_session();
    pair.submit(pair.client(), ssh::Rekey{});
    const std::size_t after_init = pair.client().engine.output().size();
    pair.write(pair.client(), ours, "data");
    pair.submit(pair.client(), ssh::Credit{ours, 1});
    pair.submit(pair.client(), ssh::SendRequest{ours, "keepalive@openssh.com", true, {}});
    pair.submit(pair.client(), ssh::SendGlobalRequest{"keepalive@openssh.com", true, {}});
    EXPECT_EQ(pair.client().engine.output().size(), after_init);
    pair.run();
    EXPECT_EQ(pair.server().main[theirs.value], "data");
    EXPECT_EQ(pair.server().count<ssh::ChannelRequested>(), 1U);
    EXPECT_EQ(pair.server().count<ssh::GlobalRequested>(), 1U);
}

TEST(Engine, AnOfferedKeyIsNotALogin) {
    EnginePair pair;
    pair.answer_auth = false;
    pair.run();
    // The client has said "none"; the owner answers it and the client tries the key with a signature made with another key.
    const auto* asked = pair.server().last<ssh::AuthRequested>();
    ASSERT_NE(asked, nullptr);
    EXPECT_EQ(asked->method, ssh::AuthRequested::Method::None);
    pair.submit(pair.server(), ssh::RejectAuth{asked->ticket, {"publickey"}, false});
    pair.run();
    const keys::PublicKey& key = pair.user_key().public_key();
    pair.submit(pair.client(), ssh::TryPublicKey{"ssh-ed25519", base::to_bytes(key.blob())});
    const auto* wanted = pair.client().last<ssh::UserSignatureWanted>();
    ASSERT_NE(wanted, nullptr);
    const keys::PrivateKey other = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    pair.submit(pair.client(), ssh::ProvideSignature{wanted->ticket, *other.sign("ssh-ed25519", wanted->data)});
    pair.run();
    asked = pair.server().last<ssh::AuthRequested>();
    EXPECT_EQ(asked->method, ssh::AuthRequested::Method::BadSignature);
    pair.submit(pair.server(), ssh::RejectAuth{asked->ticket, {"publickey"}, false});
    pair.run();
    EXPECT_FALSE(pair.server().engine.authenticated());
    EXPECT_EQ(pair.client().count<ssh::AuthMethodsOffered>(), 2U);
}

TEST(Engine, AClientThatNeedNotAskBeginsWithItsKey) {
    EnginePair pair({.ask_methods = false});
    EXPECT_TRUE(pair.sign_in());
    EXPECT_EQ(pair.server().count<ssh::AuthRequested>(), 1U);
    EXPECT_EQ(pair.server().last<ssh::AuthRequested>()->method, ssh::AuthRequested::Method::PublicKey);
    // A refusal names what the server really offers.
    EnginePair refused({.ask_methods = false});
    refused.answer_auth = false;
    refused.run();
    const keys::PublicKey& key = refused.user_key().public_key();
    refused.submit(refused.client(), ssh::TryPublicKey{"ssh-ed25519", base::to_bytes(key.blob())});
    const auto* wanted = refused.client().last<ssh::UserSignatureWanted>();
    ASSERT_NE(wanted, nullptr);
    refused.submit(refused.client(), ssh::ProvideSignature{wanted->ticket, *refused.user_key().sign("ssh-ed25519", wanted->data)});
    refused.run();
    refused.submit(refused.server(),
                   ssh::RejectAuth{refused.server().last<ssh::AuthRequested>()->ticket, {"keyboard-interactive"}, false});
    refused.run();
    EXPECT_EQ(refused.client().last<ssh::AuthMethodsOffered>()->methods, std::vector<std::string>{"keyboard-interactive"});
}

TEST(Engine, AClientMayBeginBeforeTheServiceIsGranted) {
    EnginePair pair({.ask_methods = false, .begin_early = true});
    pair.accept_host_key = false;
    pair.run();
    EXPECT_EQ(pair.client().count<ssh::AuthMethodsOffered>(), 0U);  // but not before it knows the server
    EnginePair early({.ask_methods = false, .begin_early = true});
    EXPECT_TRUE(early.sign_in());
    EXPECT_EQ(early.client().count<ssh::AuthMethodsOffered>(), 1U);
    EXPECT_EQ(early.server().count<ssh::AuthRequested>(), 1U);
}

TEST(Engine, NothingFollowsAnUndecidedHostKey) {
    EnginePair pair;
    pair.accept_host_key = false;
    pair.run();
    EXPECT_EQ(pair.client().count<ssh::HostKeyOffered>(), 1U);
    EXPECT_EQ(pair.server().count<ssh::AuthRequested>(), 0U);
    EXPECT_FALSE(pair.client().engine.over());
}

TEST(Engine, LoginGraceEndsAConnectionThatDoesNotSignIn) {
    EnginePair pair;
    pair.answer_auth = false;
    pair.run();
    pair.pass(wire::limits::kLoginGrace);
    pair.server().engine.advance(pair.now());
    EXPECT_TRUE(pair.server().engine.over());
    pair.run();
    ASSERT_NE(pair.client().last<ssh::Disconnected>(), nullptr);
    EXPECT_TRUE(pair.client().last<ssh::Disconnected>()->by_peer);
}

TEST(Engine, EveryBitFlipOfEncryptedTrafficEndsTheConnection) {
#if defined(SEKISHO_SANITIZED)
    constexpr std::size_t kStride = 5;
#else
    constexpr std::size_t kStride = 1;
#endif
    const std::pair<const char*, const char*> suites[] = {{"aes128-gcm@openssh.com", ""},
                                                          {"aes256-gcm@openssh.com", ""},
                                                          {"chacha20-poly1305@openssh.com", ""},
                                                          {"aes128-ctr", "hmac-sha2-256-etm@openssh.com"},
                                                          {"aes256-ctr", "hmac-sha2-512"}};
    for (const auto& [cipher, mac] : suites) {
        ssh::Algorithms algorithms = ssh::default_algorithms();
        algorithms.kex = {"curve25519-sha256"};
        algorithms.ciphers = {cipher};
        if (*mac != 0) algorithms.macs = {mac};
        ssh::Config config;
        config.algorithms = &algorithms;
        const auto user = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
        const auto host = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
        for (std::size_t bit = 0; bit < 60 * 8; bit += kStride) {
            EnginePair pair(config, {}, host, user);
            ASSERT_TRUE(pair.sign_in());
            const auto [ours, theirs] = pair.open_session();
            pair.client().engine.write(ours, ssh::DataStream::Main, base::view("a line of some text, long enough for this test\n"));
            Bytes packet = base::to_bytes(pair.client().engine.output());
            ASSERT_GE(packet.size(), 60U);
            packet[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            pair.server().input = packet;
            // A longer claimed length waits for more bytes; give it more than any packet may have.
            pair.server().input.resize(packet.size() + wire::limits::kPacket + 64);
            pair.feed(pair.server());
            EXPECT_TRUE(pair.server().engine.over()) << cipher << " bit " << bit;
            EXPECT_EQ(pair.server().main[theirs.value], "") << cipher << " bit " << bit;
        }
    }
}

}  // namespace
}  // namespace sekisho
