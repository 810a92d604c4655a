// Keys in security keys (PROTOCOL.u2f), with OpenSSH's own software security key as the other implementation, and with
// signatures put together here byte by byte where it makes none (no touch, PIN given).
#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/signature.h"
#include "keys/authorized_key.h"
#include "keys/certificate.h"
#include "keys/private_key.h"
#include "tests/unit/keys/ssh_keygen.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

constexpr const char* kProvider = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

#define SEKISHO_SOFTWARE_SECURITY_KEY_OR_SKIP(folder)                                                                    \
    if (!std::filesystem::exists(kProvider)) GTEST_SKIP() << "no software security key: openssh-tests is not installed"; \
    SEKISHO_KEYGEN_OR_SKIP(folder)

struct SkKind {
    const char* type;  // of ssh-keygen
    KeyKind kind;
};
constexpr SkKind kSkKinds[] = {{"ed25519-sk", KeyKind::SkEd25519}, {"ecdsa-sk", KeyKind::SkEcdsaP256}};

std::string make(const std::string& type, const std::string& more = "") {
    return "ssh-keygen -q -N '' -C c -t " + type + " -w " + kProvider + " -f " + type + " " + more;
}

/// OpenSSH PROTOCOL.sshsig: what is signed, and the signature blob out of the armour.
Bytes sshsig_message(std::string_view space, std::string_view message) {
    wire::Writer out;
    out.raw(base::view("SSHSIG")).string(space).string("").string("sha512");
    out.string(crypto::digest(crypto::HashKind::Sha512, {base::view(message)}));
    return out.take();
}

Bytes sshsig_signature(const std::string& armour) {
    std::string digits;
    for (std::size_t at = 0; at < armour.size();) {
        const std::string line = armour.substr(at, armour.find('\n', at) - at);
        if (!line.starts_with("-----")) digits += line;
        at += line.size() + 1;
    }
    const Bytes all = base::from_base64(digits).value();
    wire::Reader reader(all);
    reader.raw(6);
    reader.u32();
    reader.string();  // public key
    reader.string();  // namespace
    reader.string();  // reserved
    reader.string();  // hash
    return base::to_bytes(reader.string());
}

TEST(SecurityKey, LinesAndFingerprintsAreThoseOfSshKeygen) {
    SEKISHO_SOFTWARE_SECURITY_KEY_OR_SKIP(folder);
    for (const auto& [type, kind] : kSkKinds) {
        folder.run(make(type));
        const std::string line = folder.read(std::string(type) + ".pub");
        const auto key = PublicKey::from_line(line);
        ASSERT_TRUE(key) << key.error().full();
        EXPECT_EQ(key->kind(), kind);
        EXPECT_TRUE(is_security_key(key->kind()));
        EXPECT_EQ(key->application(), "ssh:");
        EXPECT_EQ(key->line("c") + "\n", line);
        EXPECT_EQ(key->algorithms(), std::vector<std::string>{std::string(blob_name(kind))});
        const std::string listed = folder.run(std::string("ssh-keygen -l -f ") + type + ".pub");
        EXPECT_NE(listed.find(" " + key->fingerprint() + " "), std::string::npos) << listed;
        EXPECT_NE(listed.find("(" + std::string(short_name(kind)) + ")"), std::string::npos) << listed;
        const auto authorized = parse_authorized_key("verify-required " + line);
        ASSERT_TRUE(authorized) << authorized.error().full();
        EXPECT_EQ(authorized->key, *key);
        const auto secret = load_private_key(folder.path(type));
        ASSERT_FALSE(secret);
        EXPECT_NE(secret.error().text.find("security key"), std::string::npos) << secret.error().text;
    }
}

