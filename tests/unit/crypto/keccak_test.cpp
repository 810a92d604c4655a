#include "crypto/keccak.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "tests/unit/crypto/both_forms.h"

namespace sekisho::crypto {
namespace {

Bytes pattern(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((7 * i + 3) & 0xffU);
    return out;
}

struct Row {
    std::size_t size;
    const char* sha3_256;
    const char* sha3_512;
    const char* shake_128;
    const char* shake_256;
};

// From python's hashlib: the first 16 bytes of the digests of pattern(size), and of SHA-256 over 1000 bytes of the SHAKEs. The
// sizes are those around the rates of the four functions.
const Row kRows[] = {
    {0, "a7ffc6f8bf1ed76651c14756a061d662", "a69f73cca23a9ac5c8b567dc185a756e", "218ae7a5107911c8702edb40ec361ebb",
        "38f5b095570dfb9090c6479a8c15d36d"},
    {1, "e3ed56bd086d8958483a12734fa0ae7f", "a63f9712aadceb0fe16f1881719a8022", "5a25d8f0a65557ccc277c3a5088a08e2",
        "a74107013c65918e7433a8ffdbc12128"},
    {71, "254f2ac1df8eae4233c0c2fe74a03331", "a02d5795bffd44cb0ac3cc3401ae8905", "c49f23137c1a0926eb472f11feb3643f",
        "3b78d1c9933aa7edc912b635355e4272"},
    {72, "f4bb95e698a2c13bd27f089f3762076d", "2ec0da5ff440c192d33033c4257eb39d", "00e731aee6e4c19f0a333d3d2a386ad4",
        "59d526283682b1ebf7f18517da030959"},
    {73, "c610c3522f9423c2c706b1e26e532b12", "d26d1f9fc91b1d6c31405cc4a546f246", "97b3d39d38de6f1f4a478de479fb4ef5",
        "7bc57f909b8657584921d4f3eb2e059f"},
    {135, "d9dcf1f98e49a79b0643a9e68fef4807", "9e9d81e346cf9a62dc4bda518e4096db", "f6dfb8377d5e8b46928e0e6a429e0e8a",
        "69eaedde57a52abae77964b111b02922"},
    {136, "743bd32e775ac7387a57d4d574c89dde", "62c81b78426786e5a5d431082d98857c", "2d9e45bf77ef360f5ec94e2a465c2b2d",
        "79fa8c468ef449983c4a67b20620e597"},
    {137, "01d47e8d6dce6e3dcbf1baa6f845b6ac", "3fd9dc45a7cdc291153d7b714ad68d82", "207877dadd69421c45f69fdaed4a1cea",
        "5ad722a843b25ac9186bd1e0120e8bf9"},
    {167, "684bf83317ea400f033de352516c1682", "f630f6e4fb09197b8d2503268c3fa8c5", "0f0d50170ec5e6358a71a6bb00c30345",
        "52704cd80a3ae979700b6276ed08bbfc"},
    {168, "a5a267be792383677005e1628c1c16a6", "460d5cc545a8c466031bb90026351676", "0fad2e5ecdc61414321c6c21e2a68828",
        "118d1221bc1f7eb4d9f91beffdf00fe8"},
    {169, "f7a2c4983e6cf26809daea869b625a07", "6168dfb98a5dc4257914b2af383012d4", "4701767a92e04daa5b3887c5b76afc15",
        "b2e6a5915d65f63a0c417f8c5fe61d20"},
    {1184, "fcc17e45f75b3251a6782c442dacbe2f", "ed26ce6d6570293a5610f4d158835e80", "9bcb30fc33b7e84dc550b7ef00cba8f3",
        "4a9beaabe6af82277303c631fb894506"},
};

std::string start_of(BytesView digest) { return base::hex(digest.first(16)); }

TEST(Keccak, MatchesHashlib) {
    for (const Row& row : kRows) {
        SCOPED_TRACE(row.size);
        const Bytes input = pattern(row.size);
        std::array<std::byte, 32> short_digest;
        sha3_256({input}, short_digest);
        EXPECT_EQ(start_of(short_digest), row.sha3_256);
        std::array<std::byte, 64> long_digest;
        sha3_512({input}, long_digest);
        EXPECT_EQ(start_of(long_digest), row.sha3_512);
        Bytes output(1000);
        Shake128 shake_128;
        shake_128.absorb(input);
        shake_128.squeeze(output);
        EXPECT_EQ(start_of(sha256({output})), row.shake_128);
        Shake256 shake_256;
        shake_256.absorb(input);
        shake_256.squeeze(output);
        EXPECT_EQ(start_of(sha256({output})), row.shake_256);
    }
}

TEST(Keccak, PortionsOfInputAndOutputDoNotMatter) {
    const Bytes input = pattern(500);
    Bytes whole(700);
    Shake128 at_once;
    at_once.absorb(input);
    at_once.squeeze(whole);
    for (const std::size_t portion : {1U, 3U, 7U, 8U, 41U, 168U, 169U}) {
        Shake128 sponge;
        for (std::size_t i = 0; i < input.size(); i += portion) {
            sponge.absorb(BytesView(input).subspan(i, std::min(portion, input.size() - i)));
        }
        Bytes out(whole.size());
        for (std::size_t i = 0; i < out.size(); i += portion) {
            sponge.squeeze(MutableBytes(out).subspan(i, std::min(portion, out.size() - i)));
        }
        EXPECT_EQ(out, whole) << portion;
    }
}

TEST(Keccak, FourSideBySideGiveWhatOneGives) {
    test::in_both_forms([] {
        for (const std::size_t rate : {kShake128Rate, kShake256Rate}) {
            const Bytes all = pattern(2 * rate);
            const std::array<std::size_t, 4> sizes{0, 33, 34, rate - 1};
            std::array<BytesView, 4> inputs;
            for (std::size_t k = 0; k < 4; ++k) inputs[k] = BytesView(all).subspan(k, sizes[k]);
            Shake4 four(rate, inputs);
            std::array<Bytes, 4> got;
            for (int block = 0; block < 3; ++block) {
                std::array<Bytes, 4> out;
                out.fill(Bytes(rate));
                four.squeeze_block({out[0], out[1], out[2], out[3]});
                for (std::size_t k = 0; k < 4; ++k) got[k].insert(got[k].end(), out[k].begin(), out[k].end());
            }
            for (std::size_t k = 0; k < 4; ++k) {
                Sponge one(rate, 0x1f);
                one.absorb(inputs[k]);
                Bytes expected(3 * rate);
                one.squeeze(expected);
                EXPECT_EQ(got[k], expected) << rate << " " << k;
            }
        }
    });
}

}  // namespace
}  // namespace sekisho::crypto
