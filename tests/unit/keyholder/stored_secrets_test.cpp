// What the keyholder does with stored credentials, whoever asks: wraps what was sealed to it for one place, signs sign-ins to that place,
// and opens passwords only.
#include "keyholder/stored_secrets.h"

#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keyholder/keyring.h"
#include "keys/private_key.h"
#include "wire/writer.h"

namespace sekisho::keyholder {
namespace {

using keys::SecretKind;
using keys::SecretPlace;
using testing::HasSubstr;

std::string said(const Result<Bytes>& answer) { return answer ? "done" : answer.error().full(); }

class StoredSecretsTest : public testing::Test {
protected:
    static SecretPlace place(SecretKind kind = SecretKind::Key) { return {kind, "router1", "admin"}; }
    Bytes sealed(const SecretPlace& where, std::string_view secret) const {
        return keys::seal_secret(m_wrapping.public_line(), where, base::view(secret)).value();
    }
    std::string key_text() const { return base::to_text(m_key.to_openssh("somebody@laptop").bytes()); }
    StoredCredential stored(SecretKind kind, std::string_view secret) const {
        const auto answer = m_secrets.wrap({place(kind), sealed(place(kind), secret)});
        EXPECT_TRUE(answer) << said(answer);
        return {"router1", "admin", decode_wrapped(*answer)->wrapped};
    }
    /// RFC 4252 §7.
    Bytes request(std::string_view user = "admin", std::string_view method = "publickey", BytesView more = {}) const {
        wire::Writer out;
        out.string(Bytes(32, std::byte{7})).byte(50).string(user).string("ssh-connection").string(method).boolean(true);
        out.string("ssh-ed25519").string(m_key.public_key().blob()).raw(more);
        return out.take();
    }

