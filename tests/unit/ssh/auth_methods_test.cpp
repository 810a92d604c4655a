// Authentication beyond public keys, both roles: keyboard-interactive, password, hostbased, and several methods in sequence.
#include <gtest/gtest.h>

#include "ssh/auth_client.h"
#include "ssh/auth_server.h"
#include "ssh/msg_userauth_interactive.h"
#include "tests/support/engine_pair.h"
#include "wire/writer.h"

namespace sekisho {
namespace {

using support::EnginePair;
using Method = ssh::AuthRequested::Method;

Secret secret(std::string_view text) { return Secret(base::view(text)); }
std::string plain(const Secret& secret) { return base::to_text(secret.bytes()); }

/// Two engines whose owner is the test; the client has said "none" and knows what can continue.
class AuthPair : public ::testing::Test {
protected:
    AuthPair() {
        m_pair.answer_auth = false;
        m_pair.run();
        reject({"publickey", "keyboard-interactive", "hostbased"});
    }
    const ssh::AuthRequested& asked() { return *m_pair.server().last<ssh::AuthRequested>(); }
    void server(ssh::Command command) {
        m_pair.submit(m_pair.server(), std::move(command));
        m_pair.run();
    }
    void client(ssh::Command command) {
        m_pair.submit(m_pair.client(), std::move(command));
        m_pair.run();
    }
    void reject(std::vector<std::string> methods, bool partial = false) {
        server(ssh::RejectAuth{asked().ticket, std::move(methods), partial});
    }
    void answer(std::vector<std::string> texts) {
        ssh::AnswerPrompts command{m_pair.client().last<ssh::PromptsReceived>()->ticket, {}};
        for (const std::string& text : texts) command.answers.push_back(secret(text));
        client(std::move(command));
    }
    bool signed_in() const {
        auto& pair = const_cast<EnginePair&>(m_pair);
        return pair.client().engine.authenticated() && pair.server().engine.authenticated();
    }

