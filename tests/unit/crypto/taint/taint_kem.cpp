// Shows valgrind which bytes are secret, and lets it watch ML-KEM-768 and sntrup761: memcheck complains of every branch and
// index that depends on an undefined byte, so secrets are declared undefined, and what becomes public is declared defined at
// the line where it does. Runs the code of the library itself, in both forms of its vectorised loops.
//
//   valgrind --error-exitcode=9 taint_kem            clean
//   valgrind --error-exitcode=9 taint_kem branch     complains: a branch on an ML-KEM key is put in
//   valgrind --error-exitcode=9 taint_kem index      complains: a table is read at an index from an sntrup761 key
#include <cstdio>
#include <string_view>

#include <valgrind/memcheck.h>

#include "crypto/cpu.h"
#include "crypto/keccak.h"
#include "crypto/ml_kem_768.h"
#include "crypto/sntrup761.h"

namespace {

using namespace sekisho;
using namespace sekisho::crypto;

enum class Mistake { None, Branch, Index };

void keep_secret(BytesView bytes) { (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size()); }
void publish(BytesView bytes) { (void)VALGRIND_MAKE_MEM_DEFINED(bytes.data(), bytes.size()); }

class SecretRandom final : public Random {
public:
    void fill(MutableBytes out) override {
        system_random().fill(out);
        keep_secret(out);
    }
};

// What no constant-time code does, to see that it would be found.
void branch_on(const Secret& secret) {
    if ((secret.bytes()[0] & std::byte{1}) != std::byte{0}) std::puts("odd");
}

void index_by(const Secret& secret) {
    static const unsigned char table[256] = {1, 2, 3};
    [[maybe_unused]] static volatile unsigned result;
    result = table[std::to_integer<std::size_t>(secret.bytes()[0])];
}

bool same(const Secret& a, const Secret& b) {
    publish(a.bytes());
    publish(b.bytes());
    return a == b;
}

/// Both a ciphertext for this key and one that is rejected.
template <class Pair, class Made, class Open>
bool encapsulate_and_open(const Pair& pair, Made made, const Open& decapsulate) {
    if (!made) return false;
    publish(made->ciphertext);
    const Result<Secret> accepted = decapsulate(pair.secret_key, made->ciphertext);
    made->ciphertext[7] ^= std::byte{1};
    const Result<Secret> rejected = decapsulate(pair.secret_key, made->ciphertext);
    return accepted && rejected && same(*accepted, made->shared) && !same(*rejected, made->shared);
}

bool watch_ml_kem(Mistake mistake) {
    SecretRandom random;
    Secret d(32);
    Secret z(32);
    random.fill(d.bytes());
    random.fill(z.bytes());
    // The first line of key generation, so that its public half can be published before the matrix is made of it.
    std::array<std::byte, 64> seeds;
    const std::byte rank{3};
    sha3_512({d.bytes(), BytesView(&rank, 1)}, seeds);
    const std::span<const std::byte, 64> both(seeds);
    publish(both.first<32>());
    const ml_kem::KeyPair pair = ml_kem::generate_from(both.first<32>(), both.last<32>(), z);
    publish(pair.public_key);
    publish(pair.secret_key.bytes().subspan(1152, ml_kem::kPublicKeySize + 32));
    if (mistake == Mistake::Branch) branch_on(pair.secret_key);
    return encapsulate_and_open(pair, ml_kem::encapsulate(pair.public_key, random), ml_kem::decapsulate);
}

bool watch_sntrup761(Mistake mistake) {
    SecretRandom random;
    sntrup761::Small g;
    sntrup761::Small reciprocal_of_g;
    std::uint32_t found = 0;
    while (found == 0) {
        sntrup761::random_small(g, random);
        found = sntrup761::reciprocal(reciprocal_of_g, g);
        publish(std::as_bytes(std::span(&found, 1)));
    }
    const sntrup761::KeyPair pair = sntrup761::generate_from(g, reciprocal_of_g, random);
    publish(pair.public_key);
    const BytesView key = pair.secret_key.bytes();
    publish(key.subspan(382, sntrup761::kPublicKeySize));
    publish(key.last(32));
    if (mistake == Mistake::Index) index_by(pair.secret_key);
    return encapsulate_and_open(pair, sntrup761::encapsulate(pair.public_key, random), sntrup761::decapsulate);
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view wanted = count > 1 ? arguments[1] : "";
    const Mistake mistake = wanted == "branch" ? Mistake::Branch : wanted == "index" ? Mistake::Index : Mistake::None;
    for (const bool baseline : {true, false}) {
        cpu::force_baseline(baseline);
        for (int round = 0; round < 3; ++round) {
            if (watch_ml_kem(mistake) && watch_sntrup761(mistake)) continue;
            std::puts("the secrets do not agree");
            return 1;
        }
    }
    std::puts("done");
    return 0;
}
