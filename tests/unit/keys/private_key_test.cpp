#include "keys/private_key.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::keys {
namespace {

const KeyKind kKinds[] = {KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521, KeyKind::Rsa};

TEST(PrivateKey, FilesOfSshKeygenAreReadAndSign) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const auto& kind : test::kKeygenKinds) {
        folder.run(std::string("ssh-keygen -q -N '' -C me@here ") + kind.arguments + " -f " + kind.name);
        const auto key = load_private_key(folder.path(kind.name));
        ASSERT_TRUE(key) << kind.name << ": " << key.error().full();
        const auto listed = PublicKey::from_line(folder.read(std::string(kind.name) + ".pub"));
        EXPECT_EQ(key->public_key(), listed.value());
        for (const std::string& algorithm : listed->algorithms()) {
            const auto signature = key->sign(algorithm, base::view("message"));
            ASSERT_TRUE(signature) << algorithm;
            EXPECT_TRUE(listed->verify(algorithm, base::view("message"), *signature)) << algorithm;
        }
    }
}

TEST(PrivateKey, SshKeygenReadsOurFilesAndSignsWithThem) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (KeyKind kind : kKinds) {
        const std::string name = "ours-" + std::string(blob_name(kind));
        const PrivateKey key = PrivateKey::generate(kind);
        ASSERT_TRUE(save_private_key(folder.path(name), key, "made by us"));
        EXPECT_EQ(folder.run("ssh-keygen -y -f " + name), key.public_key().line("made by us") + "\n");
        EXPECT_EQ(folder.read(name + ".pub"), key.public_key().line("made by us") + "\n");
        // OpenSSH signs with our private key and verifies by our public line: the numbers belong together.
        folder.write("signers", "me " + key.public_key().line() + "\n");
        folder.run("rm -f m.sig; printf x >m && ssh-keygen -q -Y sign -n file -f " + name + " m");
        folder.run("ssh-keygen -Y verify -f signers -I me -n file -s m.sig <m");
    }
}

TEST(PrivateKey, FilesOfManyKeysSurviveTheWayThroughText) {
    // ECDSA scalars and RSA numbers with leading zeros or a top bit are chance; many keys meet them.
    for (int i = 0; i < 300; ++i) {
        const PrivateKey key = PrivateKey::generate(kKinds[i % 4]);
        const Secret text = key.to_openssh(std::string(static_cast<std::size_t>(i % 17), 'c'));
        const auto again = PrivateKey::from_openssh(base::text_view(text.bytes()));
        ASSERT_TRUE(again) << again.error().full();
        EXPECT_EQ(again->public_key(), key.public_key());
        const std::string algorithm = key.public_key().algorithms().front();
        EXPECT_TRUE(key.public_key().verify(algorithm, base::view("m"), again->sign(algorithm, base::view("m")).value()));
    }
}

TEST(PrivateKey, SignsOnlyWithItsOwnAlgorithms) {
    const PrivateKey key = PrivateKey::generate(KeyKind::Rsa, 2048);
    EXPECT_FALSE(key.sign("ssh-rsa", base::view("m")));
    EXPECT_FALSE(key.sign("ssh-ed25519", base::view("m")));
    EXPECT_FALSE(key.sign("", base::view("m")));
    EXPECT_TRUE(key.sign("rsa-sha2-512", base::view("m")));
}

TEST(PrivateKey, PassphrasesAndOtherFormatsAreRefusedWithAReason) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("ssh-keygen -q -N secret -t ed25519 -f locked; ssh-keygen -q -N '' -t rsa -b 2048 -m PEM -f pem");
    const auto locked = load_private_key(folder.path("locked"));
    ASSERT_FALSE(locked);
    EXPECT_NE(locked.error().text.find("passphrase"), std::string::npos) << locked.error().text;
    const auto pem = PrivateKey::from_openssh(folder.read("pem"));
    ASSERT_FALSE(pem);
    EXPECT_NE(pem.error().text.find("not an OpenSSH private key"), std::string::npos) << pem.error().text;
}

