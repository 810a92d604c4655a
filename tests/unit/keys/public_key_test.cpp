#include "keys/public_key.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "keys/private_key.h"
#include "tests/unit/keys/ssh_keygen.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

const KeyKind kKinds[] = {KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521, KeyKind::Rsa};

/// One key of each kind, made once: RSA takes its time.
const PrivateKey& test_key(KeyKind kind) {
    static const std::vector<PrivateKey> keys = [] {
        std::vector<PrivateKey> out;
        for (KeyKind k : kKinds) out.push_back(PrivateKey::generate(k, 2048));
        return out;
    }();
    return keys[static_cast<std::size_t>(std::ranges::find(kKinds, kind) - std::begin(kKinds))];
}

Bytes signature_blob(std::string_view algorithm, BytesView value) {
    wire::Writer out;
    out.string(algorithm).string(value);
    return out.take();
}

Bytes signature_value(BytesView blob) {
    wire::Reader reader(blob);
    reader.string();
    return base::to_bytes(reader.string());
}

TEST(PublicKey, LinesAndFingerprintsAreThoseOfSshKeygen) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const auto& kind : test::kKeygenKinds) {
        folder.run(std::string("ssh-keygen -q -N '' -C 'a comment' ") + kind.arguments + " -f " + kind.name);
        const std::string line = folder.read(std::string(kind.name) + ".pub");
        const auto key = PublicKey::from_line(line);
        ASSERT_TRUE(key) << kind.name << ": " << key.error().full();
        EXPECT_EQ(key->line("a comment") + "\n", line);
        // "256 SHA256:… a comment (ED25519)"
        const std::string listed = folder.run(std::string("ssh-keygen -l -f ") + kind.name + ".pub");
        EXPECT_NE(listed.find(fmt::format(" {} ", key->fingerprint())), std::string::npos) << listed;
        EXPECT_NE(listed.find(fmt::format("({})", short_name(key->kind()))), std::string::npos) << listed;
    }
}

TEST(PublicKey, VerifiesItsOwnKindsSignaturesOnly) {
    const Bytes message = base::to_bytes("to be signed");
    for (KeyKind kind : kKinds) {
        const PrivateKey& key = test_key(kind);
        for (const std::string& algorithm : key.public_key().algorithms()) {
            const auto signature = key.sign(algorithm, message);
            ASSERT_TRUE(signature);
            EXPECT_TRUE(key.public_key().verify(algorithm, message, *signature)) << algorithm;
            EXPECT_FALSE(key.public_key().verify(algorithm, base::to_bytes("to be signee"), *signature)) << algorithm;
            EXPECT_FALSE(PrivateKey::generate(kind, 2048).public_key().verify(algorithm, message, *signature)) << algorithm;
            for (KeyKind other : kKinds) {
                if (other == kind) continue;
                EXPECT_FALSE(test_key(other).public_key().verify(algorithm, message, *signature));
                for (const std::string& wrong : test_key(other).public_key().algorithms()) {
                    EXPECT_FALSE(key.public_key().verify(wrong, message, *signature)) << wrong;
                }
            }
        }
    }
}

TEST(PublicKey, EveryFlippedByteOfASignatureIsRefused) {
    const Bytes message = base::to_bytes("to be signed");
    for (KeyKind kind : kKinds) {
        const PrivateKey& key = test_key(kind);
        const std::string algorithm = key.public_key().algorithms().front();
        const Bytes signature = key.sign(algorithm, message).value();
        for (std::size_t at = 0; at < signature.size(); ++at) {
            Bytes changed = signature;
            changed[at] ^= std::byte{0x40};
            EXPECT_FALSE(key.public_key().verify(algorithm, message, changed)) << algorithm << " byte " << at;
        }
        for (std::size_t size = 0; size < signature.size(); ++size) {
            EXPECT_FALSE(key.public_key().verify(algorithm, message, BytesView(signature).first(size)));
        }
        Bytes longer = signature;
        longer.push_back(std::byte{0});
        EXPECT_FALSE(key.public_key().verify(algorithm, message, longer));
    }
}

TEST(PublicKey, AnnouncedAndSignedAlgorithmMustAgree) {
    const PrivateKey& rsa = test_key(KeyKind::Rsa);
    const Bytes message = base::to_bytes("m");
    const Bytes with256 = rsa.sign("rsa-sha2-256", message).value();
    EXPECT_TRUE(rsa.public_key().verify("rsa-sha2-256", message, with256));
    EXPECT_FALSE(rsa.public_key().verify("rsa-sha2-512", message, with256));
    EXPECT_FALSE(rsa.public_key().verify("rsa-sha2-512", message, signature_blob("rsa-sha2-512", signature_value(with256))));
    EXPECT_FALSE(rsa.public_key().verify("rsa-sha2-256-cert-v01@openssh.com", message, with256));
}

// A genuine SHA-1 signature, by openssl(1), so that nothing but the refusal of ssh-rsa can make this fail.
TEST(PublicKey, Sha1IsRefusedAlthoughTheSignatureIsGenuine) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("ssh-keygen -q -N '' -t rsa -b 2048 -m PEM -f k && printf message >m");
    folder.run("openssl dgst -sha1 -sign k -out s1 m && openssl dgst -sha256 -sign k -out s256 m");
    const auto key = PublicKey::from_line(folder.read("k.pub"));
    ASSERT_TRUE(key);
    const Bytes message = base::to_bytes("message");
    const Bytes sha1 = base::to_bytes(folder.read("s1"));
    EXPECT_FALSE(key->verify("ssh-rsa", message, signature_blob("ssh-rsa", sha1)));
    EXPECT_FALSE(key->verify("rsa-sha2-256", message, signature_blob("ssh-rsa", sha1)));
    EXPECT_FALSE(key->verify("rsa-sha2-256", message, signature_blob("rsa-sha2-256", sha1)));
    const Bytes sha256 = base::to_bytes(folder.read("s256"));
    EXPECT_TRUE(key->verify("rsa-sha2-256", message, signature_blob("rsa-sha2-256", sha256)));
}

