// What is signed and what is not, whoever asks. Certificates are read by ssh-keygen, proofs verified by the engine's own client.
#include "keyholder/keyring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ssh/host_key_proof.h"
#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::keyholder {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const auto kSigningTime = std::chrono::system_clock::from_time_t(1'800'000'000);

keys::PrivateKey make_key(keys::KeyKind kind = keys::KeyKind::Ed25519) { return keys::PrivateKey::generate(kind, 2048); }

class KeyringTest : public testing::Test {
protected:
    std::string refusal(const Request& request) const {
        const auto answer = m_ring.answer(request, kSigningTime);
        return answer ? "signed" : answer.error().full();
    }
    CertificateWish wish() const {
        CertificateWish out;
        out.key = base::to_bytes(m_session.public_key().blob());
        out.principals = {"ubuntu"};
        out.key_id = "user=alice";
        out.extensions = {{"permit-pty", ""}};
        return out;
    }
    template <class Change>
    std::string refused(Change change) const {
        CertificateWish changed = wish();
        change(changed);
        return refusal(changed);
    }

    keys::PrivateKey m_host = make_key();
    keys::PrivateKey m_rsa = make_key(keys::KeyKind::Rsa);
    keys::PrivateKey m_ca = make_key();
    HostCertificateWish host_wish() const {
        return {.key = 1, .names = {"web1"}, .key_id = "target web1", .ahead = seconds(7200), .back = seconds(600)};
    }
    template <class Change>
    std::string host_refused(Change change) const {
        HostCertificateWish changed = host_wish();
        change(changed);
        return refusal(changed);
    }

    keys::PrivateKey m_host_ca = make_key();
    keys::PrivateKey m_session = make_key();
    Keyring m_ring{{m_host, m_rsa}, m_ca, m_host_ca};
};

TEST_F(KeyringTest, SignsExchangeHashes) {
    for (const std::size_t size : {32u, 48u, 64u}) {
        const Bytes hash(size, std::byte{3});
        const auto signature = m_ring.answer(SignExchange{1, "rsa-sha2-256", hash}, kSigningTime);
        ASSERT_TRUE(signature.has_value()) << signature.error().full();
        EXPECT_TRUE(m_rsa.public_key().verify("rsa-sha2-256", hash, *signature).has_value());
    }
}

TEST_F(KeyringTest, SignsNothingElseWithAHostKey) {
    for (const std::size_t size : {0u, 16u, 31u, 65u, 200u}) {
        EXPECT_THAT(refusal(SignExchange{0, "ssh-ed25519", Bytes(size)}), HasSubstr("not an exchange hash")) << size;
        EXPECT_THAT(refusal(ProveHostKey{0, "ssh-ed25519", Bytes(size)}), HasSubstr("not a session identifier")) << size;
    }
    EXPECT_THAT(refusal(SignExchange{2, "ssh-ed25519", Bytes(32)}), HasSubstr("no such host key"));
    EXPECT_THAT(refusal(ProveHostKey{2, "ssh-ed25519", Bytes(32)}), HasSubstr("no such host key"));
    EXPECT_THAT(refusal(SignExchange{1, "ssh-rsa", Bytes(32)}), HasSubstr("cannot sign with that algorithm"));
    EXPECT_THAT(refusal(SignExchange{0, "rsa-sha2-512", Bytes(32)}), HasSubstr("cannot sign with that algorithm"));
}

TEST_F(KeyringTest, BuildsTheProofOfAHostKeyItself) {
    const Bytes session_id(32, std::byte{5});
    const auto signature = m_ring.answer(ProveHostKey{0, "ssh-ed25519", session_id}, kSigningTime);
    ASSERT_TRUE(signature.has_value());
    const auto blob = m_host.public_key().blob();
    EXPECT_TRUE(ssh::verify_host_key_proof(session_id, blob, *signature).has_value());
    EXPECT_FALSE(ssh::verify_host_key_proof(session_id, m_ca.public_key().blob(), *signature).has_value());
    // What the engine asks to have signed names the same session, and an exchange hash names none.
    EXPECT_EQ(base::to_bytes(*ssh::session_id_of_host_key_proof(ssh::host_key_proof_data(session_id, blob))), session_id);
    EXPECT_FALSE(ssh::session_id_of_host_key_proof(Bytes(64)).has_value());
}

