// The ciphers and the MAC that only targets marked as legacy are offered, against an independent computation.
#include <algorithm>
#include <optional>

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/unit/crypto/sealed_packets.h"

namespace sekisho::crypto {
namespace {

const Combination kLegacyCombinations[] = {
    {"aes128-cbc", "hmac-sha1", "8751dd2c0bf9a2d7e541e412f0dba459aa3b90656fccc18d997e650d075b420f"},
    {"aes128-cbc", "hmac-sha2-256-etm@openssh.com", "76873a9d43f68624050413aba33d7fbe72a6fc91ed1b71379665fe7a00278668"},
    {"aes192-cbc", "hmac-sha1", "ece4ac74e86fa099f0369d6e9f8c254543ba745ccc611d1eabb188628ee31bc9"},
    {"aes192-cbc", "hmac-sha2-256-etm@openssh.com", "4937c966caf67cc19e8f3b1623c90c2ed67a7319bb2a7456f7d2cd5a739cfcf1"},
    {"aes256-cbc", "hmac-sha1", "3b2cc5154710dbcdbda846b9e52151a89d54a321b8b1bba7f6b273367a447389"},
    {"aes256-cbc", "hmac-sha2-256-etm@openssh.com", "7c46b200f789a297594995d33c14d7fffe3419d0237835762a441b7d634f3dc5"},
    {"3des-cbc", "hmac-sha1", "0cc0e1017f423f3e9573525215b322025d0ca70650c94b1987931f850589f4b4"},
    {"3des-cbc", "hmac-sha2-256-etm@openssh.com", "e15bbb497af32ce21ef067af49189c51b48ab6bb0c9764acea5aab161de723f8"},
    {"aes128-ctr", "hmac-sha1", "0fdae77e461d0fd716c17fc9dba6029943400f9064c44525e4241cc338cbe4b7"},
};

class LegacyCipher : public testing::TestWithParam<Combination> {};

TEST_P(LegacyCipher, SealsAsTheIndependentComputationDoes) {
    const Pair pair = make_pair(GetParam());
    const std::uint32_t sequences[] = {0xfffffffe, 0xffffffff, 0};
    const std::size_t sizes[] = {16, 48, 35008};
    Hash hash(HashKind::Sha256);
    for (std::size_t i = 0; i < 3; ++i) {
        const Bytes packet = make_packet(sizes[i], pair.sealer->shape().aligned_from);
        Bytes out(packet.size() + pair.sealer->shape().tag);
        std::ranges::copy(packet, out.begin());
        pair.sealer->seal(sequences[i], BytesView(out).first(packet.size()), out);
        hash.update(out);
        EXPECT_EQ(open(*pair.opener, sequences[i], out), packet);
    }
    EXPECT_EQ(base::hex(hash.finish()), GetParam().sealed_sha256);
}

TEST_P(LegacyCipher, EveryFlippedByteIsRefused) {
    const Pair first = make_pair(GetParam());
    const std::size_t total = seal(*first.sealer, 3, make_packet(32, first.sealer->shape().aligned_from)).size();
    for (std::size_t at = 0; at < total; ++at) {
        const Pair pair = make_pair(GetParam());
        Bytes sealed = seal(*pair.sealer, 3, make_packet(32, pair.sealer->shape().aligned_from));
        sealed[at] ^= std::byte{0x80};
        EXPECT_EQ(open(*pair.opener, 3, sealed), std::nullopt) << "byte " << at;
    }
}

TEST_P(LegacyCipher, TooShortInputIsRefusedNotRead) {
    for (std::size_t size = 0; size <= 4 + 16; ++size) {
        Bytes input(size);
        EXPECT_FALSE(make_pair(GetParam()).opener->open(0, input)) << size;
    }
}

TEST_P(LegacyCipher, ConcealsABadLengthWhereTheTagComesLast) {
    const Pair pair = make_pair(GetParam());
    const bool cbc = std::string_view(GetParam().cipher).ends_with("-cbc");
    const bool etm = std::string_view(GetParam().mac).find("-etm") != std::string_view::npos;
    EXPECT_EQ(pair.opener->shape().conceal_length, cbc && !etm);
    EXPECT_EQ(pair.sealer->shape().block, std::string_view(GetParam().cipher).starts_with("3des") ? 8U : 16U);
}

INSTANTIATE_TEST_SUITE_P(All, LegacyCipher, testing::ValuesIn(kLegacyCombinations), [](const auto& info) {
    std::string name = std::string(info.param.cipher) + "_" + info.param.mac;
    std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
    return name;
});

}  // namespace
}  // namespace sekisho::crypto
