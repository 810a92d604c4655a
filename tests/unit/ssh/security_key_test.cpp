// Keys in security keys as user keys. The signatures are put together here byte by byte, as PROTOCOL.u2f has them, since no
// software security key signs without a touch, or with a PIN.
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/signature.h"
#include "keys/certificate.h"
#include "keys/private_key.h"
#include "ssh/auth_server.h"
#include "wire/writer.h"

namespace sekisho {
namespace {

using Method = ssh::AuthRequested::Method;

constexpr std::string_view kName = "sk-ssh-ed25519@openssh.com";
constexpr std::uint8_t kTouched = 1, kPin = 4;

/// PROTOCOL.u2f in software.
class SecurityKey {
public:
    Bytes blob() const { return wire::Writer().string(kName).string(m_key.ed25519_public()).string("ssh:").take(); }
    Bytes sign(BytesView message, std::uint8_t flags) const {
        wire::Writer data;
        data.raw(crypto::sha256({base::view("ssh:")})).byte(flags).u32(7).raw(crypto::sha256({message}));
        return wire::Writer().string(kName).string(m_key.sign_ed25519(data.bytes())).byte(flags).u32(7).take();
    }

private:
    crypto::SigningKey m_key = crypto::SigningKey::generate_ed25519();
};

ssh::AuthRequested sign_in(const SecurityKey& key, std::string_view algorithm, const Bytes& blob, std::uint8_t flags,
                           bool accept_untouched = false, bool forged = false) {
    ssh::Config config;
    config.accept_untouched = accept_untouched;
    ssh::Core core(config, TimePoint{});
    core.session_id = Bytes(32, std::byte{1});
    ssh::AuthServer server(core);
    const Bytes data = ssh::public_key_signed_data(core.session_id, "alice", "publickey", algorithm, blob, {});
    Bytes signature = key.sign(data, flags);
    if (forged) signature.back() ^= std::byte{1};  // the counter is signed, too
    EXPECT_TRUE(
        server.receive_request(ssh::encode_public_key_request("alice", "publickey", algorithm, blob, {}, signature), {}).has_value());
    auto event = core.events.pop();
    if (!event) return {};
    return std::get<ssh::AuthRequested>(*event);
}

TEST(SecurityKeySignIn, TouchAndPinAreHandedToTheOwner) {
    const SecurityKey key;
    const auto touched = sign_in(key, kName, key.blob(), kTouched);
    EXPECT_EQ(touched.method, Method::PublicKey);
    EXPECT_TRUE(touched.proof.touched);
    EXPECT_FALSE(touched.proof.pin_verified);
    EXPECT_EQ(touched.proof.counter, 7U);
    EXPECT_TRUE(sign_in(key, kName, key.blob(), kTouched | kPin).proof.pin_verified);
}

TEST(SecurityKeySignIn, ASignatureWithoutTouchIsABadOneUnlessTheOwnerLooksItself) {
    const SecurityKey key;
    EXPECT_EQ(sign_in(key, kName, key.blob(), 0).method, Method::BadSignature);
    EXPECT_EQ(sign_in(key, kName, key.blob(), kPin).method, Method::BadSignature);
    const auto untouched = sign_in(key, kName, key.blob(), 0, true);
    EXPECT_EQ(untouched.method, Method::PublicKey);
    EXPECT_FALSE(untouched.proof.touched);
    EXPECT_EQ(sign_in(key, kName, key.blob(), kTouched, true, true).method, Method::BadSignature);
}

TEST(SecurityKeySignIn, WorksInsideACertificate) {
    const SecurityKey key;
    const auto authority = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    keys::CertificateFields fields;
    fields.principals = {"alice"};
    fields.valid_before = UINT64_MAX;
    const Bytes unsigned_part = keys::certificate_to_be_signed(keys::PublicKey::from_blob(key.blob()).value(),
                                                               authority.public_key(), fields, crypto::system_random());
    const Bytes blob = keys::certificate_blob(unsigned_part, authority.sign("ssh-ed25519", unsigned_part).value());
    const std::string name = "sk-ssh-ed25519-cert-v01@openssh.com";
    const auto good = sign_in(key, name, blob, kTouched);
    EXPECT_EQ(good.method, Method::PublicKey);
    EXPECT_EQ(good.algorithm, name);
    EXPECT_EQ(sign_in(SecurityKey(), name, blob, kTouched).method, Method::BadSignature);
}

}  // namespace
}  // namespace sekisho