TEST_F(KeyringTest, CertifiesWithinBounds) {
    const auto blob = m_ring.answer(wish(), kSigningTime);
    ASSERT_TRUE(blob.has_value()) << blob.error().full();
    const auto certificate = keys::Certificate::from_blob(*blob);
    ASSERT_TRUE(certificate.has_value()) << certificate.error().full();
    EXPECT_EQ(certificate->key(), m_session.public_key());
    EXPECT_EQ(certificate->authority(), m_ca.public_key());
    EXPECT_EQ(certificate->fields().valid_after, 1'799'999'995u);
    EXPECT_EQ(certificate->fields().valid_before, 1'800'000'060u);
    EXPECT_EQ(certificate->fields().key_id, "user=alice");
    EXPECT_TRUE(certificate->check(keys::CertificateUse::User, "ubuntu", 1'800'000'000).has_value());
    EXPECT_FALSE(certificate->check(keys::CertificateUse::User, "root", 1'800'000'000).has_value());
    EXPECT_FALSE(certificate->check(keys::CertificateUse::User, "ubuntu", 1'800'000'060).has_value());
}

TEST_F(KeyringTest, SshKeygenReadsTheCertificate) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    CertificateWish narrow = wish();
    narrow.critical_options = {{"source-address", "192.0.2.0/24"}};
    const auto blob = m_ring.answer(narrow, kSigningTime);
    ASSERT_TRUE(blob.has_value());
    folder.write("c.pub", "ssh-ed25519-cert-v01@openssh.com " + base::base64(*blob) + "\n");
    const std::string shown = folder.run("TZ=UTC ssh-keygen -L -f c.pub");
    EXPECT_THAT(shown, HasSubstr("user certificate"));
    EXPECT_THAT(shown, HasSubstr("from 2027-01-15T07:59:55 to 2027-01-15T08:01:00"));
    EXPECT_THAT(shown, HasSubstr("source-address 192.0.2.0/24"));
    EXPECT_THAT(shown, HasSubstr(m_ca.public_key().fingerprint()));
}

TEST_F(KeyringTest, CertifiesItsOwnHostKeysForNames) {
    const auto blob = m_ring.answer(host_wish(), kSigningTime);
    ASSERT_TRUE(blob.has_value()) << blob.error().full();
    const auto certificate = keys::Certificate::from_blob(*blob);
    ASSERT_TRUE(certificate.has_value()) << certificate.error().full();
    EXPECT_EQ(certificate->key(), m_rsa.public_key());
    EXPECT_EQ(certificate->authority(), m_host_ca.public_key());
    EXPECT_EQ(m_ring.public_parts().host_ca, base::to_bytes(m_host_ca.public_key().blob()));
    EXPECT_TRUE(certificate->check(keys::CertificateUse::Host, "web1", 1'800'000'000).has_value());
    EXPECT_FALSE(certificate->check(keys::CertificateUse::User, "web1", 1'800'000'000).has_value());
    EXPECT_FALSE(certificate->check(keys::CertificateUse::Host, "web2", 1'800'000'000).has_value());
    EXPECT_FALSE(certificate->check(keys::CertificateUse::Host, "web1", 1'800'007'200).has_value());
}

TEST_F(KeyringTest, AHostCertificateIsForOwnKeysAndPlainNames) {
    EXPECT_THAT(host_refused([](auto& w) { w.key = 2; }), HasSubstr("no such host key"));
    EXPECT_THAT(host_refused([](auto& w) { w.names = {}; }), HasSubstr("without a name"));
    for (const char* name : {"", "*", "web?", "web1,web2", "web 1", "we\nb", "!web1", "@cert-authority"}) {
        EXPECT_THAT(host_refused([&](auto& w) { w.names = {"web1", name}; }), HasSubstr("not a host's")) << name;
    }
    EXPECT_THAT(host_refused([](auto& w) { w.names = std::vector<std::string>(17, "web1"); }), HasSubstr("too many names"));
    EXPECT_THAT(host_refused([](auto& w) { w.ahead = seconds(86401); }), HasSubstr("at most 86400 s ahead"));
    EXPECT_THAT(host_refused([](auto& w) { w.ahead = seconds(0); }), HasSubstr("at most 86400 s ahead"));
    EXPECT_THAT(host_refused([](auto& w) { w.back = seconds(3601); }), HasSubstr("at most 3600 s ago"));
    EXPECT_THAT(host_refused([](auto& w) { w.key_id = "a\nb"; }), HasSubstr("key id"));
    EXPECT_EQ(host_refused([](auto& w) { w.names = {"web1", "10.0.0.5", "fd00::1"}; }), "signed");
    const Keyring no_ca(std::vector<keys::PrivateKey>{m_host}, m_ca);
    const auto without = no_ca.answer(HostCertificateWish{0, {"web1"}, "", seconds(60), {}}, kSigningTime);
    ASSERT_FALSE(without.has_value());
    EXPECT_THAT(without.error().text, HasSubstr("no host CA"));
}

TEST_F(KeyringTest, ACertificateBeyondAMinuteIsRefusedWhoeverAsks) {
    EXPECT_THAT(refused([](auto& w) { w.ahead = seconds(61); }), HasSubstr("at most 60 s ahead"));
    EXPECT_THAT(refused([](auto& w) { w.ahead = seconds(0xffffffff); }), HasSubstr("at most 60 s ahead"));
    EXPECT_THAT(refused([](auto& w) { w.ahead = seconds(0); }), HasSubstr("at most 60 s ahead"));
    EXPECT_THAT(refused([](auto& w) { w.back = seconds(6); }), HasSubstr("at most 5 s ago"));
    EXPECT_EQ(refused([](auto& w) { w.back = seconds(5); }), "signed");
}

TEST_F(KeyringTest, ACertificateNamesWhomItIsFor) {
    EXPECT_THAT(refused([](auto& w) { w.principals = {}; }), HasSubstr("without a principal"));
    EXPECT_THAT(refused([](auto& w) { w.principals = {"ubuntu", ""}; }), HasSubstr("empty"));
    EXPECT_THAT(refused([](auto& w) { w.principals = {"ubuntu\nroot"}; }), HasSubstr("not printable"));
    EXPECT_THAT(refused([](auto& w) { w.principals = {std::string(257, 'a')}; }), HasSubstr("too long"));
    EXPECT_THAT(refused([](auto& w) { w.principals.assign(17, "ubuntu"); }), HasSubstr("too many"));
    EXPECT_THAT(refused([](auto& w) { w.key_id = std::string(1, '\0'); }), HasSubstr("key id"));
}

TEST_F(KeyringTest, ACertificateSaysNothingThatIsNotKnown) {
    EXPECT_THAT(
        refused([](auto& w) { w.critical_options = {{"no-such-option", "x"}}; }), HasSubstr("unknown critical option"));
    EXPECT_THAT(
        refused([](auto& w) { w.critical_options = {{"force-command", ""}}; }), HasSubstr("malformed critical option"));
    EXPECT_THAT(refused([](auto& w) { w.extensions = {{"permit-everything", ""}}; }), HasSubstr("unknown extension"));
    EXPECT_THAT(refused([](auto& w) { w.extensions = {{"permit-pty", "x"}}; }), HasSubstr("malformed extension"));
    EXPECT_THAT(refused([](auto& w) { w.extensions = {{"permit-pty", ""}, {"permit-pty", ""}}; }), HasSubstr("twice"));
}

TEST_F(KeyringTest, ACertificateIsForAPublicKeyThatIsNotOurs) {
    EXPECT_THAT(refused([](auto& w) { w.key = Bytes(40); }), HasSubstr("not a public key"));
    EXPECT_THAT(refused([&](auto& w) { w.key = base::to_bytes(m_ca.public_key().blob()); }), HasSubstr("own keys"));
    EXPECT_THAT(refused([&](auto& w) { w.key = base::to_bytes(m_host.public_key().blob()); }), HasSubstr("own keys"));
}

TEST(KeyringFiles, CertificatesStandBeforeTheirKeys) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run(
        "ssh-keygen -q -t ed25519 -N '' -f host && ssh-keygen -q -t ed25519 -N '' -f ca && ssh-keygen -q -t ed25519 -N '' "
        "-f other");
    folder.run("ssh-keygen -q -s other -I gw -h -n gw host.pub");
    const auto ring = Keyring::load({{folder.path("host")}, folder.path("ca")});
    ASSERT_TRUE(ring.has_value()) << ring.error().full();
    ASSERT_EQ(ring->public_parts().host_keys.size(), 2u);
    EXPECT_EQ(ring->public_parts().host_keys[0].algorithms.front(), "ssh-ed25519-cert-v01@openssh.com");
    EXPECT_EQ(ring->public_parts().host_keys[1].algorithms.front(), "ssh-ed25519");

    folder.run("cp host-cert.pub other-cert.pub");
    EXPECT_THAT(Keyring::load({{folder.path("other")}, folder.path("ca")}).error().text, HasSubstr("of another key"));
    EXPECT_THAT(
        Keyring::load({{folder.path("ca")}, folder.path("ca")}).error().text, HasSubstr("is the user CA's key, too"));
    EXPECT_THAT(Keyring::load({{folder.path("none")}, folder.path("ca")}).error().text, HasSubstr("host key "));
    EXPECT_THAT(Keyring::load({{folder.path("host")}, folder.path("none")}).error().text, HasSubstr("CA key: "));
    EXPECT_FALSE(Keyring::load({{}, folder.path("ca")}).has_value());
}

}  // namespace
}  // namespace sekisho::keyholder
