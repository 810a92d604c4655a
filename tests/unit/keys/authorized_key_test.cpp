#include "keys/authorized_key.h"

#include <gtest/gtest.h>

#include "keys/private_key.h"

namespace sekisho::keys {
namespace {

const PublicKey& key() {
    static const PublicKey key = PrivateKey::generate(KeyKind::Ed25519).public_key();
    return key;
}

std::string error_of(std::string_view line) {
    const auto parsed = parse_authorized_key(line);
    return parsed ? "" : parsed.error().text;
}

TEST(AuthorizedKey, WithoutOptions) {
    const auto parsed = parse_authorized_key("  " + key().line("alice on laptop") + "\r\n");
    ASSERT_TRUE(parsed) << parsed.error().full();
    EXPECT_TRUE(parsed->options.empty());
    EXPECT_EQ(parsed->key, key());
    EXPECT_EQ(parsed->comment, "alice on laptop");
    EXPECT_EQ(parse_authorized_key(key().line()).value().comment, "");
}

TEST(AuthorizedKey, OptionsWithQuotesCommasAndBlanks) {
    const auto parsed =
        parse_authorized_key(R"(restrict,command="echo \"a, b\" c\d",No-X11-Forwarding,permitopen="web1:80",)"
                             R"(permitopen="[::1]:22",from="10.0.0.0/8,!10.1.1.1" )" +
                             key().line("c"));
    ASSERT_TRUE(parsed) << parsed.error().full();
    ASSERT_EQ(parsed->options.size(), 6U);
    EXPECT_EQ(parsed->options[0].name, "restrict");
    EXPECT_EQ(parsed->options[0].value, "");
    EXPECT_EQ(parsed->options[1].name, "command");
    EXPECT_EQ(parsed->options[1].value, R"(echo "a, b" c\d)");
    EXPECT_EQ(parsed->options[2].name, "no-x11-forwarding");
    EXPECT_EQ(parsed->options[3].value, "web1:80");
    EXPECT_EQ(parsed->options[4].value, "[::1]:22");
    EXPECT_EQ(parsed->options[5].value, "10.0.0.0/8,!10.1.1.1");
    EXPECT_EQ(parsed->comment, "c");
}

TEST(AuthorizedKey, AllKnownOptions) {
    for (const char* flag : {"agent-forwarding", "cert-authority", "no-agent-forwarding", "no-port-forwarding", "no-pty",
             "no-user-rc", "no-X11-forwarding", "port-forwarding", "pty", "no-touch-required", "verify-required", "restrict",
             "user-rc", "X11-forwarding"}) {
        EXPECT_EQ(error_of(std::string(flag) + " " + key().line()), "") << flag;
        EXPECT_NE(error_of(std::string(flag) + "=\"x\" " + key().line()), "") << flag;
    }
    for (const char* valued :
        {"command", "environment", "expiry-time", "from", "permitlisten", "permitopen", "principals", "tunnel"}) {
        EXPECT_EQ(error_of(std::string(valued) + "=\"x\" " + key().line()), "") << valued;
        EXPECT_NE(error_of(std::string(valued) + " " + key().line()), "") << valued;
        EXPECT_NE(error_of(std::string(valued) + "=x " + key().line()), "") << valued;
    }
}

TEST(AuthorizedKey, WrongLinesAreRefusedWithAReason) {
    EXPECT_EQ(error_of("no-ptty " + key().line()), "unknown option \"no-ptty\"");
    EXPECT_EQ(error_of("restrict,zeal=\"1\" " + key().line()), "unknown option \"zeal\"");
    EXPECT_EQ(error_of("a\x1b[2J " + key().line()), "malformed option") << "nothing for a terminal in the text";
    EXPECT_EQ(error_of("command=\"a\",command=\"b\" " + key().line()), "the option command stands on the line twice");
    EXPECT_EQ(error_of("command=\"unfinished " + key().line()), "the quotes of the option command do not end");
    EXPECT_EQ(error_of("command=\"ends in escape\\\""), "the quotes of the option command do not end");
    EXPECT_EQ(error_of("restrict"), "a line has options but no key");
    EXPECT_NE(error_of("restrict, " + key().line()), "");
    EXPECT_NE(error_of("command=\"x\"pty " + key().line()), "");
    EXPECT_NE(error_of(",restrict " + key().line()), "");
    EXPECT_EQ(error_of(""), "the line holds no key");
    EXPECT_EQ(error_of("   "), "the line holds no key");
    EXPECT_EQ(error_of("# " + key().line()), "the line holds no key");
    EXPECT_EQ(error_of("restrict " + key().line() + "\n" + key().line()), "more than one line");
    EXPECT_EQ(error_of("ssh-ed448 AAAA"), "a line does not start with a known kind of key");
    EXPECT_NE(error_of("restrict ssh-ed25519 AAAA"), "");
    EXPECT_NE(error_of(key().line(std::string(20000, 'c'))), "");
}

}  // namespace
}  // namespace sekisho::keys
