// Private keys behind a passphrase, and the PEM forms, with ssh-keygen and openssl(1) as the other implementations.
#include <gtest/gtest.h>

#include "crypto/bcrypt_pbkdf.h"
#include "crypto/blowfish.h"
#include "keys/private_key.h"
#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::keys {
namespace {

constexpr const char* kPassphrase = "correct horse";

void expect_signs_as(const PrivateKey& key, const PublicKey& listed) {
    EXPECT_EQ(key.public_key(), listed);
    for (const std::string& algorithm : listed.algorithms()) {
        const auto signature = key.sign(algorithm, base::view("message"));
        ASSERT_TRUE(signature) << algorithm;
        EXPECT_TRUE(listed.verify(algorithm, base::view("message"), *signature)) << algorithm;
    }
}

std::string refusal(const Result<PrivateKey>& key) { return key ? "" : key.error().text; }

TEST(Blowfish, TheFirstAndLastWordsOfPi) {
    // Schneier's tables: the first word of P, and the first and last of the boxes as any Blowfish lists them.
    const crypto::BlowfishState& start = crypto::blowfish_start();
    EXPECT_EQ(start.p[0], 0x243f6a88U);
    EXPECT_EQ(start.p[17], 0x8979fb1bU);
    EXPECT_EQ(start.s[0][0], 0xd1310ba6U);
    EXPECT_EQ(start.s[3][255], 0x3ac372e6U);
}

TEST(ProtectedKey, EveryCipherOfSshKeygenIsOpened) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const char* cipher : {"aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc",
             "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"}) {
        for (const auto& kind : test::kKeygenKinds) {
            if (std::string_view(cipher) != "aes256-ctr" && std::string_view(kind.name) != "ed25519" &&
                std::string_view(kind.name) != "ecdsa521") {
                continue;
            }
            folder.run(std::string("rm -f k k.pub; ssh-keygen -q -a 3 -C 'a comment' -N '") + kPassphrase + "' -Z " +
                       cipher + " " + kind.arguments + " -f k");
            const std::string text = folder.read("k");
            EXPECT_TRUE(PrivateKey::needs_passphrase(text));
            const auto key = PrivateKey::from_text(text, kPassphrase);
            ASSERT_TRUE(key) << cipher << ": " << key.error().full();
            expect_signs_as(*key, PublicKey::from_line(folder.read("k.pub")).value());
            EXPECT_NE(refusal(PrivateKey::from_text(text)).find("protected by a passphrase"), std::string::npos);
            EXPECT_NE(refusal(PrivateKey::from_text(text, "correct horsf")).find("passphrase is wrong"), std::string::npos);
        }
    }
}

TEST(ProtectedKey, TheDefaultsOfSshKeygenAreOpened) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run(std::string("ssh-keygen -q -N '") + kPassphrase + "' -t ed25519 -f k");
    const auto key = load_private_key(folder.path("k"), kPassphrase);
    ASSERT_TRUE(key) << key.error().full();
    expect_signs_as(*key, PublicKey::from_line(folder.read("k.pub")).value());
    EXPECT_NE(refusal(load_private_key(folder.path("k"))).find("passphrase"), std::string::npos);
}

TEST(ProtectedKey, SshKeygenOpensOurs) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (KeyKind kind : {KeyKind::Ed25519, KeyKind::EcdsaP521, KeyKind::Rsa}) {
        const PrivateKey key = PrivateKey::generate(kind, 2048);
        const Secret text = key.to_openssh("ours", kPassphrase);
        EXPECT_TRUE(PrivateKey::needs_passphrase(base::text_view(text.bytes())));
        folder.run("rm -f k; umask 077; touch k");
        folder.write("k", base::text_view(text.bytes()));
        EXPECT_EQ(
            folder.run(std::string("ssh-keygen -y -P '") + kPassphrase + "' -f k"), key.public_key().line("ours") + "\n");
        folder.run("! ssh-keygen -y -P wrong -f k");
        expect_signs_as(PrivateKey::from_text(base::text_view(text.bytes()), kPassphrase).value(), key.public_key());
    }
}

TEST(ProtectedKey, ADamagedFileIsRefused) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const char* cipher : {"aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"}) {
        folder.run(std::string("rm -f k k.pub; ssh-keygen -q -a 1 -N x -t ed25519 -f k -Z ") + cipher);
        std::string digits;
        for (const char c : folder.run("grep -v -e ----- k | tr -d '\\n'")) digits += c;
        const Bytes good = base::from_base64(digits).value();
        const auto open = [](BytesView bytes) {
            return PrivateKey::from_text(
                "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base::base64(bytes) + "\n-----END OPENSSH PRIVATE KEY-----\n", "x",
                {.bcrypt_rounds = 4});
        };
        ASSERT_TRUE(open(good));
        for (std::size_t at = 0; at < good.size(); ++at) {
            Bytes changed = good;
            changed[at] ^= std::byte{1};
            EXPECT_FALSE(open(changed)) << cipher << " byte " << at;
        }
        for (std::size_t size = 0; size < good.size(); size += 11) EXPECT_FALSE(open(BytesView(good).first(size)));
        Bytes longer = good;
        longer.push_back(std::byte{0});
        EXPECT_FALSE(open(longer));
    }
}

