// Key revocation lists as ssh-keygen writes them; what it does not write (signatures, extensions) is put together here.
#include "keys/krl.h"

#include <gtest/gtest.h>

#include "keys/private_key.h"
#include "tests/unit/keys/ssh_keygen.h"
#include "wire/writer.h"

namespace sekisho::keys {
namespace {

constexpr std::uint64_t kMagic = 0x5353484b524c0a00;

Certificate certificate_of(const std::string& line) {
    const std::string rest = line.substr(line.find(' ') + 1);
    return Certificate::from_blob(base::from_base64(rest.substr(0, rest.find(' '))).value()).value();
}

Result<Krl> read(const test::KeygenFolder& folder, const std::string& name) {
    return Krl::parse(base::view(folder.read(name)));
}

/// What ssh-keygen says of a key file under a list: it leaves with 1 when revoked.
bool keygen_says_revoked(const test::KeygenFolder& folder, const std::string& list, const std::string& key) {
    return folder.run("ssh-keygen -Q -f " + list + " " + key + " || true").find("REVOKED") != std::string::npos;
}

TEST(Krl, PlainKeysByBlobAndByDigest) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run("for n in a b c d; do ssh-keygen -q -N '' -t ed25519 -f $n; done");
    folder.run("printf 'sha1: ' >s1; cat b.pub >>s1; printf 'sha256: ' >s256; cat c.pub >>s256");
    folder.run("ssh-keygen -q -k -f krl -z 42 a.pub s1 s256");
    const auto krl = read(folder, "krl");
    ASSERT_TRUE(krl) << krl.error().full();
    EXPECT_EQ(krl->version(), 42U);
    EXPECT_GT(krl->generated(), 1'600'000'000U);
    for (const std::string name : {"a", "b", "c", "d"}) {
        const PublicKey key = PublicKey::from_line(folder.read(name + ".pub")).value();
        const bool revoked = !krl->check(key);
        EXPECT_EQ(revoked, name != "d") << name;
        EXPECT_EQ(revoked, keygen_says_revoked(folder, "krl", name + ".pub")) << name;
    }
}

// Serials far apart, in a row, and crowded: ssh-keygen then writes lists, ranges and bitmaps.
TEST(Krl, CertificatesBySerialAreThoseThatSshKeygenNames) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run(
        "ssh-keygen -q -N '' -t ed25519 -f ca; ssh-keygen -q -N '' -t ed25519 -f other; ssh-keygen -q -N '' -t ed25519 -f "
        "u");
    std::string spec = "serial: 5\nserial: 900000000000\nserial: 18446744073709551615\nserial: 1000-2000\n";
    for (int i = 5000; i < 5400; i += 3) spec += "serial: " + std::to_string(i) + "\n";
    folder.write("spec", spec);
    folder.run("ssh-keygen -q -k -f krl -s ca.pub spec");
    const auto krl = read(folder, "krl");
    ASSERT_TRUE(krl) << krl.error().full();
    int revoked_count = 0;
    for (const char* serial :
        {"0", "1", "4", "5", "6", "999", "1000", "1500", "2000", "2001", "4999", "5000", "5001", "5002", "5003", "5396",
            "5399", "5400", "899999999999", "900000000000", "18446744073709551614", "18446744073709551615"}) {
        folder.run(std::string("ssh-keygen -q -s ca -I id -n alice -z ") + serial + " u.pub");
        const Certificate certificate = certificate_of(folder.read("u-cert.pub"));
        const bool revoked = !krl->check(certificate);
        EXPECT_EQ(revoked, keygen_says_revoked(folder, "krl", "u-cert.pub")) << serial;
        revoked_count += revoked ? 1 : 0;
        if (std::string_view(serial) != "1500") continue;
        folder.run("ssh-keygen -q -s other -I id -n alice -z 1500 u.pub");
        EXPECT_TRUE(krl->check(certificate_of(folder.read("u-cert.pub")))) << "serials belong to a CA";
    }
    EXPECT_EQ(revoked_count, 10);
}

TEST(Krl, CertificatesByKeyIdAndByTheirKeys) {
    SEKISHO_KEYGEN_OR_SKIP(folder);
    folder.run(
        "for n in ca ca2 u; do ssh-keygen -q -N '' -t ed25519 -f $n; done; printf 'id: alice@laptop\\nid: bob\\n' >spec");
    folder.run(
        "ssh-keygen -q -k -f ids -s ca.pub spec; ssh-keygen -q -k -f any -s none spec; ssh-keygen -q -k -f keys u.pub");
    folder.run("ssh-keygen -q -k -f cas ca.pub");
    for (const char* authority : {"ca", "ca2"}) {
        for (const char* id : {"alice@laptop", "alice", "bob", ""}) {
            folder.run(std::string("ssh-keygen -q -s ") + authority + " -I '" + id + "' -n a u.pub");
            const Certificate certificate = certificate_of(folder.read("u-cert.pub"));
            for (const char* list : {"ids", "any", "keys", "cas"}) {
                const auto krl = read(folder, list);
                ASSERT_TRUE(krl) << krl.error().full();
                EXPECT_EQ(!krl->check(certificate), keygen_says_revoked(folder, list, "u-cert.pub"))
                    << list << " " << authority << " " << id;
            }
        }
    }
    // The certificate's own file as what is revoked: ssh-keygen turns it into its serial or key id.
    folder.run("ssh-keygen -q -s ca -I carol -z 77 -n a u.pub; ssh-keygen -q -k -f cert u-cert.pub");
    EXPECT_FALSE(read(folder, "cert")->check(certificate_of(folder.read("u-cert.pub"))));
    EXPECT_TRUE(read(folder, "cert")->check(PublicKey::from_line(folder.read("u.pub")).value())) << "its key is not";
}

wire::Writer header() {
    wire::Writer out;
    out.u64(kMagic).u32(1).u64(7).u64(1'700'000'000).u64(0).string("").string("a comment");
    return out;
}

std::string refusal(const wire::Writer& file) {
    const auto krl = Krl::parse(file.bytes());
    return krl ? "" : krl.error().text;
}

wire::Writer with_serials(std::uint8_t type, BytesView data) {
    wire::Writer section;
    section.string("").string("").byte(type).string(data);
    wire::Writer out = header();
    out.byte(1).string(section.bytes());
    return out;
}

TEST(Krl, UnknownSectionsAreRefusedAndOnlyUncriticalExtensionsAreNot) {
    EXPECT_EQ(refusal(header()), "");
    EXPECT_EQ(Krl::parse(header().bytes())->comment(), "a comment");
    for (const std::uint8_t type : std::initializer_list<std::uint8_t>{0, 6, 7, 254}) {
        wire::Writer file = header();
        file.byte(type).string("");
        EXPECT_NE(refusal(file).find("unknown section"), std::string::npos) << int{type};
    }
    for (const std::uint8_t type : std::initializer_list<std::uint8_t>{0, 1, 0x1f, 0x24, 0x38}) {
        EXPECT_NE(refusal(with_serials(type, {})).find("unknown section"), std::string::npos) << int{type};
    }
    for (const bool critical : {false, true}) {
        wire::Writer extension;
        extension.string("x@example.com").boolean(critical).string("contents");
        wire::Writer file = header();
        file.byte(255).string(extension.bytes());
        EXPECT_EQ(refusal(file).empty(), !critical);
        EXPECT_EQ(refusal(with_serials(0x39, extension.bytes())).empty(), !critical);
    }
    wire::Writer version;
    version.u64(kMagic).u32(2).u64(0).u64(0).u64(0).string("").string("");
    EXPECT_NE(refusal(version).find("version"), std::string::npos);
}

TEST(Krl, SerialsThatMakeNoSenseAreRefused) {
    wire::Writer backwards;
    backwards.u64(9).u64(8);
    EXPECT_NE(refusal(with_serials(0x22 - 1, backwards.bytes())), "");
    wire::Writer from_zero;
    from_zero.u64(0).u64(8);
    EXPECT_NE(refusal(with_serials(0x21, from_zero.bytes())), "");
    wire::Writer all;
    all.u64(1).u64(~0ULL);
    EXPECT_EQ(refusal(with_serials(0x21, all.bytes())), "");
    wire::Writer overflow;
    overflow.u64(~0ULL - 6).mpint(Bytes{std::byte{1}});
    EXPECT_NE(refusal(with_serials(0x22, overflow.bytes())), "");
    wire::Writer huge;
    huge.u64(1).mpint(Bytes(4096, std::byte{0xff}));
    EXPECT_NE(refusal(with_serials(0x22, huge.bytes())), "");
    wire::Writer zero;
    zero.u64(0);
    EXPECT_NE(refusal(with_serials(0x20, zero.bytes())), "");
    EXPECT_NE(refusal(with_serials(0x20, Bytes(7))), "");
}

TEST(Krl, SignaturesMustBeRight) {
    const PrivateKey signer = PrivateKey::generate(KeyKind::Ed25519);
    wire::Writer file = with_serials(0x20, {});
    file.byte(4).string(signer.public_key().blob());
    const Bytes signature = signer.sign("ssh-ed25519", file.bytes()).value();
    wire::Writer good = file;
    good.string(signature);
    const auto krl = Krl::parse(good.bytes());
    ASSERT_TRUE(krl) << krl.error().full();
    ASSERT_EQ(krl->signers().size(), 1U);
    EXPECT_EQ(krl->signers()[0], signer.public_key());
    for (std::size_t at = 0; at < good.size(); ++at) {
        Bytes changed = base::to_bytes(good.bytes());
        changed[at] ^= std::byte{1};
        EXPECT_FALSE(Krl::parse(changed)) << at;
        // Between two sections the file may end; whoever wants the signature asks for the signers.
        const bool between = at == header().size() || at == with_serials(0x20, {}).size();
        EXPECT_EQ(Krl::parse(good.bytes().first(at)).has_value(), between) << at;
    }
    wire::Writer more = good;
    more.byte(3).string("");
    EXPECT_NE(refusal(more), "") << "what follows a signature is not signed";
}

TEST(Krl, SizesAreBounded) {
    EXPECT_FALSE(Krl::parse(Bytes(16 * 1024 * 1024 + 1)));
    wire::Writer serials;
    for (std::uint64_t i = 1; i <= 1024 * 1024 + 1; ++i) serials.u64(2 * i);
    EXPECT_NE(refusal(with_serials(0x20, serials.bytes())).find("too long"), std::string::npos);
    wire::Writer sections = header();
    for (int i = 0; i < 4097; ++i) sections.byte(3).string("");
    EXPECT_NE(refusal(sections).find("too long"), std::string::npos);
}

}  // namespace
}  // namespace sekisho::keys