    EnginePair m_pair;
};

TEST_F(AuthPair, KeyboardInteractiveAsksInRoundsAndSignsIn) {
    client(ssh::TryKeyboardInteractive{"totp"});
    ASSERT_EQ(asked().method, Method::KeyboardInteractive);
    EXPECT_EQ(asked().submethods, "totp");
    EXPECT_EQ(asked().user, "alice");
    server(ssh::SendPrompts{asked().ticket, "Sign in", "Two things", {{"Password: ", false}, {"Colour: ", true}}});
    const auto* prompts = m_pair.client().last<ssh::PromptsReceived>();
    ASSERT_NE(prompts, nullptr);
    EXPECT_EQ(prompts->name, "Sign in");
    EXPECT_EQ(prompts->instruction, "Two things");
    ASSERT_EQ(prompts->prompts.size(), 2U);
    EXPECT_EQ(prompts->prompts[1].text, "Colour: ");
    EXPECT_TRUE(prompts->prompts[1].echo);
    EXPECT_FALSE(prompts->prompts[0].echo);
    answer({"s3cret", "blue"});
    const auto* answered = m_pair.server().last<ssh::PromptsAnswered>();
    ASSERT_NE(answered, nullptr);
    ASSERT_EQ(answered->answers.size(), 2U);
    EXPECT_EQ(plain(answered->answers[0]), "s3cret");
    EXPECT_EQ(plain(answered->answers[1]), "blue");
    // A round without prompts only shows something; it is answered all the same.
    server(ssh::SendPrompts{answered->ticket, "", "Welcome", {}});
    answer({});
    EXPECT_EQ(m_pair.server().count<ssh::PromptsAnswered>(), 2U);
    server(ssh::AcceptAuth{m_pair.server().last<ssh::PromptsAnswered>()->ticket});
    EXPECT_TRUE(signed_in());
}

TEST_F(AuthPair, AnswersToAnOldQuestionAreWorthNothing) {
    client(ssh::TryKeyboardInteractive{});
    const ssh::Ticket first = asked().ticket;
    server(ssh::SendPrompts{first, "", "", {{"Code: ", false}}});
    // The question is with the client: its old ticket decides nothing any more once it is answered.
    answer({"1234"});
    server(ssh::AcceptAuth{first});
    EXPECT_FALSE(m_pair.server().engine.authenticated());
    server(ssh::RejectAuth{m_pair.server().last<ssh::PromptsAnswered>()->ticket, {"publickey"}, false});
    EXPECT_EQ(m_pair.client().last<ssh::AuthMethodsOffered>()->methods, std::vector<std::string>{"publickey"});
    EXPECT_FALSE(m_pair.server().engine.over());
}

TEST_F(AuthPair, AnotherAttemptEndsTheQuestions) {
    client(ssh::TryKeyboardInteractive{});
    const ssh::Ticket old = asked().ticket;
    server(ssh::SendPrompts{old, "", "", {{"Code: ", false}}});
    const ssh::Ticket prompts = m_pair.client().last<ssh::PromptsReceived>()->ticket;
    client(ssh::TryPassword{secret("x"), std::nullopt});
    EXPECT_EQ(asked().method, Method::Other);
    EXPECT_EQ(asked().method_name, "password");
    client(ssh::AnswerPrompts{prompts, {}});  // too late: not sent
    EXPECT_EQ(m_pair.server().count<ssh::PromptsAnswered>(), 0U);
    server(ssh::AcceptAuth{old});
    EXPECT_FALSE(m_pair.server().engine.authenticated());
    EXPECT_FALSE(m_pair.server().engine.over());
}

TEST_F(AuthPair, AKeyThenACode) {
    const keys::PublicKey& key = m_pair.user_key().public_key();
    client(ssh::TryPublicKey{"ssh-ed25519", base::to_bytes(key.blob())});
    const auto* wanted = m_pair.client().last<ssh::UserSignatureWanted>();
    client(ssh::ProvideSignature{wanted->ticket, *m_pair.user_key().sign("ssh-ed25519", wanted->data)});
    ASSERT_EQ(asked().method, Method::PublicKey);
    reject({"keyboard-interactive"}, true);
    const auto* offered = m_pair.client().last<ssh::AuthMethodsOffered>();
    EXPECT_TRUE(offered->partial_success);
    EXPECT_EQ(offered->methods, std::vector<std::string>{"keyboard-interactive"});
    EXPECT_FALSE(m_pair.server().engine.authenticated());
    client(ssh::TryKeyboardInteractive{});
    server(ssh::SendPrompts{asked().ticket, "", "", {{"Code: ", false}}});
    answer({"123456"});
    server(ssh::AcceptAuth{m_pair.server().last<ssh::PromptsAnswered>()->ticket});
    EXPECT_TRUE(signed_in());
}

TEST_F(AuthPair, AKeyIsSignedWithOnlyWhenTheServerWouldTakeIt) {
    const Bytes blob = base::to_bytes(m_pair.user_key().public_key().blob());
    client(ssh::TryPublicKey{"ssh-ed25519", blob, true});
    EXPECT_EQ(asked().method, Method::PublicKeyQuery);
    EXPECT_EQ(m_pair.client().last<ssh::UserSignatureWanted>(), nullptr);
    reject({"publickey"});
    EXPECT_EQ(m_pair.client().last<ssh::UserSignatureWanted>(), nullptr);
    EXPECT_EQ(m_pair.client().count<ssh::AuthMethodsOffered>(), 2U);
    client(ssh::TryPublicKey{"ssh-ed25519", blob, true});
    server(ssh::AcceptKeyQuery{asked().ticket});
    const auto* wanted = m_pair.client().last<ssh::UserSignatureWanted>();
    ASSERT_NE(wanted, nullptr);
    EXPECT_FALSE(m_pair.server().engine.authenticated());
    client(ssh::ProvideSignature{wanted->ticket, *m_pair.user_key().sign("ssh-ed25519", wanted->data)});
    ASSERT_EQ(asked().method, Method::PublicKey);
    server(ssh::AcceptAuth{asked().ticket});
    EXPECT_TRUE(signed_in());
}

TEST_F(AuthPair, HostBasedSignsForThisHostAndUser) {
    const Bytes blob = base::to_bytes(m_pair.user_key().public_key().blob());
    client(ssh::TryHostBased{"ssh-ed25519", blob, "laptop.example.net", "al"});
    const auto* wanted = m_pair.client().last<ssh::UserSignatureWanted>();
    ASSERT_NE(wanted, nullptr);
    client(ssh::ProvideSignature{wanted->ticket, *m_pair.user_key().sign("ssh-ed25519", wanted->data)});
    ASSERT_EQ(asked().method, Method::HostBased);
    EXPECT_EQ(asked().key_blob, blob);
    EXPECT_EQ(asked().client_host, "laptop.example.net");
    EXPECT_EQ(asked().client_user, "al");
    EXPECT_EQ(asked().user, "alice");
    server(ssh::AcceptAuth{asked().ticket});
    EXPECT_TRUE(signed_in());
}

// --- EXT_INFO during authentication (ext-info-in-auth@openssh.com) ---

TEST(ExtInfoInAuth, LimitsTheSignaturesOfAUserAndTellsTheClient) {
    EnginePair pair;
    pair.answer_auth = false;
    pair.run();
    const auto asked = [&] { return *pair.server().last<ssh::AuthRequested>(); };
    pair.submit(pair.server(), ssh::LimitUserSignatures{{"ecdsa-sha2-nistp256", "ssh-rsa", "rsa-sha2-512"}});
    pair.submit(pair.server(), ssh::RejectAuth{asked().ticket, {"publickey"}, false});
    pair.run();
    // In the policy's order, and nothing that the policy does not have.
    const auto* offered = pair.client().last<ssh::AuthMethodsOffered>();
    EXPECT_EQ(offered->signature_algorithms, (std::vector<std::string>{"ecdsa-sha2-nistp256", "rsa-sha2-512"}));
    // What the first EXT_INFO said and the second does not repeat still holds; the key is refused without asking the owner.
    const keys::PublicKey& key = pair.user_key().public_key();
    pair.submit(pair.client(), ssh::TryPublicKey{"ssh-ed25519", base::to_bytes(key.blob())});
    const auto* wanted = pair.client().last<ssh::UserSignatureWanted>();
    EXPECT_NE(base::text_view(wanted->data).find("publickey-hostbound-v00@openssh.com"), std::string_view::npos);
    pair.submit(pair.client(), ssh::ProvideSignature{wanted->ticket, *pair.user_key().sign("ssh-ed25519", wanted->data)});
    pair.run();
    EXPECT_EQ(pair.server().count<ssh::AuthRequested>(), 1U);
    EXPECT_EQ(pair.client().count<ssh::AuthMethodsOffered>(), 2U);
    // A limit is never widened.
    pair.submit(pair.server(), ssh::LimitUserSignatures{{"ssh-ed25519", "rsa-sha2-512"}});
    pair.run();
    pair.submit(pair.client(), ssh::TryPublicKey{"ssh-ed25519", base::to_bytes(key.blob())});
    pair.submit(pair.client(), ssh::SkipSignature{pair.client().last<ssh::UserSignatureWanted>()->ticket});
    EXPECT_EQ(pair.client().last<ssh::AuthMethodsOffered>()->signature_algorithms, std::vector<std::string>{"rsa-sha2-512"});
}

TEST_F(AuthPair, ThePasswordIsSentOnceAndCanBeChanged) {
    client(ssh::TryPassword{secret("old"), secret("new")});
    EXPECT_EQ(asked().method_name, "password");
    EXPECT_EQ(asked().method, Method::Other);
    reject({"publickey"});
    EXPECT_EQ(m_pair.client().count<ssh::AuthMethodsOffered>(), 2U);
}

// --- one side alone, with a peer of the test's -----------------------------------------------------------------------

class AuthServerTest : public ::testing::Test {
protected:
    AuthServerTest() { m_core.session_id = Bytes(32, std::byte{9}); }
    Result<void> receive(Bytes payload) { return m_server.receive_request(payload, {}); }
    std::optional<ssh::AuthRequested> asked() {
        std::optional<ssh::AuthRequested> last;
        while (auto event = m_core.events.pop()) {
            if (auto* one = std::get_if<ssh::AuthRequested>(&*event)) last = std::move(*one);
        }
        return last;
    }
    Bytes host_based(const keys::PrivateKey& key, std::string_view user, std::string_view signed_for) {
        ssh::HostBasedPart part{"ssh-ed25519", key.public_key().blob(), "pc.example.net.", "alice", {}};
        const Bytes data = ssh::host_based_signed_data(m_core.session_id, signed_for, part);
        return wire::Writer().byte(50).string(user).string("ssh-connection").string("hostbased").string(part.algorithm)
            .string(part.key_blob).string(part.client_host).string(part.client_user)
            .string(key.sign("ssh-ed25519", data).value()).take();
    }
    Bytes interactive() { return ssh::encode_interactive_request("alice", ""); }
    Result<void> answers(std::size_t count) {
        std::vector<Secret> list;
        for (std::size_t i = 0; i < count; ++i) list.push_back(secret("1"));
        Bytes payload = ssh::encode_info_response(list);
        return m_server.receive_answers(payload);
    }