TEST(ProtectedKey, TooManyRoundsAreRefusedBeforeTheyAreDone) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("ssh-keygen -q -a 20 -N x -t ed25519 -f k");
    const std::string text = folder.read("k");
    EXPECT_TRUE(PrivateKey::from_text(text, "x", {.bcrypt_rounds = 20}));
    EXPECT_NE(refusal(PrivateKey::from_text(text, "x", {.bcrypt_rounds = 19})).find("20 rounds"), std::string::npos);
    EXPECT_EQ(UnlockCost{}.bcrypt_rounds, 10'000U);
    // The same file with 10001 written in place of its 20: refused at once by the default bound.
    std::string digits;
    for (const char c : folder.run("grep -v -e ----- k | tr -d '\\n'")) digits += c;
    Bytes bytes = base::from_base64(digits).value();
    const std::string_view marker{"\0\0\0\x14\0\0\0\x01", 8};  // 20 rounds, one key
    const std::size_t at = base::text_view(bytes).find(marker);
    ASSERT_NE(at, std::string_view::npos);
    bytes[at + 2] = std::byte{0x27};
    bytes[at + 3] = std::byte{0x11};
    const auto armoured =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base::base64(bytes) + "\n-----END OPENSSH PRIVATE KEY-----\n";
    EXPECT_NE(refusal(PrivateKey::from_text(armoured, "x")).find("10001 rounds"), std::string::npos);
}

TEST(PemKey, WhatSshKeygenWritesAsPemAndPkcs8IsRead) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const auto& kind : test::kKeygenKinds) {
        if (std::string_view(kind.name) == "ed25519") continue;  // OpenSSH writes those in its own form only
        for (const char* form : {"PEM", "PKCS8"}) {
            for (const char* passphrase : {"", kPassphrase}) {
                folder.run(std::string("rm -f k k.pub; ssh-keygen -q -m ") + form + " -N '" + passphrase + "' " +
                           kind.arguments + " -f k");
                const auto key = load_private_key(folder.path("k"), passphrase);
                ASSERT_TRUE(key) << form << " " << kind.name << ": " << key.error().full();
                expect_signs_as(*key, PublicKey::from_line(folder.read("k.pub")).value());
                const std::string text = folder.read("k");
                EXPECT_EQ(PrivateKey::needs_passphrase(text), *passphrase != '\0');
                if (*passphrase == '\0') continue;
                EXPECT_NE(refusal(PrivateKey::from_text(text)).find("protected by a passphrase"), std::string::npos);
                EXPECT_FALSE(PrivateKey::from_text(text, "correct horsf"));
            }
        }
    }
}

TEST(PemKey, WhatOpensslWritesIsRead) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const char* make :
        {"genpkey -algorithm ed25519", "genpkey -algorithm ed25519 -aes256 -pass pass:x",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -aes128 -pass pass:x", "ecparam -name secp521r1 -genkey",
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -aes256 -pass pass:x"}) {
        folder.run(std::string("umask 077; openssl ") + make + " -out k 2>/dev/null");
        const auto key = load_private_key(folder.path("k"), "x");
        ASSERT_TRUE(key) << make << ": " << key.error().full();
        folder.run("openssl pkey -in k -passin pass:x -pubout -out pub");
        const auto listed = PublicKey::from_any_text(folder.read("pub"));
        ASSERT_TRUE(listed) << make << ": " << listed.error().full();
        expect_signs_as(*key, *listed);
    }
}

TEST(PemKey, TooMuchWorkAndWeakOrForeignKeysAreRefused) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("openssl genpkey -algorithm ed25519 -out k");
    folder.run("openssl pkcs8 -topk8 -in k -v2 aes256 -iter 3000 -passout pass:x -out many");
    EXPECT_TRUE(PrivateKey::from_text(folder.read("many"), "x", {.pbkdf2_iterations = 3000}));
    EXPECT_NE(refusal(PrivateKey::from_text(folder.read("many"), "x", {.pbkdf2_iterations = 2999})).find("3000 iterations"),
        std::string::npos);
    folder.run("openssl pkcs8 -topk8 -in k -scrypt -passout pass:x -out scrypt");
    EXPECT_NE(refusal(PrivateKey::from_text(folder.read("scrypt"), "x")).find("unsupported way"), std::string::npos);
    for (const char* make :
        {"genpkey -algorithm ed448", "genpkey -algorithm X25519", "ecparam -name secp256k1 -genkey", "genrsa 1024"}) {
        folder.run(std::string("openssl ") + make + " >k 2>/dev/null");
        EXPECT_FALSE(PrivateKey::from_text(folder.read("k"))) << make;
    }
    EXPECT_FALSE(PrivateKey::from_text(""));
    EXPECT_FALSE(PrivateKey::from_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    EXPECT_FALSE(PrivateKey::from_text(std::string(70'000, 'A')));
}

}  // namespace
}  // namespace sekisho::keys
