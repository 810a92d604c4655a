#include "crypto/hash.h"

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace sekisho::crypto {
namespace {

// FIPS 180-4 example values ("abc"), as published by NIST.
TEST(Hash, MatchesTheExamplesOfTheStandard) {
    const BytesView abc = base::view("abc");
    EXPECT_EQ(base::hex(digest(HashKind::Sha1, {abc})), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(base::hex(digest(HashKind::Sha256, {abc})),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(base::hex(digest(HashKind::Sha384, {abc})),
              "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    EXPECT_EQ(base::hex(digest(HashKind::Sha512, {abc})),
              "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Hash, PartsAndRunningHashGiveTheSameDigest) {
    for (HashKind kind : {HashKind::Sha1, HashKind::Sha256, HashKind::Sha384, HashKind::Sha512}) {
        const Bytes whole = digest(kind, {base::view("abcdef")});
        EXPECT_EQ(whole.size(), digest_size(kind));
        EXPECT_EQ(digest(kind, {base::view("ab"), {}, base::view("cdef")}), whole);
        Hash running(kind);
        running.update(base::view("abc"));
        Hash moved = std::move(running);
        moved.update(base::view("def"));
        EXPECT_EQ(moved.finish(), whole);
    }
    const auto array = sha256({base::view("abc"), base::view("def")});
    EXPECT_EQ(base::to_bytes(array), digest(HashKind::Sha256, {base::view("abcdef")}));
}

TEST(Random, TestRandomRepeatsAndSeedsDiffer) {
    Bytes a(37), b(37), c(37);
    TestRandom(1).fill(a);
    TestRandom(1).fill(b);
    TestRandom(2).fill(c);
    EXPECT_EQ(a, b);
    EXPECT_NE(a, c);
}

// First two outputs of SplitMix64 from seed 0, as widely published for java.util.SplittableRandom.
TEST(Random, TestRandomIsSplitMix64) {
    Bytes out(16);
    TestRandom(0).fill(out);
    // 0xe220a8397b1dcdaf and 0x6e789e6aa1b965f4, little endian.
    EXPECT_EQ(base::hex(out), "afcd1d7b39a820e2f465b9a16a9e786e");
}

TEST(Random, SystemRandomGivesSomethingElseEachTime) {
    Bytes a(32), b(32);
    system_random().fill(a);
    system_random().fill(b);
    EXPECT_NE(a, b);
    EXPECT_NE(a, Bytes(32));
}

}  // namespace
}  // namespace sekisho::crypto