TEST(PublicKey, AnRsaSignatureWithoutItsLeadingZerosIsAccepted) {
    const PrivateKey& rsa = test_key(KeyKind::Rsa);
    // One signature in 256 starts with a zero byte; messages are tried until one does.
    for (int i = 0; i < 20000; ++i) {
        const Bytes message = base::to_bytes(std::to_string(i));
        Bytes value = signature_value(rsa.sign("rsa-sha2-256", message).value());
        ASSERT_EQ(value.size(), 256U);
        if (value.front() != std::byte{0}) continue;
        value.erase(value.begin());
        EXPECT_TRUE(rsa.public_key().verify("rsa-sha2-256", message, signature_blob("rsa-sha2-256", value)));
        value.insert(value.begin(), 2, std::byte{0});
        EXPECT_FALSE(rsa.public_key().verify("rsa-sha2-256", message, signature_blob("rsa-sha2-256", value))) << "too long";
        return;
    }
    FAIL() << "no signature with a leading zero in 20000";
}

Bytes rsa_blob(BytesView e, BytesView n) {
    wire::Writer out;
    out.string("ssh-rsa").mpint(e).mpint(n);
    return out.take();
}

TEST(PublicKey, UnusableRsaNumbersAreRefused) {
    const Bytes e = {std::byte{1}, std::byte{0}, std::byte{1}};
    Bytes n(256, std::byte{0xff});
    EXPECT_TRUE(PublicKey::from_blob(rsa_blob(e, n)));
    EXPECT_FALSE(PublicKey::from_blob(rsa_blob(e, BytesView(n).first(255)))) << "2040 bits";
    EXPECT_FALSE(PublicKey::from_blob(rsa_blob(e, Bytes(2049, std::byte{0xff})))) << "16392 bits";
    EXPECT_TRUE(PublicKey::from_blob(rsa_blob(e, Bytes(2048, std::byte{0xff})))) << "16384 bits";
    EXPECT_FALSE(PublicKey::from_blob(rsa_blob({}, n))) << "e = 0";
    EXPECT_FALSE(PublicKey::from_blob(rsa_blob(Bytes{std::byte{1}}, n))) << "e = 1";
    EXPECT_FALSE(PublicKey::from_blob(rsa_blob(Bytes{std::byte{4}}, n))) << "e even";
    EXPECT_FALSE(PublicKey::from_blob(rsa_blob(Bytes(9, std::byte{0x7f}), n))) << "e over 64 bits";
    n.back() = std::byte{0xfe};
    EXPECT_FALSE(PublicKey::from_blob(rsa_blob(e, n))) << "n even";
}

TEST(PublicKey, MalformedBlobsAreRefused) {
    for (KeyKind kind : kKinds) {
        const Bytes good = base::to_bytes(test_key(kind).public_key().blob());
        EXPECT_TRUE(PublicKey::from_blob(good));
        for (std::size_t size = 0; size < good.size(); ++size) {
            EXPECT_FALSE(PublicKey::from_blob(BytesView(good).first(size)));
        }
        Bytes longer = good;
        longer.push_back(std::byte{0});
        EXPECT_FALSE(PublicKey::from_blob(longer));
    }
    Bytes off_curve = base::to_bytes(test_key(KeyKind::EcdsaP256).public_key().blob());
    off_curve.back() ^= std::byte{1};
    EXPECT_FALSE(PublicKey::from_blob(off_curve));
    wire::Writer mixed;
    wire::Reader p256(test_key(KeyKind::EcdsaP256).public_key().blob());
    p256.string();
    mixed.string("ecdsa-sha2-nistp384").raw(p256.rest());
    EXPECT_FALSE(PublicKey::from_blob(mixed.bytes()));
    wire::Writer unknown;
    unknown.string("ssh-dss").string("x");
    EXPECT_FALSE(PublicKey::from_blob(unknown.bytes()));
}

TEST(PublicKey, ALineMustSayTheKindOfItsBlob) {
    const PublicKey& key = test_key(KeyKind::Ed25519).public_key();
    const std::string base64 = key.line().substr(std::string("ssh-ed25519 ").size());
    EXPECT_TRUE(PublicKey::from_line("  ssh-ed25519\t" + base64 + "  c o m m e n t \r\n"));
    EXPECT_FALSE(PublicKey::from_line("ssh-rsa " + base64));
    EXPECT_FALSE(PublicKey::from_line("ssh-ed25519 " + base64.substr(1)));
    EXPECT_FALSE(PublicKey::from_line("ssh-ed25519"));
    EXPECT_FALSE(PublicKey::from_line(""));
    EXPECT_FALSE(PublicKey::from_line("restrict ssh-ed25519 " + base64)) << "options belong to authorized_key";
    EXPECT_EQ(PublicKey::from_line(key.line()).value(), key);
}

}  // namespace
}  // namespace sekisho::keys
