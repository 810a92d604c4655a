// Whatever form people have their keys in becomes lines of authorized_keys; what cannot be taken whole is refused whole.
#include "keys/key_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keys/private_key.h"
#include "keys/public_text.h"
#include "tests/unit/keys/ssh_keygen.h"

namespace sekisho::keys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(std::string_view text, const KeyImport& import = {}) {
    const auto lines = authorized_lines(text, import);
    return lines ? "" : lines.error().text;
}

const PublicKey& some_key() {
    static const PublicKey key = PrivateKey::generate(KeyKind::Ed25519).public_key();
    return key;
}
const PublicKey& other_key() {
    static const PublicKey key = PrivateKey::generate(KeyKind::EcdsaP256).public_key();
    return key;
}

TEST(KeyImport, AFileOfAuthorizedKeysAsItIsWritten) {
    const std::string first = "restrict,From=\"192.0.2.0/24,!192.0.2.7\",command=\"say \\\"hi\\\"\" " +
                              some_key().line("alice's laptop, the old one");
    const std::string text = "# our keys\n\n" + first + "\r\n  " + other_key().line() + "  \n";
    const auto lines = authorized_lines(text);
    ASSERT_TRUE(lines.has_value()) << lines.error().full();
    EXPECT_THAT(*lines, ElementsAre(first, other_key().line()));
    const auto with = authorized_lines(text, {.options = "no-pty", .comment = "from the wiki"});
    EXPECT_THAT(with.value(), ElementsAre(first, "no-pty " + other_key().line("from the wiki")));
}

TEST(KeyImport, ExportsOfSshKeygen) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const auto& kind : test::kKeygenKinds) {
        folder.run(std::string("rm -f k k.pub; ssh-keygen -q -N '' -C 'a comment' ") + kind.arguments + " -f k");
        const PublicKey key = PublicKey::from_line(folder.read("k.pub")).value();
        for (const char* form : {"RFC4716", "PKCS8", "PEM"}) {
            const bool rfc = std::string_view(form) == "RFC4716";
            if (!rfc && key.kind() == KeyKind::Ed25519) continue;  // OpenSSH 9.2 cannot write it
            const std::string text = folder.run(std::string("ssh-keygen -e -f k.pub -m ") + form);
            const auto one = authorized_lines(text);
            ASSERT_TRUE(one.has_value()) << form << ": " << one.error().full();
            // ssh-keygen writes a comment of its own into RFC 4716.
            EXPECT_EQ(parse_authorized_key(one->front()).value().key, key) << form;
            const auto two = authorized_lines(text + text, {.options = "restrict", .comment = "c"});
            ASSERT_TRUE(two.has_value()) << two.error().full();
            ASSERT_EQ(two->size(), 2u);
            EXPECT_THAT(two->back(), testing::StartsWith("restrict " + key.line()));
        }
    }
}

TEST(KeyImport, NothingIsTakenInPart) {
    EXPECT_THAT(refusal(""), HasSubstr("no public key"));
    EXPECT_THAT(refusal("# nothing\n"), HasSubstr("no public key"));
    EXPECT_THAT(refusal(some_key().line() + "\nssh-ed25519 AAAA broken\n"), HasSubstr("line 2: "));
    EXPECT_THAT(refusal("frm=\"10.0.0.0/8\" " + some_key().line()), HasSubstr("unknown option \"frm\""));
    const std::string armour = rfc4716(some_key(), "a");
    EXPECT_THAT(refusal(other_key().line() + "\n" + armour), HasSubstr("several forms"));
    EXPECT_THAT(refusal(armour + other_key().line() + "\n"), HasSubstr("several forms"));
    EXPECT_THAT(refusal(armour + "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n"), HasSubstr("key 2: "));
    EXPECT_THAT(refusal("-----BEGIN OPENSSH PRIVATE KEY-----\n"), HasSubstr("private key"));
}

TEST(KeyImport, OptionsAndCommentsAreNothingElse) {
    const std::string line = some_key().line();
    EXPECT_THAT(refusal(line, {.options = "frm=\"x\""}), HasSubstr("unknown option"));
    EXPECT_THAT(refusal(line, {.options = "restrict " + other_key().line()}), HasSubstr("another key"));
    EXPECT_THAT(refusal(line, {.comment = "two\nlines"}), HasSubstr("more than one line"));
    EXPECT_THAT(refusal(rfc4716(some_key()), {.options = other_key().line()}), HasSubstr("another key"));
}

// So that a line which was kept is the same line when it is given again.
TEST(KeyImport, BlanksAroundACommentAreNotKept) {
    const std::string line = some_key().line("bit");
    EXPECT_THAT(authorized_lines(rfc4716(some_key(), " bit ")).value(), ElementsAre(line));
    EXPECT_THAT(authorized_lines(some_key().line(), {.comment = " bit "}).value(), ElementsAre(line));
    EXPECT_THAT(authorized_lines(some_key().line(), {.comment = "  "}).value(), ElementsAre(some_key().line()));
}

TEST(KeyImport, PartsMakeALineAndALineItsParts) {
    const std::string options = "from=\"10.0.0.0/8\",restrict,command=\"say \\\"hi\\\"\"";
    const std::string line = authorized_line(options, some_key(), "a b");
    const auto read = parse_authorized_key(line).value();
    EXPECT_EQ(options_text(read), options);
    EXPECT_EQ(read.comment, "a b");
    EXPECT_EQ(authorized_line("", some_key(), ""), some_key().line());
}

}  // namespace
}  // namespace sekisho::keys
