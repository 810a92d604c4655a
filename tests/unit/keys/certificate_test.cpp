#include "keys/certificate.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crypto/random.h"
#include "keys/private_key.h"
#include "tests/unit/keys/ssh_keygen.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

const KeyKind kKinds[] = {KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521, KeyKind::Rsa};

CertificateFields user_fields() {
    CertificateFields fields;
    fields.serial = 42;
    fields.key_id = "session 7";
    fields.principals = {"ubuntu", "deploy"};
    fields.valid_after = 1000;
    fields.valid_before = 2000;
    fields.extensions = {{"permit-pty", ""}, {"permit-agent-forwarding", ""}};
    return fields;
}

Bytes make(const PublicKey& key, const PrivateKey& authority, const CertificateFields& fields) {
    const Bytes signed_part = certificate_to_be_signed(key, authority.public_key(), fields, crypto::system_random());
    return certificate_blob(signed_part, authority.sign(authority.public_key().algorithms().front(), signed_part).value());
}

Bytes blob_of_line(const std::string& line) {
    const std::size_t start = line.find(' ') + 1;
    return base::from_base64(line.substr(start, line.find(' ', start) - start)).value();
}

struct Made {
    PrivateKey authority = PrivateKey::generate(KeyKind::Ed25519);
    PublicKey key = PrivateKey::generate(KeyKind::Ed25519).public_key();
};

TEST(Certificate, ThoseOfSshKeygenAreReadAndVerified) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (const auto& authority : test::kKeygenKinds) {
        folder.run(std::string("ssh-keygen -q -N '' ") + authority.arguments + " -f ca-" + authority.name);
    }
    for (const auto& kind : test::kKeygenKinds) {
        folder.run(std::string("ssh-keygen -q -N '' ") + kind.arguments + " -f " + kind.name);
        for (const auto& authority : test::kKeygenKinds) {
            const std::string ca = std::string("ca-") + authority.name;
            folder.run("ssh-keygen -q -s " + ca + " -I 'an id' -n alice,bob -z 77 -V 20260101000000Z:20260102000000Z" +
                       " -O force-command='echo hi' -O source-address=10.0.0.0/8 -O no-x11-forwarding" +
                       " -O extension:note@example.net=value " + kind.name + ".pub");
            const auto certificate = Certificate::from_blob(blob_of_line(folder.read(std::string(kind.name) + "-cert.pub")));
            ASSERT_TRUE(certificate) << kind.name << " by " << ca << ": " << certificate.error().full();
            EXPECT_EQ(certificate->key(), PublicKey::from_line(folder.read(std::string(kind.name) + ".pub")).value());
            EXPECT_EQ(certificate->authority(), PublicKey::from_line(folder.read(ca + ".pub")).value());
            const CertificateFields& fields = certificate->fields();
            EXPECT_EQ(fields.serial, 77U);
            EXPECT_EQ(fields.use, CertificateUse::User);
            EXPECT_EQ(fields.key_id, "an id");
            EXPECT_EQ(fields.principals, (std::vector<std::string>{"alice", "bob"}));
            EXPECT_EQ(fields.valid_after, 1767225600U);   // date -u -d 2026-01-01 +%s
            EXPECT_EQ(fields.valid_before, 1767312000U);
            ASSERT_EQ(fields.critical_options.size(), 2U);
            EXPECT_EQ(fields.critical_options[0].name, "force-command");
            EXPECT_EQ(fields.critical_options[0].value, "echo hi");
            EXPECT_EQ(fields.critical_options[1].value, "10.0.0.0/8");
            EXPECT_TRUE(std::ranges::any_of(fields.extensions, [](const CertificateOption& option) {
                return option.name == "note@example.net" && option.value == "value";
            }));
            EXPECT_TRUE(std::ranges::none_of(
                fields.extensions, [](const CertificateOption& option) { return option.name == "permit-X11-forwarding"; }));
            EXPECT_TRUE(certificate->check(CertificateUse::User, "bob", 1767225600));
        }
    }
}

