#include "crypto/packet_cipher.h"

#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "crypto/aes_gcm.h"
#include "crypto/hash.h"
#include "tests/unit/crypto/both_gcm.h"
#include "tests/unit/crypto/sealed_packets.h"
#include "tests/unit/crypto/vectors.h"

namespace sekisho::crypto {
namespace {

const Combination kCombinations[] = {
    {"aes128-gcm@openssh.com", "",
     "de5490f697076ee3b8ade5cb33b950f41017961da9257de825d21a9c46f57c5c"},
    {"aes256-gcm@openssh.com", "",
     "5bd8e851f259fefbe11dfac0e998ab76316f847e0e228f048b4b1351fcc8219b"},
    {"chacha20-poly1305@openssh.com", "",
     "10385251b78c955e50b626be346b01b1cd56158ad585bed03a19f86c9690c741"},
    {"aes128-ctr", "hmac-sha2-256",
     "3ad1b1f439dc1a85d1223476a508796d1c4bff384c91c29117e0ba86035ec9ce"},
    {"aes128-ctr", "hmac-sha2-256-etm@openssh.com",
     "032470a309c1e834a820d8ce1df90c572401ec4aa07975de7bc0214406cba0d8"},
    {"aes128-ctr", "hmac-sha2-512",
     "001db2ed60f705c5560a8cd1d35c1c349936af2826c04d19c9d4440cae175dcf"},
    {"aes128-ctr", "hmac-sha2-512-etm@openssh.com",
     "1c60a6d4d039c6d635ec7c039d5234d64cf639177006c69dbf4e37f9ac3b7136"},
    {"aes192-ctr", "hmac-sha2-256",
     "1c4c1bd05929e97d672cccc87049837302f65a386908785796191931a6a6504a"},
    {"aes192-ctr", "hmac-sha2-256-etm@openssh.com",
     "f35c358340c5ec52d2ea6ee024595cc9c6ff1bc80e64c3d00cf041c32d4d5e1b"},
    {"aes192-ctr", "hmac-sha2-512",
     "863acadfb986069446dde09eaa29d7382e553d1fe99ceab2d59ef86d82c3b090"},
    {"aes192-ctr", "hmac-sha2-512-etm@openssh.com",
     "f5aa0147ad4dd9bd860708376d54897232f1a4069496db4d682c300de5f8f3a1"},
    {"aes256-ctr", "hmac-sha2-256",
     "075bb21b94089db900134f3a9fe436df852b402511c6a8ec53931ffde5789bbe"},
    {"aes256-ctr", "hmac-sha2-256-etm@openssh.com",
     "5878f30f9d5db8718c6040f60fe634bfd7acdb41c53a6adf9ea9a865e2167fc4"},
    {"aes256-ctr", "hmac-sha2-512",
     "56265412f1c697fff89a8ef06d44456eaef6a5cc9e048110bc3fa85a034abaad"},
    {"aes256-ctr", "hmac-sha2-512-etm@openssh.com",
     "485bc4259ad74123a5d6a10a8e0896e829150edf410da8b2b60b61fce4de35a9"},
    {"aes128-gcm@openssh.com", "",
     "de5490f697076ee3b8ade5cb33b950f41017961da9257de825d21a9c46f57c5c", aes_gcm::Backend::IpsecMb},
    {"aes256-gcm@openssh.com", "",
     "5bd8e851f259fefbe11dfac0e998ab76316f847e0e228f048b4b1351fcc8219b", aes_gcm::Backend::IpsecMb},
};

class PacketCipher : public testing::TestWithParam<Combination> {
protected:
    void SetUp() override {
        if (GetParam().gcm == aes_gcm::Backend::IpsecMb && !aes_gcm::has_ipsec_mb())
            GTEST_SKIP() << "libipsec-mb is not installed";
        aes_gcm::force(GetParam().gcm);
    }
    void TearDown() override { aes_gcm::force(m_before); }

private:
    const aes_gcm::Backend m_before = aes_gcm::backend();
};

TEST_P(PacketCipher, SealsAsTheIndependentComputationDoes) {
    for (const bool in_place : {false, true}) {
        const Pair pair = make_pair(GetParam());
        const std::uint32_t sequences[] = {0xfffffffe, 0xffffffff, 0};
        const std::size_t sizes[] = {16, 48, 35008};
        Hash hash(HashKind::Sha256);
        for (std::size_t i = 0; i < 3; ++i) {
            const Bytes packet = make_packet(sizes[i], pair.sealer->shape().aligned_from);
            Bytes out(packet.size() + pair.sealer->shape().tag);
            if (in_place) {
                std::copy(packet.begin(), packet.end(), out.begin());
                pair.sealer->seal(sequences[i], BytesView(out).first(packet.size()), out);
            } else {
                pair.sealer->seal(sequences[i], packet, out);
            }
            hash.update(out);
            EXPECT_EQ(open(*pair.opener, sequences[i], out), packet);
        }
        EXPECT_EQ(base::hex(hash.finish()), GetParam().sealed_sha256) << (in_place ? "in place" : "to other memory");
    }
}

TEST_P(PacketCipher, EveryFlippedByteIsRefused) {
    const std::size_t total = seal(*make_pair(GetParam()).sealer, 3, make_packet(32, 4)).size();
    for (std::size_t at = 0; at < total; ++at) {
        for (const unsigned flip : {0x01U, 0x80U}) {
            const Pair pair = make_pair(GetParam());
            const Bytes packet = make_packet(32, pair.sealer->shape().aligned_from);
            Bytes sealed = seal(*pair.sealer, 3, packet);
            if (at >= sealed.size()) break;
            sealed[at] ^= static_cast<std::byte>(flip);
            EXPECT_EQ(open(*pair.opener, 3, sealed), std::nullopt) << "byte " << at;
        }
    }
}

TEST_P(PacketCipher, AWrongTagIsRefusedEvenWhenOnlyOneBitOfItIsWrong) {
    const std::size_t tag = make_pair(GetParam()).sealer->shape().tag;
    for (std::size_t bit = 0; bit < tag * 8; ++bit) {
        const Pair pair = make_pair(GetParam());
        Bytes sealed = seal(*pair.sealer, 3, make_packet(16, pair.sealer->shape().aligned_from));
        sealed[sealed.size() - tag + bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        EXPECT_EQ(open(*pair.opener, 3, sealed), std::nullopt) << "bit " << bit;
    }
}

TEST_P(PacketCipher, AnotherSequenceNumberIsRefused) {
    const Pair pair = make_pair(GetParam());
    const Bytes sealed = seal(*pair.sealer, 3, make_packet(32, pair.sealer->shape().aligned_from));
    const bool gcm = std::string_view(GetParam().cipher).find("gcm") != std::string_view::npos;
    // GCM counts by itself (RFC 5647 §7.1), so the number handed in cannot matter; a packet left out must.
    if (gcm) {
        const Bytes second = seal(*pair.sealer, 4, make_packet(32, 4));
        EXPECT_EQ(open(*pair.opener, 3, second), std::nullopt);
    } else {
        EXPECT_EQ(open(*pair.opener, 4, sealed), std::nullopt);
    }
}

TEST_P(PacketCipher, AReplayedPacketIsRefused) {
    const Pair pair = make_pair(GetParam());
    const Bytes sealed = seal(*pair.sealer, 3, make_packet(32, pair.sealer->shape().aligned_from));
    ASSERT_NE(open(*pair.opener, 3, sealed), std::nullopt);
    EXPECT_EQ(open(*pair.opener, 4, sealed), std::nullopt);
}

TEST_P(PacketCipher, TooShortInputIsRefusedNotRead) {
    for (std::size_t size = 0; size <= 4 + 16; ++size) {
        const Pair pair = make_pair(GetParam());
        const std::size_t tag = pair.opener->shape().tag;
        Bytes input(size);
        EXPECT_FALSE(pair.opener->open(0, input)) << size << " bytes with a tag of " << tag;
    }
}

TEST_P(PacketCipher, ShapeAndSizesAreThoseOfTheStandard) {
    const Pair pair = make_pair(GetParam());
    const std::string cipher = GetParam().cipher;
    const std::string mac = GetParam().mac;
    const PacketShape shape = pair.sealer->shape();
    EXPECT_EQ(shape.block, pair.opener->shape().block);
    EXPECT_EQ(shape.tag, pair.opener->shape().tag);
    EXPECT_EQ(shape.aligned_from, pair.opener->shape().aligned_from);
    EXPECT_EQ(shape.block, cipher.starts_with("chacha") ? 8U : 16U);
    EXPECT_EQ(shape.aligned_from, mac.empty() || mac.find("-etm") != std::string::npos ? 4U : 0U);
    EXPECT_EQ(pair.opener->prefix(), shape.aligned_from == 4 ? 4U : 16U);
    EXPECT_EQ(shape.tag, mac.empty() ? 16U : mac.find("512") != std::string::npos ? 64U : 32U);
    EXPECT_TRUE(cipher_known(cipher));
    EXPECT_EQ(mac_known(mac), !mac.empty());
    EXPECT_GT(cipher_sizes(cipher, mac).rekey_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(All, PacketCipher, testing::ValuesIn(kCombinations), [](const auto& info) {
    std::string name = std::string(info.param.cipher) + "_" + info.param.mac;
    for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    }
    return info.param.gcm == aes_gcm::Backend::IpsecMb ? name + "ipsec_mb" : name;
});

TEST(PacketCipherNames, UnknownNamesAreUnknown) {
    for (const char* name : {"", "none", "des-cbc", "blowfish-cbc", "aes128-gcm", "AES128-CTR", "aes128-ctr "}) {
        EXPECT_FALSE(cipher_known(name)) << name;
    }
    for (const char* name : {"", "none", "hmac-md5", "hmac-sha1-96", "hmac-sha2-256-96"}) EXPECT_FALSE(mac_known(name)) << name;
}

TEST(PacketCipherPlain, PassesBytesThrough) {
    const auto sealer = make_plain_sealer();
    const auto opener = make_plain_opener();
    const Bytes packet = make_packet(24, 0);
    EXPECT_EQ(sealer->shape().tag, 0U);
    EXPECT_EQ(sealer->shape().block, 8U);
    const Bytes sealed = seal(*sealer, 0, packet);
    EXPECT_EQ(sealed, packet);
    EXPECT_EQ(open(*opener, 0, sealed), packet);
}

// HMAC vectors have the shape of an EtM packet: the message's first 4 bytes are the sequence number, the rest the packet.
void check_hmac_vectors(const char* file, const char* mac, std::size_t size) {
    SEKISHO_VECTORS_OR_SKIP(vectors, file);
    std::size_t good = 0;
    std::size_t bad = 0;
    for (const auto& group : vectors->at("testGroups")) {
        if (group.at("keySize") != size * 8 || group.at("tagSize") != size * 8) continue;
        for (const auto& test : group.at("tests")) {
            const Bytes message = sekisho::test::hex_field(test, "msg");
            if (message.size() <= 8) continue;
            std::uint32_t sequence = 0;
            for (std::size_t i = 0; i < 4; ++i) sequence = sequence << 8 | std::to_integer<std::uint32_t>(message[i]);
            Bytes packet(message.begin() + 4, message.end());
            const Bytes tag = sekisho::test::hex_field(test, "tag");
            packet.insert(packet.end(), tag.begin(), tag.end());
            const Secret key(sekisho::test::hex_field(test, "key"));
            const auto opener = make_opener("aes128-ctr", mac, material(0, 16), material(0, 16), key);
            const bool valid = test.at("result") == "valid";
            EXPECT_EQ(opener->open(sequence, packet), valid) << "tcId " << test.at("tcId");
            ++(valid ? good : bad);
        }
    }
    EXPECT_GT(good, 10U);
    EXPECT_GT(bad, 10U);
}

TEST(Wycheproof, HmacSha256) { check_hmac_vectors("wycheproof/hmac_sha256_test.json", "hmac-sha2-256-etm@openssh.com", 32); }
TEST(Wycheproof, HmacSha512) { check_hmac_vectors("wycheproof/hmac_sha512_test.json", "hmac-sha2-512-etm@openssh.com", 64); }

// No AES-GCM vector of Wycheproof has the 4-byte additional data of an SSH packet. But the ciphertext does not depend on the
// additional data, so sealing must give the vector's ciphertext; the tags are covered by packet_vectors.py.
TEST(Wycheproof, AesGcmCiphertext) {
    SEKISHO_VECTORS_OR_SKIP(vectors, "wycheproof/aes_gcm_test.json");
    std::size_t checked = 0;
    for (const auto& group : vectors->at("testGroups")) {
        if (group.at("ivSize") != 96 || (group.at("keySize") != 128 && group.at("keySize") != 256)) continue;
        const char* cipher = group.at("keySize") == 128 ? "aes128-gcm@openssh.com" : "aes256-gcm@openssh.com";
        for (const auto& test : group.at("tests")) {
            const Bytes message = sekisho::test::hex_field(test, "msg");
            if (message.empty() || test.at("result") != "valid") continue;
            const Secret key(sekisho::test::hex_field(test, "key"));
            const Secret iv(sekisho::test::hex_field(test, "iv"));
            sekisho::test::with_both_gcm([&] {
                const auto sealer = make_sealer(cipher, "", key, iv, {});
                Bytes packet(4);
                packet.insert(packet.end(), message.begin(), message.end());
                const Bytes sealed = seal(*sealer, 0, packet);
                EXPECT_EQ(base::hex(BytesView(sealed).subspan(4, message.size())), test.at("ct").get<std::string>());
            });
            ++checked;
        }
    }
    EXPECT_GT(checked, 50U);
}

}  // namespace
}  // namespace sekisho::crypto