TEST(SecurityKey, SignaturesOfOpensshAreVerifiedWithTheirFlags) {
    SEKISHO_SOFTWARE_SECURITY_KEY_OR_SKIP(folder);
    for (const auto& [type, kind] : kSkKinds) {
        folder.run(make(type) + " && printf 'the message' >m");
        folder.run(std::string("SSH_SK_PROVIDER=") + kProvider + " ssh-keygen -q -Y sign -n file -f " + type + " m");
        const PublicKey key = PublicKey::from_line(folder.read(std::string(type) + ".pub")).value();
        const std::string algorithm = key.algorithms().front();
        const Bytes signature = sshsig_signature(folder.read("m.sig"));
        const Bytes message = sshsig_message("file", "the message");
        const auto details = key.verify_details(algorithm, message, signature);
        ASSERT_TRUE(details) << details.error().full();
        EXPECT_TRUE(details->touched);
        EXPECT_FALSE(details->pin_verified);
        EXPECT_TRUE(key.verify(algorithm, message, signature));
        const auto without_pin = key.verify(algorithm, message, signature, {.touch = true, .pin = true});
        ASSERT_FALSE(without_pin);
        EXPECT_NE(without_pin.error().text.find("PIN"), std::string::npos);
        EXPECT_FALSE(key.verify(algorithm, sshsig_message("file", "the messagf"), signature));
        EXPECT_FALSE(key.verify(certificate_name(algorithm), message, signature));
        // Flags and counter are signed too: a byte changed anywhere, or cut off, is no signature.
        for (std::size_t at = 0; at < signature.size(); ++at) {
            Bytes changed = signature;
            changed[at] ^= std::byte{0x04};
            EXPECT_FALSE(key.verify_details(algorithm, message, changed)) << type << " byte " << at;
            EXPECT_FALSE(key.verify_details(algorithm, message, BytesView(signature).first(at)));
        }
        folder.run("rm -f m.sig");
    }
}

/// A security key made here: it can be told not to wait for a touch.
struct OwnSecurityKey {
    crypto::SigningKey signer = crypto::SigningKey::generate_ed25519();
    std::string application = "ssh:";

    PublicKey public_key() const {
        wire::Writer blob;
        blob.string("sk-ssh-ed25519@openssh.com").string(signer.ed25519_public()).string(application);
        return PublicKey::from_blob(blob.bytes()).value();
    }
    Bytes sign(std::uint8_t flags, std::uint32_t counter, BytesView message, std::string_view signed_for) const {
        wire::Writer data;
        data.raw(crypto::sha256({base::view(signed_for)})).byte(flags).u32(counter).raw(crypto::sha256({message}));
        wire::Writer out;
        out.string("sk-ssh-ed25519@openssh.com").string(signer.sign_ed25519(data.bytes())).byte(flags).u32(counter);
        return out.take();
    }
};

TEST(SecurityKey, WithoutTouchItIsNoSignatureUnlessToldSo) {
    const OwnSecurityKey own;
    const PublicKey key = own.public_key();
    const std::string algorithm = key.algorithms().front();
    const BytesView message = base::view("m");
    const Bytes untouched = own.sign(0, 7, message, "ssh:");
    const auto refused = key.verify(algorithm, message, untouched);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find("touched"), std::string::npos) << refused.error().text;
    EXPECT_TRUE(key.verify(algorithm, message, untouched, {.touch = false}));
    const auto details = key.verify_details(algorithm, message, untouched);
    ASSERT_TRUE(details);
    EXPECT_FALSE(details->touched);
    EXPECT_EQ(details->counter, 7U);

    const Bytes with_pin = own.sign(0x05, 0xffffffff, message, "ssh:");
    EXPECT_TRUE(key.verify(algorithm, message, with_pin, {.touch = true, .pin = true}));
    EXPECT_EQ(key.verify_details(algorithm, message, with_pin)->counter, 0xffffffffU);
    const Bytes pin_only = own.sign(0x04, 1, message, "ssh:");
    EXPECT_FALSE(key.verify(algorithm, message, pin_only, {.touch = true, .pin = true}));
    // A signature that a web page had the security key make is for another application.
    EXPECT_FALSE(key.verify(algorithm, message, own.sign(0x05, 1, message, "https://example.com")));
}

