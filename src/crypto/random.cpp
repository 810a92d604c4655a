#include "crypto/random.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/assert.h"

namespace sekisho::crypto {
namespace {

// Every packet wants a few bytes of padding, and a call of OpenSSL's generator costs a microsecond whatever it is asked for. So each
// thread draws ahead; what was handed out is wiped here.
class Ahead {
public:
    static constexpr std::size_t kMostAtOnce = 64;

    Ahead() = default;
    Ahead(const Ahead&) = delete;
    Ahead& operator=(const Ahead&) = delete;
    ~Ahead() { OPENSSL_cleanse(m_bytes.data(), m_bytes.size()); }

    void take(MutableBytes out) {
        // A forked process must not go on with the bytes that its parent will use.
        const unsigned forks = g_forks.load(std::memory_order_relaxed);
        if (out.size() > m_bytes.size() - m_used || m_forks != forks) {
            draw(m_bytes);
            m_used = 0;
            m_forks = forks;
        }
        const MutableBytes from = MutableBytes(m_bytes).subspan(m_used, out.size());
        std::ranges::copy(from, out.begin());
        OPENSSL_cleanse(from.data(), from.size());
        m_used += out.size();
    }

    static void draw(MutableBytes out) {
        SEKISHO_ASSERT(out.size() <= INT_MAX);
        SEKISHO_ASSERT(RAND_bytes(base::uchars(out.data()), static_cast<int>(out.size())) == 1);
    }

    static void watch_forks() {
        SEKISHO_ASSERT(::pthread_atfork(nullptr, nullptr, [] { g_forks.fetch_add(1, std::memory_order_relaxed); }) == 0);
    }

private:
    static inline std::atomic<unsigned> g_forks{0};

    std::array<std::byte, 1024> m_bytes{};
    std::size_t m_used = sizeof m_bytes;
    unsigned m_forks = 0;
};

class SystemRandom final : public Random {
public:
    SystemRandom() { Ahead::watch_forks(); }
    void fill(MutableBytes out) override {
        if (out.size() > Ahead::kMostAtOnce) return Ahead::draw(out);
        thread_local Ahead ahead;
        ahead.take(out);
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