TEST(Certificate, HostAndForeverOfSshKeygen) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("ssh-keygen -q -N '' -t ed25519 -f ca; ssh-keygen -q -N '' -t rsa -b 2048 -f host");
    folder.run("ssh-keygen -q -s ca -h -I host -n web1.example.net host.pub");
    const auto host = Certificate::from_blob(blob_of_line(folder.read("host-cert.pub")));
    ASSERT_TRUE(host) << host.error().full();
    EXPECT_EQ(host->blob_name(), "ssh-rsa-cert-v01@openssh.com");
    EXPECT_EQ(host->fields().valid_before, UINT64_MAX);
    EXPECT_TRUE(host->check(CertificateUse::Host, "web1.example.net", 1767225600));
    EXPECT_FALSE(host->check(CertificateUse::User, "web1.example.net", 1767225600));
    EXPECT_FALSE(host->check(CertificateUse::Host, "web2.example.net", 1767225600));
}

// ssh-keygen signs RSA with SHA-1 when told to: such a certificate must not pass.
TEST(Certificate, Sha1SignaturesAreRefused) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("ssh-keygen -q -N '' -t rsa -b 2048 -f ca; ssh-keygen -q -N '' -t ed25519 -f k");
    folder.run("ssh-keygen -q -s ca -t ssh-rsa -I id -n a k.pub");
    EXPECT_FALSE(Certificate::from_blob(blob_of_line(folder.read("k-cert.pub"))));
    folder.run("ssh-keygen -q -s ca -t rsa-sha2-256 -I id -n a k.pub");
    EXPECT_TRUE(Certificate::from_blob(blob_of_line(folder.read("k-cert.pub"))));
}

TEST(Certificate, SshKeygenPrintsOurs) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    for (KeyKind kind : kKinds) {
        const PrivateKey authority = PrivateKey::generate(kind, 2048);
        const PublicKey key = PrivateKey::generate(kind, 2048).public_key();
        CertificateFields fields = user_fields();
        fields.valid_before = UINT64_MAX;
        fields.valid_after = 0;
        fields.critical_options = {{"source-address", "10.1.2.3/32"}, {"force-command", "uptime"}};
        const Bytes blob = make(key, authority, fields);
        const std::string name = certificate_name(blob_name(kind));
        folder.write("c-cert.pub", fmt::format("{} {}\n", name, base::base64(blob)));
        const std::string printed = folder.run("ssh-keygen -L -f c-cert.pub");
        for (const std::string& part : {
                 fmt::format("Type: {} user certificate", name),
                 fmt::format("Public key: {}-CERT {}", short_name(kind), key.fingerprint()),
                 fmt::format("Signing CA: {} {}", short_name(kind), authority.public_key().fingerprint()),
                 std::string("Key ID: \"session 7\""),
                 std::string("Serial: 42"),
                 std::string("Valid: forever"),
                 std::string("Principals: \n                ubuntu\n                deploy\n"),
                 std::string("Critical Options: \n                force-command uptime\n"
                             "                source-address 10.1.2.3/32\n"),
                 std::string("Extensions: \n                permit-agent-forwarding\n                permit-pty\n"),
             }) {
            EXPECT_NE(printed.find(part), std::string::npos) << part << "\n in\n" << printed;
        }
        const auto again = Certificate::from_blob(blob);
        ASSERT_TRUE(again) << again.error().full();
        EXPECT_EQ(again->blob_name(), name);
        EXPECT_EQ(again->key(), key);
        EXPECT_EQ(again->authority(), authority.public_key());
        EXPECT_EQ(base::hex(again->blob()), base::hex(blob));
    }
}