TEST(SecurityKey, APlainKeyHasNothingToShow) {
    const PrivateKey key = PrivateKey::generate(KeyKind::Ed25519);
    const Bytes signature = key.sign("ssh-ed25519", base::view("m")).value();
    EXPECT_TRUE(key.public_key().verify("ssh-ed25519", base::view("m"), signature, {.touch = true, .pin = true}));
    const auto details = key.public_key().verify_details("ssh-ed25519", base::view("m"), signature);
    ASSERT_TRUE(details);
    EXPECT_FALSE(details->touched);
    EXPECT_EQ(key.public_key().application(), "");
    // The five bytes of flags and counter do not belong behind a plain signature.
    wire::Writer longer;
    longer.raw(signature).byte(1).u32(1);
    EXPECT_FALSE(key.public_key().verify("ssh-ed25519", base::view("m"), longer.bytes()));
}

TEST(SecurityKey, CertificatesInBothDirections) {
    SEKISHO_SOFTWARE_SECURITY_KEY_OR_SKIP(folder);
    folder.run("ssh-keygen -q -N '' -t ed25519 -f ca");
    const PrivateKey authority = load_private_key(folder.path("ca")).value();
    for (const auto& [type, kind] : kSkKinds) {
        folder.run(make(type) + " && ssh-keygen -q -s ca -I id -n alice -O verify-required -z 9 " + type + ".pub");
        std::string line = folder.read(std::string(type) + "-cert.pub");
        const std::string name = line.substr(0, line.find(' '));
        line = line.substr(name.size() + 1);
        const auto certificate = Certificate::from_blob(base::from_base64(line.substr(0, line.find(' '))).value());
        ASSERT_TRUE(certificate) << certificate.error().full();
        EXPECT_EQ(certificate->blob_name(), name);
        EXPECT_EQ(name, certificate_name(blob_name(kind)));
        EXPECT_EQ(plain_name(name), blob_name(kind));
        const PublicKey key = PublicKey::from_line(folder.read(std::string(type) + ".pub")).value();
        EXPECT_EQ(certificate->key(), key);
        EXPECT_TRUE(certificate->check(CertificateUse::User, "alice", 2'000'000'000));

        CertificateFields fields;
        fields.key_id = "ours";
        fields.principals = {"alice"};
        fields.valid_before = ~0ULL;
        const Bytes unsigned_part = certificate_to_be_signed(key, authority.public_key(), fields, crypto::system_random());
        const Bytes blob = certificate_blob(unsigned_part, authority.sign("ssh-ed25519", unsigned_part).value());
        EXPECT_TRUE(Certificate::from_blob(blob));
        folder.write("ours-cert.pub", certificate_name(blob_name(kind)) + " " + base::base64(blob) + "\n");
        const std::string shown = folder.run("ssh-keygen -L -f ours-cert.pub");
        EXPECT_NE(shown.find(key.fingerprint()), std::string::npos) << shown;
        EXPECT_NE(shown.find("Key ID: \"ours\""), std::string::npos) << shown;
    }
}

TEST(SecurityKey, ASecurityKeyCanBeTheAuthority) {
    SEKISHO_SOFTWARE_SECURITY_KEY_OR_SKIP(folder);
    folder.run("ssh-keygen -q -N '' -t ed25519 -f user");
    for (const auto& [type, kind] : kSkKinds) {
        folder.run(make(type));
        folder.run(std::string("SSH_SK_PROVIDER=") + kProvider + " ssh-keygen -q -s " + type + " -I id -n alice user.pub");
        std::string line = folder.read("user-cert.pub");
        line = line.substr(line.find(' ') + 1);
        const auto certificate = Certificate::from_blob(base::from_base64(line.substr(0, line.find(' '))).value());
        ASSERT_TRUE(certificate) << certificate.error().full();
        EXPECT_EQ(certificate->authority().kind(), kind);
    }
}

TEST(SecurityKey, MalformedBlobsAreRefused) {
    const Bytes good = base::to_bytes(OwnSecurityKey().public_key().blob());
    for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(PublicKey::from_blob(BytesView(good).first(size)));
    wire::Writer longer;
    longer.raw(good).byte(0);
    EXPECT_FALSE(PublicKey::from_blob(longer.bytes()));
    wire::Writer no_application;
    no_application.string("sk-ssh-ed25519@openssh.com").string(OwnSecurityKey().signer.ed25519_public());
    EXPECT_FALSE(PublicKey::from_blob(no_application.bytes()));
}

}  // namespace
}  // namespace sekisho::keys
