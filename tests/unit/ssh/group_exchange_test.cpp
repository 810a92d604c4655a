// Diffie-Hellman over integers in both roles: the fixed groups, and group exchange (RFC 4419) with peers that ask for, or
// answer with, groups that nobody should take.
#include <gtest/gtest.h>

#include "ssh/exchange.h"
#include "ssh/msg_kex_ecdh.h"
#include "tests/support/engine_pair.h"

namespace sekisho {
namespace {

using support::EnginePair;

ssh::Algorithms only_kex(const char* name) {
    ssh::Algorithms algorithms = ssh::default_algorithms();
    algorithms.kex = {name};
    return algorithms;
}

class EveryGroup : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryGroup, SignsInAndRekeys) {
    const ssh::Algorithms algorithms = only_kex(GetParam());
    ssh::Config config;
    config.algorithms = &algorithms;
    EnginePair pair(config, config);
    pair.piece(100);
    ASSERT_TRUE(pair.sign_in()) << (pair.client().error ? pair.client().error->full() : "")
                                << (pair.server().error ? pair.server().error->full() : "");
    EXPECT_EQ(pair.client().last<ssh::ExchangeCompleted>()->kex, GetParam());
    const auto [ours, theirs] = pair.open_session();
    pair.submit(pair.server(), ssh::Rekey{});
    pair.write(pair.client(), ours, "after the exchange");
    pair.run();
    EXPECT_EQ(pair.client().engine.rekeys(), 1U);
    EXPECT_EQ(pair.server().main[theirs.value], "after the exchange");
}

INSTANTIATE_TEST_SUITE_P(All, EveryGroup,
                         ::testing::Values("diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
                                           "diffie-hellman-group14-sha256", "diffie-hellman-group-exchange-sha256"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::ranges::replace(name, '-', '_');
                             return name;
                         });

ssh::Config with(const ssh::Algorithms& algorithms) {
    ssh::Config config;
    config.algorithms = &algorithms;
    return config;
}

ssh::Config agreeing_elsewhere(const ssh::Algorithms& algorithms) {
    ssh::Config config = with(algorithms);
    config.agree_elsewhere = true;
    return config;
}

TEST(SlowAgreement, IsLeftToTheOwnerWhereItWishes) {
    for (const char* kex : {"diffie-hellman-group16-sha512", "diffie-hellman-group-exchange-sha256"}) {
        const ssh::Algorithms algorithms = only_kex(kex);
        EnginePair pair(with(algorithms), agreeing_elsewhere(algorithms));
        ASSERT_TRUE(pair.sign_in());
        EXPECT_EQ(pair.server().count<ssh::AgreementWanted>(), 1U);
        const auto [ours, theirs] = pair.open_session();
        pair.submit(pair.client(), ssh::Rekey{});
        pair.write(pair.client(), ours, "after the exchange");
        pair.run();
        EXPECT_EQ(pair.server().count<ssh::AgreementWanted>(), 2U);
        EXPECT_EQ(pair.server().main[theirs.value], "after the exchange");
    }
}

TEST(SlowAgreement, QuickOnesAreNotWorthTheTrouble) {
    for (const char* kex : {"diffie-hellman-group14-sha256", "curve25519-sha256", "sntrup761x25519-sha512"}) {
        const ssh::Algorithms algorithms = only_kex(kex);
        EnginePair pair(with(algorithms), agreeing_elsewhere(algorithms));
        ASSERT_TRUE(pair.sign_in());
        EXPECT_EQ(pair.server().count<ssh::AgreementWanted>(), 0U);
    }
}

TEST(SlowAgreement, NothingIsSaidBeforeItIsDoneAndAnEndMeanwhileHarmsNobody) {
    const ssh::Algorithms algorithms = only_kex("diffie-hellman-group16-sha512");
    std::function<void()> work;
    {
        EnginePair pair(with(algorithms), agreeing_elsewhere(algorithms));
        pair.agree = false;
        EXPECT_FALSE(pair.sign_in());
        const auto* wanted = pair.server().last<ssh::AgreementWanted>();
        ASSERT_NE(wanted, nullptr);
        EXPECT_EQ(pair.server().count<ssh::HostSignatureWanted>(), 0U);
        pair.submit(pair.server(), ssh::AgreementDone{ssh::Ticket{wanted->ticket.value + 1}});
        EXPECT_EQ(pair.server().count<ssh::HostSignatureWanted>(), 0U);
        work = wanted->work;
    }
    work();
}

/// One exchange without the engine around it, in group exchange with a peer of the test's.
class GroupExchangeTest : public ::testing::Test {
protected:
    ssh::Exchange& exchange(ssh::Role role, bool judge_groups = false) {
        ssh::Config config;
        config.role = role;
        config.algorithms = &m_algorithms;
        config.judge_groups = judge_groups;
        config.host_keys = {EnginePair::as_host_key(m_host_key)};
        m_core.emplace(config, TimePoint{});
        m_core->peer_line = "SSH-2.0-Test";
        m_exchange.emplace(*m_core, m_reader);
        m_exchange->start();
        ssh::KexInit theirs;
        theirs.kex = {"diffie-hellman-group-exchange-sha256"};
        theirs.host_keys = {"ssh-ed25519"};
        theirs.ciphers_to_server = theirs.ciphers_to_client = {"aes128-gcm@openssh.com"};
        theirs.macs_to_server = theirs.macs_to_client = {"hmac-sha2-256"};
        theirs.compression_to_server = theirs.compression_to_client = {"none"};
        EXPECT_TRUE(m_exchange->receive(ssh::encode(theirs, crypto::system_random()), 0).has_value());
        return *m_exchange;
    }