    keys::WrappingKey m_wrapping = keys::WrappingKey::generate();
    StoredSecrets m_secrets{m_wrapping};
    keys::PrivateKey m_key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
};

TEST_F(StoredSecretsTest, AStoredKeySignsASignIn) {
    const auto wrapped = decode_wrapped(m_secrets.wrap({place(), sealed(place(), key_text())}).value()).value();
    EXPECT_EQ(wrapped.public_key, base::to_bytes(m_key.public_key().blob()));
    const StoredCredential credential{"router1", "admin", wrapped.wrapped};
    const Bytes host_key = wire::Writer().string("a host key").take();
    for (const Bytes& data : {request(), request("admin", "publickey-hostbound-v00@openssh.com", host_key)}) {
        const auto signature = m_secrets.sign({credential, "ssh-ed25519", data});
        ASSERT_TRUE(signature) << said(signature);
        EXPECT_TRUE(m_key.public_key().verify("ssh-ed25519", data, *signature));
    }
}

TEST_F(StoredSecretsTest, AndNothingElse) {
    const auto credential = stored(SecretKind::Key, key_text());
    const auto refused = [&](Bytes data, std::string algorithm = "ssh-ed25519") {
        return said(m_secrets.sign({credential, std::move(algorithm), std::move(data)}));
    };
    for (const std::size_t size : {0U, 32U, 64U, 300U}) EXPECT_THAT(refused(Bytes(size)), HasSubstr("sign-ins only")) << size;
    Bytes longer = request();
    longer.push_back(std::byte{0});
    EXPECT_THAT(refused(longer), HasSubstr("sign-ins only"));
    EXPECT_THAT(refused(request("admin", "hostbased")), HasSubstr("sign-ins only"));
    EXPECT_THAT(refused(request("admin", "publickey-hostbound-v00@openssh.com")), HasSubstr("sign-ins only"));
    EXPECT_THAT(refused(request("root")), HasSubstr("its own login only"));
    EXPECT_THAT(refused(request(), "rsa-sha2-512"), HasSubstr("another key"));
    const Bytes whole = request();
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_NE(refused(base::to_bytes(BytesView(whole).first(size))), "done") << size;
    const auto other = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    wire::Writer out;
    out.string(Bytes(32)).byte(50).string("admin").string("ssh-connection").string("publickey").boolean(true);
    EXPECT_THAT(refused(out.string("ssh-ed25519").string(other.public_key().blob()).take()), HasSubstr("another key"));
}

TEST_F(StoredSecretsTest, WhatIsWrappedIsForOnePlaceAndOneKind) {
    const auto password = stored(SecretKind::Password, "open sesame");
    EXPECT_EQ(base::to_text(m_secrets.open({password}).value()), "open sesame");
    for (const auto& [target, login] : {std::pair("router2", "admin"), std::pair("router1", "root"), std::pair("", "admin"),
             std::pair("router1", ""), std::pair("router1admi", "n"), std::pair("ROUTER1", "admin")}) {
        EXPECT_NE(said(m_secrets.open({{target, login, password.wrapped}})), "done") << target << " " << login;
    }
    // A stored key is not handed out as a password, and a password signs nothing.
    const auto key = stored(SecretKind::Key, key_text());
    EXPECT_THAT(said(m_secrets.open({key})), HasSubstr("for something else"));
    EXPECT_THAT(said(m_secrets.sign({password, "ssh-ed25519", request()})), HasSubstr("for something else"));
    for (std::size_t i = 0; i < password.wrapped.size(); ++i) {
        StoredCredential changed = password;
        changed.wrapped[i] ^= std::byte{1};
        EXPECT_NE(said(m_secrets.open({changed})), "done") << i;
    }
    EXPECT_NE(said(m_secrets.open({{"router1", "admin", {}}})), "done");
    EXPECT_NE(stored(SecretKind::Password, "open sesame").wrapped, password.wrapped) << "another nonce each time";
    EXPECT_NE(said(StoredSecrets(keys::WrappingKey::generate()).open({password})), "done") << "another wrapping key";
}

TEST_F(StoredSecretsTest, WhatIsSealedIsForOnePlaceToo) {
    const Bytes box = sealed(place(SecretKind::Password), "open sesame");
    const auto refused = [&](const SecretPlace& where, const Bytes& what) { return said(m_secrets.wrap({where, what})); };
    EXPECT_EQ(refused(place(SecretKind::Password), box), "done");
    EXPECT_THAT(refused({SecretKind::Password, "router2", "admin"}, box), HasSubstr("another target"));
    EXPECT_THAT(refused({SecretKind::Password, "router1", "root"}, box), HasSubstr("another target"));
    EXPECT_THAT(refused(place(SecretKind::Key), box), HasSubstr("another target, login or kind"));
    EXPECT_THAT(refused({static_cast<SecretKind>(9), "router1", "admin"}, box), HasSubstr("a kind"));
    EXPECT_THAT(refused({SecretKind::Password, "", "admin"}, box), HasSubstr("without a target"));
    Bytes changed = box;
    changed.back() ^= std::byte{1};
    EXPECT_THAT(refused(place(SecretKind::Password), changed), HasSubstr("another key, or was changed"));
    EXPECT_THAT(refused(place(SecretKind::Password), Bytes(10)), HasSubstr("too short"));
    const auto other = keys::WrappingKey::generate();
    EXPECT_NE(refused(place(), keys::seal_secret(other.public_line(), place(), base::view(key_text())).value()), "done");
    EXPECT_FALSE(keys::seal_secret("ssh-ed25519 AAAA", place(), {}));
    EXPECT_FALSE(keys::seal_secret("", place(), {}));
}

TEST_F(StoredSecretsTest, OnlyKeysAndPasswordsOfTheirSizesAreTakenAndNothingOfThemIsSaid) {
    const auto refused = [&](SecretKind kind, std::string_view secret) {
        return said(m_secrets.wrap({place(kind), sealed(place(kind), secret)}));
    };
    EXPECT_THAT(refused(SecretKind::Password, ""), HasSubstr("1 to 1024 bytes"));
    EXPECT_EQ(refused(SecretKind::Password, std::string(1024, 'p')), "done");
    EXPECT_THAT(refused(SecretKind::Password, std::string(1025, 'p')), HasSubstr("1 to 1024 bytes"));
    for (const std::string& text : {std::string("MARKER-4711"), key_text().substr(0, 200),
             base::to_text(m_key.to_openssh("c", "a passphrase").bytes())}) {
        const std::string why = refused(SecretKind::Key, text);
        EXPECT_THAT(why, HasSubstr("not a private key without a passphrase"));
        EXPECT_THAT(why, testing::Not(HasSubstr("4711")));
    }
}

TEST_F(StoredSecretsTest, WithoutAWrappingKeyEverythingIsRefused) {
    const StoredSecrets none;
    EXPECT_THAT(said(none.wrap({place(), sealed(place(), key_text())})), HasSubstr("sekisho init"));
    EXPECT_NE(said(none.sign({stored(SecretKind::Key, key_text()), "ssh-ed25519", request()})), "done");
    EXPECT_NE(said(none.open({stored(SecretKind::Password, "p")})), "done");
}

TEST_F(StoredSecretsTest, TheFileIsReadAndNobodyElseMayReadIt) {
    const auto folder = std::filesystem::temp_directory_path() / ("sekisho-wrapping-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const auto path = folder / "wrapping_key";
    ASSERT_TRUE(m_wrapping.save(path));
    EXPECT_FALSE(m_wrapping.save(path)) << "it is never written over";
    const auto loaded = StoredSecrets::load(path);
    ASSERT_TRUE(loaded) << loaded.error().full();
    EXPECT_EQ(said(loaded->open({stored(SecretKind::Password, "p")})), "done");
    EXPECT_TRUE(StoredSecrets::load(folder / "missing"));
    std::filesystem::permissions(path, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    EXPECT_THAT(StoredSecrets::load(path).error().text, HasSubstr("open to others"));
    std::filesystem::remove_all(folder);
}

TEST_F(StoredSecretsTest, RequestsAndAnswersComeBackAsTheyWere) {
    const StoredCredential credential{"router1", "admin", Bytes(60, std::byte{9})};
    const auto again = [](const Request& request) {
        const Bytes frame = encode(5, request);
        return decode_request(BytesView(frame).subspan(kFrameHeader)).value().request;
    };
    const auto sign = std::get<SignAsStored>(again(SignAsStored{credential, "ssh-ed25519", request()}));
    EXPECT_EQ(sign.credential.wrapped, credential.wrapped);
    EXPECT_EQ(sign.data, request());
    EXPECT_EQ(std::get<OpenPassword>(again(OpenPassword{credential})).credential.login, "admin");
    const auto wrap = std::get<WrapSecret>(again(WrapSecret{place(SecretKind::Password), Bytes(99)}));
    EXPECT_EQ(wrap.place, place(SecretKind::Password));
    EXPECT_EQ(wrap.sealed.size(), 99U);
    // By way of the keyring, as the keyholder answers.
    Keyring ring({m_key}, keys::PrivateKey::generate(keys::KeyKind::Ed25519));
    const auto now = std::chrono::system_clock::now();
    EXPECT_THAT(said(ring.answer(OpenPassword{credential}, now)), HasSubstr("no wrapping key"));
    ring.wrap_with(m_wrapping);
    EXPECT_EQ(said(ring.answer(OpenPassword{stored(SecretKind::Password, "p")}, now)), "done");
}

}  // namespace
}  // namespace sekisho::keyholder
