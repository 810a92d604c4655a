#include "keys/public_text.h"

#include <gtest/gtest.h>

#include "keys/authorized_key.h"
#include "keys/private_key.h"
#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::keys {
namespace {

std::string refusal(std::string_view text) {
    const auto parsed = parse_public_text(text);
    return parsed ? "" : parsed.error().text;
}

TEST(PublicText, EveryExportOfSshKeygenIsRead) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    const std::string comment = "a comment: with a colon, and so long that its header goes on in a second line and a third";
    for (const auto& kind : test::kKeygenKinds) {
        folder.run("rm -f k k.pub; ssh-keygen -q -N '' -C '" + comment + "' " + kind.arguments + " -f k");
        const PublicKey key = PublicKey::from_line(folder.read("k.pub")).value();
        for (const char* form : {"RFC4716", "PKCS8", "PEM"}) {
            const bool rfc = std::string_view(form) == "RFC4716";
            if (!rfc && key.kind() == KeyKind::Ed25519) continue;  // OpenSSH 9.2 cannot write it
            const auto read = parse_public_text(folder.run(std::string("ssh-keygen -e -f k.pub -m ") + form));
            ASSERT_TRUE(read) << kind.name << " " << form << ": " << read.error().full();
            EXPECT_EQ(read->key, key) << form;
            EXPECT_EQ(read->comment.empty(), !rfc);
        }
        EXPECT_EQ(PublicKey::from_any_text(folder.read("k.pub")).value(), key);
        EXPECT_EQ(parse_public_text(folder.read("k.pub"))->comment, comment);
    }
}

TEST(PublicText, SshKeygenReadsOurRfc4716) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    const std::string comment(150, 'c');
    for (KeyKind kind : {KeyKind::Ed25519, KeyKind::EcdsaP384, KeyKind::Rsa}) {
        const PublicKey key = PrivateKey::generate(kind, 2048).public_key();
        folder.write("k", rfc4716(key, comment));
        EXPECT_EQ(folder.run("ssh-keygen -i -m RFC4716 -f k"), key.line() + "\n");
        EXPECT_EQ(parse_public_text(rfc4716(key, comment))->comment, comment);
        EXPECT_EQ(parse_public_text(rfc4716(key, "with \" quote"))->comment, "");
        EXPECT_EQ(PublicKey::from_any_text(rfc4716(key)).value(), key);
    }
}

TEST(PublicText, Rfc4716HeadersAndLineEnds) {
    const PublicKey key = PrivateKey::generate(KeyKind::Ed25519).public_key();
    const std::string digits = base::base64(key.blob());
    const std::string begin = "---- BEGIN SSH2 PUBLIC KEY ----";
    const std::string end = "---- END SSH2 PUBLIC KEY ----";
    for (const std::string eol : {"\n", "\r\n", "\r"}) {
        // RFC 4716 §3.3: a private header, a continued line, a comment without quotes.
        const std::string text = "text before" + eol + begin + eol + "x-command: lock in guest \\" + eol + "more" + eol +
                                 "cOMMENT: me: here" + eol + digits.substr(0, 30) + eol + digits.substr(30) + eol + end +
                                 eol;
        const auto read = parse_public_text(text);
        ASSERT_TRUE(read) << read.error().full();
        EXPECT_EQ(read->key, key);
        EXPECT_EQ(read->comment, "me: here");
    }
    EXPECT_NE(refusal(begin + "\n" + digits + "\n"), "");
    EXPECT_NE(refusal(begin + "\nComment: \\\n" + end + "\n"), "");
    EXPECT_NE(refusal(begin + "\nComment: " + std::string(1025, 'c') + "\n" + digits + "\n" + end), "");
    EXPECT_NE(refusal(begin + "\n" + std::string(65, 't') + ": v\n" + digits + "\n" + end), "");
    EXPECT_NE(refusal(begin + "\n" + digits + "\nComment: late\n" + end), "") << "no header behind the key";
    EXPECT_NE(refusal(begin + "\n" + end), "");
}

TEST(PublicText, OpensslsFormsAreRead) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("openssl genpkey -algorithm ed25519 -out k && openssl pkey -in k -pubout -out pub");
    EXPECT_EQ(PublicKey::from_any_text(folder.read("pub")).value(), load_private_key(folder.path("k")).value().public_key());
    folder.run(
        "openssl ecparam -name prime256v1 -genkey -out e && openssl ec -in e -pubout -conv_form compressed -out epub");
    EXPECT_EQ(
        PublicKey::from_any_text(folder.read("epub")).value(), PrivateKey::from_text(folder.read("e")).value().public_key());
    for (const char* make :
        {"genpkey -algorithm ed448", "genpkey -algorithm X25519", "ecparam -name secp256k1 -genkey", "genrsa 1024"}) {
        folder.run(std::string("openssl ") + make + " 2>/dev/null | openssl pkey -pubout -out pub");
        EXPECT_NE(refusal(folder.read("pub")), "") << make;
    }
}

TEST(PublicText, MistakesAreNamed) {
    EXPECT_NE(refusal("-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n").find("private key"), std::string::npos);
    EXPECT_NE(refusal("-----BEGIN RSA PRIVATE KEY-----\nabc\n").find("private key"), std::string::npos);
    EXPECT_NE(refusal(""), "");
    EXPECT_NE(refusal("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "");
    EXPECT_NE(refusal(std::string(70'000, 'A')), "");
    const std::string line = PrivateKey::generate(KeyKind::Ed25519).public_key().line("c");
    EXPECT_EQ(refusal("\n  " + line + " \r\n\n"), "");
    EXPECT_NE(refusal(line + "\n" + line), "");
}

TEST(AuthorizedKeys, AFileKeepsItsGoodLinesAndNumbersItsBad) {
    const PublicKey key = PrivateKey::generate(KeyKind::Ed25519).public_key();
    const auto file =
        parse_authorized_keys("# laptop\n" + key.line("a") + "\r\n\n  \t\nnonsense\n  # x\nrestrict " + key.line("b"));
    ASSERT_TRUE(file) << file.error().full();
    ASSERT_EQ(file->entries.size(), 2U);
    EXPECT_EQ(file->entries[0].line, 2U);
    EXPECT_EQ(file->entries[0].key.comment, "a");
    EXPECT_EQ(file->entries[1].line, 7U);
    EXPECT_EQ(file->entries[1].key.options.size(), 1U);
    ASSERT_EQ(file->problems.size(), 1U);
    EXPECT_EQ(file->problems[0].line, 5U);
    ASSERT_FALSE(file->check());
    EXPECT_TRUE(file->check().error().text.starts_with("line 5: ")) << file->check().error().text;
    EXPECT_TRUE(parse_authorized_keys("")->check());
    EXPECT_TRUE(parse_authorized_keys(std::string(10'000, '\n')));
    EXPECT_FALSE(parse_authorized_keys(std::string(10'001, '\n')));
    EXPECT_FALSE(parse_authorized_keys(std::string(1024 * 1024 + 1, '#')));
}

}  // namespace
}  // namespace sekisho::keys