TEST(Certificate, CheckLooksAtUseTimePrincipalAndOptions) {
    const Made made;
    const auto certificate = Certificate::from_blob(make(made.key, made.authority, user_fields()));
    ASSERT_TRUE(certificate);
    EXPECT_TRUE(certificate->check(CertificateUse::User, "ubuntu", 1000));
    EXPECT_TRUE(certificate->check(CertificateUse::User, "deploy", 1999));
    EXPECT_FALSE(certificate->check(CertificateUse::User, "ubuntu", 999));
    EXPECT_FALSE(certificate->check(CertificateUse::User, "ubuntu", 2000)) << "the end is exclusive";
    EXPECT_FALSE(certificate->check(CertificateUse::Host, "ubuntu", 1500));
    EXPECT_FALSE(certificate->check(CertificateUse::User, "root", 1500));
    EXPECT_FALSE(certificate->check(CertificateUse::User, "", 1500));
    EXPECT_FALSE(certificate->check(CertificateUse::User, "ubunt", 1500));
}

TEST(Certificate, EmptyPrincipalsAreNoWildcard) {
    const Made made;
    CertificateFields fields = user_fields();
    fields.principals = {};
    const auto certificate = Certificate::from_blob(make(made.key, made.authority, fields));
    ASSERT_TRUE(certificate);
    EXPECT_FALSE(certificate->check(CertificateUse::User, "ubuntu", 1500));
    EXPECT_FALSE(certificate->check(CertificateUse::User, "", 1500));
}

TEST(Certificate, UnknownCriticalOptionsAreRefusedUnknownExtensionsAreNot) {
    const Made made;
    for (const char* name : {"force-command", "source-address", "verify-required"}) {
        CertificateFields fields = user_fields();
        fields.critical_options = {{name, "x"}};
        EXPECT_TRUE(Certificate::from_blob(make(made.key, made.authority, fields))
                .value()
                .check(CertificateUse::User, "ubuntu", 1500))
            << name;
        fields.use = CertificateUse::Host;
        EXPECT_FALSE(Certificate::from_blob(make(made.key, made.authority, fields))
                .value()
                .check(CertificateUse::Host, "ubuntu", 1500))
            << name;
    }
    CertificateFields fields = user_fields();
    fields.critical_options = {{"force-command", "x"}, {"new@example.net", ""}};
    EXPECT_FALSE(
        Certificate::from_blob(make(made.key, made.authority, fields)).value().check(CertificateUse::User, "ubuntu", 1500));
    fields.critical_options = {};
    fields.extensions = {{"new@example.net", "v"}};
    EXPECT_TRUE(
        Certificate::from_blob(make(made.key, made.authority, fields)).value().check(CertificateUse::User, "ubuntu", 1500));
}

TEST(Certificate, EveryFlippedByteIsRefused) {
    const Made made;
    for (KeyKind kind : {KeyKind::Ed25519, KeyKind::EcdsaP256, KeyKind::Rsa}) {
        const PrivateKey authority = PrivateKey::generate(kind, 2048);
        const Bytes good = make(made.key, authority, user_fields());
        ASSERT_TRUE(Certificate::from_blob(good));
        for (std::size_t at = 0; at < good.size(); ++at) {
            Bytes changed = good;
            changed[at] ^= std::byte{0x04};
            EXPECT_FALSE(Certificate::from_blob(changed)) << "byte " << at;
        }
        for (std::size_t size = 0; size < good.size(); ++size) {
            EXPECT_FALSE(Certificate::from_blob(BytesView(good).first(size)));
        }
        Bytes longer = good;
        longer.push_back(std::byte{0});
        EXPECT_FALSE(Certificate::from_blob(longer));
    }
}

/// A signed certificate whose middle part is written by the caller: for shapes that certificate_to_be_signed never makes.
Bytes crafted(const Made& made, BytesView principals, BytesView critical, std::uint32_t use, BytesView authority_blob) {
    wire::Writer out;
    out.string("ssh-ed25519-cert-v01@openssh.com").string(Bytes(32)).raw(made.key.blob().subspan(4 + 11));
    out.u64(1).u32(use).string("id").string(principals).u64(0).u64(UINT64_MAX).string(critical).string("").string("");
    out.string(authority_blob);
    const Bytes signature = made.authority.sign("ssh-ed25519", out.bytes()).value();
    return certificate_blob(out.bytes(), signature);
}

