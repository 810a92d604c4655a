#include "crypto/random.h"

#include <climits>

#include <openssl/rand.h>

#include "base/assert.h"

namespace sekisho::crypto {
namespace {

class SystemRandom final : public Random {
public:
    void fill(MutableBytes out) override {
        SEKISHO_ASSERT(out.size() <= INT_MAX);
        SEKISHO_ASSERT(RAND_bytes(base::uchars(out.data()), static_cast<int>(out.size())) == 1);
    }
};

}  // namespace

Random& system_random() {
    static SystemRandom random;
    return random;
}

// SplitMix64 (Steele, Lea, Flood 2014): small, and every seed gives a different stream.
void TestRandom::fill(MutableBytes out) {
    std::uint64_t word = 0;
    unsigned left = 0;
    for (std::byte& b : out) {
        if (left == 0) {
            m_state += 0x9e3779b97f4a7c15ULL;
            word = m_state;
            word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
            word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
            word ^= word >> 31;
            left = 8;
        }
        b = static_cast<std::byte>(word & 0xffU);
        word >>= 8;
        --left;
    }
}

}  // namespace sekisho::crypto