    ssh::Core m_core{ssh::Config{}, TimePoint{}};
    ssh::AuthServer m_server{m_core};
    const keys::PrivateKey m_key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
};

TEST_F(AuthServerTest, HostBasedIsVerifiedAndHandedToTheOwner) {
    ASSERT_TRUE(receive(host_based(m_key, "bob", "bob")).has_value());
    const auto question = asked();
    ASSERT_TRUE(question.has_value());
    EXPECT_EQ(question->method, Method::HostBased);
    EXPECT_EQ(question->client_host, "pc.example.net.");
    EXPECT_EQ(question->client_user, "alice");
    EXPECT_EQ(question->user, "bob");
    EXPECT_TRUE(std::ranges::equal(question->key_blob, m_key.public_key().blob()));
    ASSERT_TRUE(m_server.submit(ssh::AcceptAuth{question->ticket}).has_value());
    EXPECT_TRUE(m_core.authenticated);
}

TEST_F(AuthServerTest, HostBasedForAnotherUserIsABadSignature) {
    ASSERT_TRUE(receive(host_based(m_key, "root", "bob")).has_value());
    EXPECT_EQ(asked()->method, Method::BadSignature);
}

TEST_F(AuthServerTest, HostBasedOfAnotherSessionIsABadSignature) {
    const Bytes payload = host_based(m_key, "bob", "bob");
    m_core.session_id = Bytes(32, std::byte{8});
    ASSERT_TRUE(receive(payload).has_value());
    EXPECT_EQ(asked()->method, Method::BadSignature);
}

TEST_F(AuthServerTest, AnswersThatNobodyAskedForAreErrors) {
    EXPECT_FALSE(answers(0).has_value());
    ASSERT_TRUE(receive(interactive()).has_value());
    EXPECT_FALSE(answers(0).has_value());
}

TEST_F(AuthServerTest, TheWrongNumberOfAnswersIsAFailureNotAnAnswer) {
    ASSERT_TRUE(receive(interactive()).has_value());
    const ssh::Ticket ticket = asked()->ticket;
    ASSERT_TRUE(m_server.submit(ssh::SendPrompts{ticket, "", "", {{"a", false}, {"b", false}}}, {}).has_value());
    const std::size_t before = m_core.writer.output().size();
    ASSERT_TRUE(answers(1).has_value());
    EXPECT_GT(m_core.writer.output().size(), before);  // USERAUTH_FAILURE
    EXPECT_TRUE(m_core.events.empty());
    ASSERT_TRUE(m_server.submit(ssh::RejectAuth{ticket, {}, false}, {}).has_value());  // ignored
    ASSERT_TRUE(receive(interactive()).has_value());
    EXPECT_TRUE(asked().has_value());
}

TEST_F(AuthServerTest, ARequestThatCameBeforeThePromptsEndsThem) {
    ASSERT_TRUE(receive(interactive()).has_value());
    const ssh::Ticket ticket = asked()->ticket;
    ASSERT_TRUE(receive(host_based(m_key, "alice", "alice")).has_value());
    EXPECT_FALSE(asked().has_value());  // one question at a time
    ASSERT_TRUE(m_server.submit(ssh::SendPrompts{ticket, "", "", {{"a", false}}}, {}).has_value());
    EXPECT_EQ(asked()->method, Method::HostBased);
    EXPECT_FALSE(answers(1).has_value());
}

TEST_F(AuthServerTest, AnswersAreBounded) {
    ASSERT_TRUE(receive(interactive()).has_value());
    ASSERT_TRUE(m_server.submit(ssh::SendPrompts{asked()->ticket, "", "", {{"a", false}}}, {}).has_value());
    Bytes many = wire::Writer().byte(61).u32(wire::limits::kPrompts + 1).take();
    EXPECT_FALSE(m_server.receive_answers(many).has_value());
    Bytes large = wire::Writer().byte(61).u32(1).string(std::string(wire::limits::kAnswer + 1, 'x')).take();
    EXPECT_FALSE(m_server.receive_answers(large).has_value());
    EXPECT_TRUE(std::ranges::all_of(large, [](std::byte b) { return b == std::byte{0}; })) << "answers stay in memory";
    EXPECT_FALSE(receive(wire::Writer().byte(50).string("alice").string("ssh-connection").string("hostbased").string("ssh-ed25519")
                             .string(m_key.public_key().blob()).string(std::string(wire::limits::kHostName + 1, 'h')).string("a")
                             .string("s").take()).has_value());
}

class AuthClientTest : public ::testing::Test {
protected:
    AuthClientTest() {
        m_client.start();
        EXPECT_TRUE(m_client.receive_service_accept(wire::Writer().byte(6).string("ssh-userauth").take()).has_value());
        EXPECT_TRUE(m_client.receive_failure(encode(ssh::UserauthFailure{{"keyboard-interactive", "password"}, false})).has_value());
    }
    template <class E>
    std::optional<E> next() {
        while (auto event = m_core.events.pop()) {
            if (auto* one = std::get_if<E>(&*event)) return std::move(*one);
        }
        return std::nullopt;
    }
    static Bytes info_request(std::size_t prompts) {
        ssh::InfoRequest message;
        message.prompts.resize(prompts);
        return encode(message);
    }