    const ssh::Algorithms m_algorithms = only_kex("diffie-hellman-group-exchange-sha256");
    const keys::PrivateKey m_host_key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    const crypto::DiffieHellmanGroup m_known = crypto::choose_known_group(2048, 2048, 2048)->group;
    ssh::PacketReader m_reader;
    std::optional<ssh::Core> m_core;
    std::optional<ssh::Exchange> m_exchange;
};

TEST_F(GroupExchangeTest, ServerAnswersARequestAndExpectsAShare) {
    ssh::Exchange& server = exchange(ssh::Role::Server);
    EXPECT_EQ(server.peer_state(), ssh::ExchangeState::ExpectGroupRequest);
    const std::size_t before = m_core->writer.output().size();
    ASSERT_TRUE(server.receive(encode(ssh::KexGroupRequest{2048, 3072, 8192}), 1).has_value());
    EXPECT_EQ(server.peer_state(), ssh::ExchangeState::ExpectGroupInit);
    EXPECT_GT(m_core->writer.output().size(), before + 3072 / 8);
}

TEST_F(GroupExchangeTest, ServerRefusesSizesThatItDoesNotHave) {
    for (const ssh::KexGroupRequest& request : {ssh::KexGroupRequest{1024, 1024, 1024}, ssh::KexGroupRequest{16384, 16384, 16384},
                                                ssh::KexGroupRequest{4096, 3072, 8192}, ssh::KexGroupRequest{2048, 8192, 4096}}) {
        EXPECT_FALSE(exchange(ssh::Role::Server).receive(encode(request), 1).has_value()) << request.wanted;
    }
    EXPECT_FALSE(exchange(ssh::Role::Server).receive(Bytes{std::byte{34}, std::byte{0}}, 1).has_value());
}

TEST_F(GroupExchangeTest, ServerRefusesSharesOutOfRange) {
    Bytes above(257, std::byte{0xff});
    above.front() = std::byte{0};
    for (const Bytes& share : {Bytes{}, Bytes{std::byte{1}}, above}) {
        ssh::Exchange& server = exchange(ssh::Role::Server);
        ASSERT_TRUE(server.receive(encode(ssh::KexGroupRequest{2048, 2048, 2048}), 1).has_value());
        EXPECT_FALSE(server.receive(ssh::encode_kex_ecdh_init(share, ssh::Message::KexGroupInit), 2).has_value());
        EXPECT_EQ(m_core->end_reason, ssh::DisconnectReason::KeyExchangeFailed);
    }
}

TEST_F(GroupExchangeTest, ClientRefusesGroupsThatItDidNotAskFor) {
    Bytes weak = m_known.prime;
    weak.resize(128);
    weak.back() |= std::byte{1};
    const Bytes large(1025, std::byte{0xff});
    Bytes even = m_known.prime;
    even.back() ^= std::byte{1};
    for (const crypto::DiffieHellmanGroup& group :
         {crypto::DiffieHellmanGroup{weak, m_known.generator}, crypto::DiffieHellmanGroup{large, m_known.generator},
          crypto::DiffieHellmanGroup{even, m_known.generator}, crypto::DiffieHellmanGroup{m_known.prime, Bytes{std::byte{1}}},
          crypto::DiffieHellmanGroup{{}, {}}}) {
        ssh::Exchange& client = exchange(ssh::Role::Client);
        EXPECT_EQ(client.peer_state(), ssh::ExchangeState::ExpectGroup);
        EXPECT_FALSE(client.receive(ssh::encode_kex_group(group), 1).has_value()) << group.prime.size();
    }
}

TEST_F(GroupExchangeTest, ClientTakesAGroupOfTheStandardWithoutAsking) {
    ssh::Exchange& client = exchange(ssh::Role::Client, true);
    ASSERT_TRUE(client.receive(ssh::encode_kex_group(m_known), 1).has_value());
    EXPECT_EQ(client.peer_state(), ssh::ExchangeState::ExpectGroupReply);
    EXPECT_TRUE(m_core->events.empty());
}

TEST_F(GroupExchangeTest, ClientAsksItsOwnerAboutAnotherGroupWhereItIsToldTo) {
    crypto::DiffieHellmanGroup other = m_known;
    other.generator = Bytes{std::byte{5}};
    ssh::Exchange& trusting = exchange(ssh::Role::Client, false);
    ASSERT_TRUE(trusting.receive(ssh::encode_kex_group(other), 1).has_value());
    EXPECT_EQ(trusting.peer_state(), ssh::ExchangeState::ExpectGroupReply);

    ssh::Exchange& asking = exchange(ssh::Role::Client, true);
    ASSERT_TRUE(asking.receive(ssh::encode_kex_group(other), 1).has_value());
    EXPECT_EQ(asking.peer_state(), ssh::ExchangeState::ExpectDecision);
    const auto event = m_core->events.pop();
    ASSERT_TRUE(event.has_value());
    const auto* offered = std::get_if<ssh::GroupOffered>(&*event);
    ASSERT_NE(offered, nullptr);
    EXPECT_EQ(offered->prime, other.prime);
    const std::size_t before = m_core->writer.output().size();
    ASSERT_TRUE(asking.submit(ssh::AcceptGroup{offered->ticket}).has_value());
    EXPECT_EQ(asking.peer_state(), ssh::ExchangeState::ExpectGroupReply);
    EXPECT_GT(m_core->writer.output().size(), before);
}

}  // namespace
}  // namespace sekisho
