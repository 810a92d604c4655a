// Global requests in order, and the host keys that a server tells and proves after sign-in (hostkeys-00@openssh.com).
#include <gtest/gtest.h>

#include "ssh/global_requests.h"
#include "ssh/host_key_proof.h"
#include "ssh/msg_channel.h"
#include "tests/support/engine_pair.h"
#include "wire/writer.h"

namespace sekisho {
namespace {

using support::EnginePair;

Bytes blob_of(const keys::PrivateKey& key) { return base::to_bytes(key.public_key().blob()); }

TEST(HostKeyUpdate, AServerTellsItsKeysAndProvesTheNewOnes) {
    const auto ed25519 = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    const auto rsa = keys::PrivateKey::generate(keys::KeyKind::Rsa, 2048);
    ssh::Config client, server;
    client.learn_host_keys = server.announce_host_keys = true;
    server.host_keys = {EnginePair::as_host_key(ed25519), EnginePair::as_host_key(rsa)};
    EnginePair pair(client, server, ed25519);
    pair.sign_proofs_with(rsa);
    ASSERT_TRUE(pair.sign_in());
    const auto* announced = pair.client().last<ssh::HostKeysAnnounced>();
    ASSERT_NE(announced, nullptr);
    EXPECT_EQ(announced->blobs, (std::vector<Bytes>{blob_of(ed25519), blob_of(rsa)}));
    pair.submit(pair.client(), ssh::ProveHostKeys{{blob_of(rsa)}});
    pair.run();
    const auto* proven = pair.client().last<ssh::HostKeysProven>();
    ASSERT_NE(proven, nullptr);
    EXPECT_EQ(proven->problem, "");
    EXPECT_EQ(proven->blobs, std::vector<Bytes>{blob_of(rsa)});
}

TEST(HostKeyUpdate, AKeyThatIsAnnouncedButNotOwnedIsNotProven) {
    const auto own = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    const auto stolen = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    ssh::Config client, server;
    client.learn_host_keys = server.announce_host_keys = true;
    server.host_keys = {EnginePair::as_host_key(own), EnginePair::as_host_key(stolen)};
    EnginePair pair(client, server, own);  // signs everything with its one key
    ASSERT_TRUE(pair.sign_in());
    pair.submit(pair.client(), ssh::ProveHostKeys{{blob_of(own), blob_of(stolen)}});
    pair.run();
    const auto* proven = pair.client().last<ssh::HostKeysProven>();
    ASSERT_NE(proven, nullptr);
    EXPECT_EQ(proven->blobs, std::vector<Bytes>{blob_of(own)});
    EXPECT_EQ(proven->problem, "the signature is wrong");
    EXPECT_FALSE(pair.client().engine.over());
}

TEST(HostKeyUpdate, NothingIsToldOrTakenUnlessConfigured) {
    ssh::Config telling;
    telling.announce_host_keys = true;
    EnginePair quiet({}, {}), deaf({}, telling);
    ASSERT_TRUE(quiet.sign_in());
    ASSERT_TRUE(deaf.sign_in());
    EXPECT_EQ(quiet.client().count<ssh::GlobalRequested>(), 0U);
    ASSERT_EQ(deaf.client().count<ssh::GlobalRequested>(), 1U);
    EXPECT_EQ(deaf.client().last<ssh::GlobalRequested>()->type, "hostkeys-00@openssh.com");
    EXPECT_EQ(deaf.client().count<ssh::HostKeysAnnounced>(), 0U);
}

class GlobalRequestsTest : public ::testing::Test {
protected:
    static ssh::Config config(ssh::Role role) {
        ssh::Config config;
        config.role = role;
        config.announce_host_keys = config.learn_host_keys = true;
        for (const char* name : {"a", "b"}) config.host_keys.push_back({base::to_bytes(std::string_view(name)), {"ssh-ed25519"}});
        return config;
    }
    Result<void> receive(std::string type, bool want_reply, Bytes payload) {
        m_last = encode(ssh::GlobalRequestMessage{std::move(type), want_reply, payload});
        return m_requests.receive(m_last);
    }
    Result<void> prove(std::vector<std::string_view> blobs) {
        std::vector<Bytes> strings;
        for (const std::string_view blob : blobs) strings.push_back(base::to_bytes(blob));
        return receive("hostkeys-prove-00@openssh.com", true, ssh::encode_strings(strings));
    }
    std::optional<ssh::HostSignatureWanted> wanted() {
        while (auto event = m_core.events.pop()) {
            if (auto* one = std::get_if<ssh::HostSignatureWanted>(&*event)) return std::move(*one);
        }
        return std::nullopt;
    }
    std::size_t unsent() { return m_core.writer.output().size(); }