    ssh::Core m_core{ssh::Config{.role = ssh::Role::Client, .user = "alice"}, TimePoint{}};
    ssh::AuthClient m_client{m_core};
};

TEST_F(AuthClientTest, AnExpiredPasswordIsToldAndCanBeReplaced) {
    ASSERT_TRUE(m_client.submit(ssh::TryPassword{secret("old"), std::nullopt}).has_value());
    ASSERT_TRUE(m_client.receive_method_message(wire::Writer().byte(60).string("Change it").string("").take()).has_value());
    EXPECT_EQ(next<ssh::PasswordChangeWanted>()->prompt, "Change it");
    ASSERT_TRUE(m_client.submit(ssh::TryPassword{secret("old"), secret("new")}).has_value());
    ASSERT_TRUE(m_client.receive_success(Bytes{std::byte{52}}).has_value());
    EXPECT_TRUE(m_core.authenticated);
}

TEST_F(AuthClientTest, AnAnswerAboutAnotherKeyIsAnError) {
    const Bytes key(40, std::byte{1}), other(40, std::byte{2});
    const auto ok = [](const Bytes& blob) { return ssh::encode_userauth_pk_ok("ssh-ed25519", blob); };
    ASSERT_TRUE(m_client.submit(ssh::TryPublicKey{"ssh-ed25519", key, true}, {}).has_value());
    EXPECT_FALSE(m_client.receive_method_message(ok(other)).has_value());
    EXPECT_FALSE(next<ssh::UserSignatureWanted>().has_value());
    EXPECT_TRUE(m_client.receive_method_message(ok(key)).has_value());
    EXPECT_TRUE(next<ssh::UserSignatureWanted>().has_value());
    // The signature is not made yet: nothing is outstanding.
    EXPECT_FALSE(m_client.receive_method_message(ok(key)).has_value());
    EXPECT_FALSE(m_client.receive_success(Bytes{std::byte{52}}).has_value());
}

TEST_F(AuthClientTest, AServerThatAsksWithoutEndIsGivenUp) {
    ASSERT_TRUE(m_client.submit(ssh::TryKeyboardInteractive{}).has_value());
    for (unsigned i = 0; i < wire::limits::kPromptRounds; ++i) {
        ASSERT_TRUE(m_client.receive_method_message(info_request(0)).has_value()) << i;
        ASSERT_TRUE(m_client.submit(ssh::AnswerPrompts{next<ssh::PromptsReceived>()->ticket, {}}).has_value());
    }
    EXPECT_FALSE(m_client.receive_method_message(info_request(0)).has_value());
}

TEST_F(AuthClientTest, TooManyOrTooLongPromptsAreErrors) {
    ASSERT_TRUE(m_client.submit(ssh::TryKeyboardInteractive{}).has_value());
    EXPECT_FALSE(m_client.receive_method_message(info_request(wire::limits::kPrompts + 1)).has_value());
    ssh::InfoRequest large{std::string(wire::limits::kPromptText + 1, 'n'), "", {}};
    EXPECT_FALSE(m_client.receive_method_message(encode(large)).has_value());
    EXPECT_TRUE(m_client.receive_method_message(info_request(wire::limits::kPrompts)).has_value());
}

TEST_F(AuthClientTest, QuestionsAndSuccessWithoutAnAttemptAreErrors) {
    EXPECT_FALSE(m_client.receive_method_message(info_request(1)).has_value());
    EXPECT_FALSE(m_client.receive_success(Bytes{std::byte{52}}).has_value());
    ASSERT_TRUE(m_client.submit(ssh::TryKeyboardInteractive{}).has_value());
    ASSERT_TRUE(m_client.receive_method_message(info_request(1)).has_value());
    // It asked, so it is the user's turn.
    EXPECT_FALSE(m_client.receive_method_message(info_request(1)).has_value());
    EXPECT_FALSE(m_client.receive_success(Bytes{std::byte{52}}).has_value());
    EXPECT_FALSE(m_core.authenticated);
}

}  // namespace
}  // namespace sekisho
