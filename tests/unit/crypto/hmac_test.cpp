#include "crypto/hmac.h"

#include <gtest/gtest.h>

namespace sekisho::crypto {
namespace {

TEST(Hmac, MatchesTheExamplesOfTheStandard) {
    // RFC 4231 §4.3, §4.7 (a key longer than a block)
    EXPECT_EQ(base::hex(hmac_sha256(base::view("Jefe"), base::view("what do ya want for nothing?"))),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(base::hex(hmac_sha256(
                  Bytes(131, std::byte{0xaa}), base::view("Test Using Larger Than Block-Size Key - Hash Key First"))),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    // Python: hmac.new(b"", b"", "sha256").hexdigest()
    EXPECT_EQ(base::hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

}  // namespace
}  // namespace sekisho::crypto