    Bytes m_last;
    ssh::Core m_core{config(ssh::Role::Server), TimePoint{}};
    ssh::GlobalRequests m_requests{m_core};
};

TEST_F(GlobalRequestsTest, AnswersThatNobodyAskedForAreErrors) {
    EXPECT_FALSE(m_requests.receive(ssh::encode_global_reply(true, {})).has_value());
    EXPECT_FALSE(m_requests.receive(ssh::encode_global_reply(false, {})).has_value());
}

TEST_F(GlobalRequestsTest, UnansweredRequestsAreBounded) {
    for (std::size_t i = 0; i < wire::limits::kPendingReplies; ++i) ASSERT_TRUE(receive("keepalive", true, {}).has_value());
    EXPECT_FALSE(receive("keepalive", true, {}).has_value());
}

TEST_F(GlobalRequestsTest, AnswersKeepTheOrderOfTheQuestionsAcrossAProof) {
    ASSERT_TRUE(receive("first", true, {}).has_value());
    ASSERT_TRUE(prove({"a", "b"}).has_value());
    ASSERT_TRUE(receive("last", true, {}).has_value());
    const auto first = wanted();
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(first->host_key, 0U);
    EXPECT_EQ(first->data, ssh::host_key_proof_data(m_core.session_id, base::view("a")));
    const std::size_t none = unsent();
    ASSERT_TRUE(m_requests.submit(ssh::ReplyGlobal{true, {}}).has_value());
    const std::size_t one = unsent();
    EXPECT_GT(one, none);
    ASSERT_TRUE(m_requests.submit(ssh::ReplyGlobal{false, {}}).has_value());
    EXPECT_EQ(unsent(), one) << "the last answer overtook the proof";
    ASSERT_TRUE(m_requests.wants(first->ticket));
    ASSERT_TRUE(m_requests.submit(ssh::ProvideSignature{first->ticket, Bytes(10)}).has_value());
    EXPECT_EQ(unsent(), one);
    const auto second = wanted();
    ASSERT_TRUE(second.has_value());
    EXPECT_EQ(second->host_key, 1U);
    EXPECT_FALSE(m_requests.wants(first->ticket));
    ASSERT_TRUE(m_requests.submit(ssh::ProvideSignature{second->ticket, Bytes(10)}).has_value());
    EXPECT_GT(unsent(), one + 28 + 16);  // both
    ASSERT_TRUE(m_requests.submit(ssh::ReplyGlobal{true, {}}).has_value());  // nothing is owed any more
}

TEST_F(GlobalRequestsTest, ForeignRepeatedOrTooManyKeysAreNotSigned) {
    for (const auto& blobs : std::vector<std::vector<std::string_view>>{{}, {"c"}, {"a", "c"}, {"a", "a"}}) {
        const std::size_t before = unsent();
        ASSERT_TRUE(prove(blobs).has_value());
        EXPECT_FALSE(wanted().has_value());
        EXPECT_GT(unsent(), before);  // REQUEST_FAILURE
    }
    ASSERT_TRUE(receive("hostkeys-prove-00@openssh.com", true, Bytes{std::byte{0}, std::byte{1}}).has_value());
    EXPECT_FALSE(wanted().has_value());
    // One proof at a time.
    ASSERT_TRUE(prove({"a"}).has_value());
    EXPECT_TRUE(wanted().has_value());
    ASSERT_TRUE(prove({"b"}).has_value());
    EXPECT_FALSE(wanted().has_value());
}

TEST(HostKeyProof, ListsAreBounded) {
    const std::vector<Bytes> most(wire::limits::kHostKeys, Bytes(3));
    EXPECT_EQ(ssh::decode_strings(ssh::encode_strings(most)).value(), most);
    EXPECT_FALSE(ssh::decode_strings(ssh::encode_strings(std::vector<Bytes>(wire::limits::kHostKeys + 1))).has_value());
    EXPECT_FALSE(ssh::decode_strings(wire::Writer().u32(0xffffffff).take()).has_value());
    EXPECT_FALSE(ssh::verify_host_key_proof({}, {}, {}).has_value());
}

}  // namespace
}  // namespace sekisho