/// The bytes behind the armour, changed, and armoured again.
std::string armoured(BytesView bytes) {
    return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + base::base64(bytes) + "\n-----END OPENSSH PRIVATE KEY-----\n";
}

Bytes unarmoured(const PrivateKey& key) {
    const Secret text = key.to_openssh("");
    std::string digits;
    std::string_view rest = base::text_view(text.bytes());
    rest.remove_prefix(rest.find('\n'));
    rest = rest.substr(0, rest.find("-----END"));
    for (char c : rest) {
        if (c != '\n') digits += c;
    }
    return base::from_base64(digits).value();
}

TEST(PrivateKey, EveryChangedOrMissingByteIsRefused) {
    for (KeyKind kind : kKinds) {
        const PrivateKey key = PrivateKey::generate(kind, 2048);
        const Bytes good = unarmoured(key);
        ASSERT_TRUE(PrivateKey::from_openssh(armoured(good)));
        for (std::size_t at = 0; at < good.size(); ++at) {
            Bytes changed = good;
            changed[at] ^= std::byte{0x01};
            const auto read = PrivateKey::from_openssh(armoured(changed));
            if (!read) continue;
            // Where one byte of padding follows the empty comment, a length of 1 makes it the comment: nothing of the key changes.
            const bool comment = at + 2 == good.size() && good.back() == std::byte{1} && good[at] == std::byte{0};
            EXPECT_TRUE(comment) << blob_name(kind) << " byte " << at << " of " << good.size();
            EXPECT_TRUE(std::ranges::equal(read->public_key().blob(), key.public_key().blob()));
        }
        for (std::size_t size = 0; size < good.size(); size += 7) {
            EXPECT_FALSE(PrivateKey::from_openssh(armoured(BytesView(good).first(size))));
        }
    }
    EXPECT_FALSE(PrivateKey::from_openssh(""));
    EXPECT_FALSE(PrivateKey::from_openssh("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    EXPECT_FALSE(PrivateKey::from_openssh(std::string(70000, 'A')));
}

TEST(KeyFile, ModesAndExistingFilesAreRespected) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    const PrivateKey key = PrivateKey::generate(KeyKind::Ed25519);
    const auto path = folder.path("key");
    ASSERT_TRUE(save_private_key(path, key, "c"));
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    ASSERT_EQ(::stat(folder.path("key.pub").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0644U);
    EXPECT_EQ(folder.run("ls | wc -l"), "2\n") << "temporary files are left";

    const std::string before = folder.read("key");
    EXPECT_FALSE(save_private_key(path, PrivateKey::generate(KeyKind::Ed25519), "c"));
    EXPECT_EQ(folder.read("key"), before);
    EXPECT_EQ(folder.run("ls | wc -l"), "2\n");
    ASSERT_TRUE(load_private_key(path));

    for (const mode_t mode : {0640U, 0604U, 0660U, 0644U, 0601U}) {
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const auto open_to_others = load_private_key(path);
        ASSERT_FALSE(open_to_others);
        EXPECT_NE(open_to_others.error().text.find("0600"), std::string::npos);
    }
    ASSERT_EQ(::chmod(path.c_str(), 0400), 0);
    EXPECT_TRUE(load_private_key(path));
    EXPECT_FALSE(load_private_key(folder.path("missing")));
    EXPECT_FALSE(load_private_key(folder.path("")));
    folder.run("mkfifo -m 600 pipe; head -c 70000 /dev/zero >big; chmod 600 big");
    EXPECT_FALSE(load_private_key(folder.path("pipe")));
    EXPECT_FALSE(load_private_key(folder.path("big")));
    EXPECT_FALSE(save_private_key(folder.path("no/such/folder"), key, "c"));
}

}  // namespace
}  // namespace sekisho::keys