TEST(Certificate, MalformedInsidesAreRefusedThoughSigned) {
    const Made made;
    const BytesView authority = made.authority.public_key().blob();
    wire::Writer names;
    names.string("a");
    wire::Writer option;
    option.string("force-command").string([] {
        wire::Writer inner;
        inner.string("x");
        return inner.take();
    }());
    ASSERT_TRUE(Certificate::from_blob(crafted(made, names.bytes(), option.bytes(), 1, authority)));

    EXPECT_FALSE(Certificate::from_blob(crafted(made, names.bytes(), option.bytes(), 0, authority)));
    EXPECT_FALSE(Certificate::from_blob(crafted(made, names.bytes(), option.bytes(), 3, authority)));
    EXPECT_FALSE(Certificate::from_blob(crafted(made, names.bytes().first(4), option.bytes(), 1, authority)));
    const BytesView cut = option.bytes().first(option.size() - 1);
    EXPECT_FALSE(Certificate::from_blob(crafted(made, names.bytes(), cut, 1, authority)));

    wire::Writer twice;
    twice.raw(option.bytes()).raw(option.bytes());
    EXPECT_FALSE(Certificate::from_blob(crafted(made, names.bytes(), twice.bytes(), 1, authority))) << "option twice";
    wire::Writer raw_value;
    raw_value.string("force-command").string("not packed");
    EXPECT_FALSE(Certificate::from_blob(crafted(made, names.bytes(), raw_value.bytes(), 1, authority)));
    wire::Writer empty_name;
    empty_name.string("");
    EXPECT_FALSE(Certificate::from_blob(crafted(made, empty_name.bytes(), {}, 1, authority)));
    wire::Writer many;
    for (int i = 0; i < 257; ++i) many.string(fmt::format("a{}", i));
    EXPECT_FALSE(Certificate::from_blob(crafted(made, many.bytes(), {}, 1, authority)));

    const Bytes chained = make(made.authority.public_key(), made.authority, user_fields());
    const auto refused = Certificate::from_blob(crafted(made, names.bytes(), {}, 1, chained));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text, "a certificate is signed by another certificate");
}

TEST(Certificate, NoncesDifferAndAreThe32BytesOfTheRandomSource) {
    const Made made;
    crypto::TestRandom first(1), again(1), other(2);
    const PublicKey& authority = made.authority.public_key();
    const Bytes a = certificate_to_be_signed(made.key, authority, user_fields(), first);
    EXPECT_EQ(a, certificate_to_be_signed(made.key, authority, user_fields(), again));
    EXPECT_NE(a, certificate_to_be_signed(made.key, authority, user_fields(), other));
    Bytes nonce(32);
    crypto::TestRandom(1).fill(nonce);
    EXPECT_EQ(base::hex(BytesView(a).subspan(4 + 32, 36)), "00000020" + base::hex(nonce));
}

TEST(CertificateName, RoundTrip) {
    EXPECT_EQ(certificate_name("rsa-sha2-512"), "rsa-sha2-512-cert-v01@openssh.com");
    EXPECT_EQ(plain_name("rsa-sha2-512-cert-v01@openssh.com"), "rsa-sha2-512");
    EXPECT_EQ(plain_name("ssh-ed25519"), "ssh-ed25519");
    EXPECT_TRUE(is_certificate_name("ssh-ed25519-cert-v01@openssh.com"));
    EXPECT_FALSE(is_certificate_name("ssh-ed25519"));
    EXPECT_FALSE(is_certificate_name("-cert-v01@openssh.com"));
}

}  // namespace
}  // namespace sekisho::keys
