#include "crypto/diffie_hellman.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <set>

#include "crypto/evp.h"
#include "crypto/hash.h"
#include "crypto/key_agreement_methods.h"

namespace sekisho::crypto {
namespace {

using MontgomeryContext = std::unique_ptr<BN_MONT_CTX, evp::Freed<BN_MONT_CTX_free>>;

// Twice the strength of the strongest cipher (RFC 4419 §6.2); short exponents are safe modulo safe primes.
constexpr std::size_t kExponent = 512 / 8;
constexpr unsigned kLeastBits = 2048;  // RFC 8270 §3

/// Big endian, with the zero in front that an mpint has where the top bit is set.
Bytes mpint_contents(const BIGNUM* number) {
    Bytes out = evp::magnitude(number);
    if (!out.empty() && std::to_integer<unsigned>(out.front()) >= 0x80) out.insert(out.begin(), std::byte{0});
    return out;
}

/// RFC 4251 §5: no negative numbers, no needless leading zeros. Otherwise two encodings of a value would give two hashes.
bool is_positive_mpint(BytesView contents) {
    if (contents.empty()) return false;
    const unsigned first = std::to_integer<unsigned>(contents[0]);
    if (first >= 0x80) return false;
    return first != 0 || (contents.size() > 1 && std::to_integer<unsigned>(contents[1]) >= 0x80);
}

class Group {
public:
    Group(evp::Number prime, evp::Number generator) : m_prime(std::move(prime)), m_generator(std::move(generator)) {
        const evp::NumberContext context(BN_CTX_new());
        m_montgomery.reset(BN_MONT_CTX_new());
        SEKISHO_ASSERT(context && m_montgomery && BN_is_odd(m_prime.get()));
        SEKISHO_ASSERT(BN_MONT_CTX_set(m_montgomery.get(), m_prime.get(), context.get()) == 1);
    }

    std::size_t size() const { return static_cast<std::size_t>(BN_num_bytes(m_prime.get())); }
    const BIGNUM* generator() const { return m_generator.get(); }

    /// base^exponent mod prime, in a time that does not depend on the exponent.
    evp::Number power(const BIGNUM* base, const Secret& exponent) const {
        const evp::Number secret = evp::secret_number(exponent);
        const evp::NumberContext context(BN_CTX_secure_new());
        evp::Number result(BN_secure_new());
        SEKISHO_ASSERT(context && result);
        SEKISHO_ASSERT(BN_mod_exp_mont_consttime(result.get(), base, secret.get(), m_prime.get(), context.get(),
                                                 m_montgomery.get()) == 1);
        return result;
    }

    /// 1 < value < p-1. RFC 4253 §8 lets 1 and p-1 through, which would make the secret anybody's guess.
    bool contains(const BIGNUM* value) const {
        if (BN_cmp(value, BN_value_one()) <= 0) return false;
        evp::Number most(BN_dup(m_prime.get()));
        SEKISHO_ASSERT(most && BN_sub_word(most.get(), 1) == 1);
        return BN_cmp(value, most.get()) < 0;
    }

    /// The peer's value, checked before anything is computed with it.
    Result<evp::Number> value(BytesView contents) const {
        if (contents.size() > size() + 1 || !is_positive_mpint(contents)) return fail("the key exchange value is malformed");
        evp::Number number = evp::number(contents);
        if (!contains(number.get())) return fail("the key exchange value is out of range");
        return number;
    }

    Result<Secret> agree(BytesView peer, const Secret& exponent) const {
        const auto theirs = value(peer);
        if (!theirs) return std::unexpected(theirs.error());
        const evp::Number shared = power(theirs->get(), exponent);
        // In a group that a server made up, a value may have a small order.
        if (!contains(shared.get())) return fail("the key exchange value is unusable");
        Secret out(size());
        SEKISHO_ASSERT(BN_bn2binpad(shared.get(), base::uchars(out.bytes().data()), static_cast<int>(out.size())) >= 0);
        return out;
    }

private:
    evp::Number m_prime;
    evp::Number m_generator;
    MontgomeryContext m_montgomery;
};

struct Pair {
    Secret exponent;
    Bytes value;
};

Pair generate(const Group& group, Random& random) {
    Secret exponent(kExponent);
    random.fill(exponent.bytes());
    // The top bit is always set: the length of the exponent, which the time of a power shows, tells nothing.
    exponent.bytes()[0] |= std::byte{0x80};
    Bytes value = mpint_contents(group.power(group.generator(), exponent).get());
    return {std::move(exponent), std::move(value)};
}

class Client final : public KeyAgreementClient {
public:
    Client(std::shared_ptr<const Group> group, Pair pair) : m_group(std::move(group)), m_pair(std::move(pair)) {}
    BytesView init() const override { return m_pair.value; }
    Result<Secret> finish(BytesView reply) override { return m_group->agree(reply, m_pair.exponent); }

private:
    std::shared_ptr<const Group> m_group;
    Pair m_pair;
};

class DiffieHellman final : public KeyAgreement {
public:
    DiffieHellman(std::shared_ptr<const Group> group, HashKind hash) : m_group(std::move(group)), m_hash(hash) {}

    std::unique_ptr<KeyAgreementClient> start(Random& random) const override {
        return std::make_unique<Client>(m_group, generate(*m_group, random));
    }

    Result<KeyAgreementReply> respond(BytesView init, Random& random) const override {
        // A value out of range costs nothing: it is looked at before our own is computed.
        if (const auto checked = m_group->value(init); !checked) return std::unexpected(checked.error());
        Pair pair = generate(*m_group, random);
        Result<Secret> shared = m_group->agree(init, pair.exponent);
        if (!shared) return std::unexpected(std::move(shared.error()));
        return KeyAgreementReply{std::move(pair.value), std::move(*shared)};
    }

    HashKind hash() const override { return m_hash; }
    bool slow() const override { return m_group->size() > kQuickBytes; }
    bool secret_is_string() const override { return false; }

private:
    static constexpr std::size_t kQuickBytes = 2048 / 8;  // below a millisecond

    std::shared_ptr<const Group> m_group;
    HashKind m_hash;
};

// --- the groups of the standards ---

evp::Number oakley_prime(unsigned bits) {
    BIGNUM* prime = nullptr;
    switch (bits) {
        case 1024: prime = BN_get_rfc2409_prime_1024(nullptr); break;
        case 2048: prime = BN_get_rfc3526_prime_2048(nullptr); break;
        case 3072: prime = BN_get_rfc3526_prime_3072(nullptr); break;
        case 4096: prime = BN_get_rfc3526_prime_4096(nullptr); break;
        case 6144: prime = BN_get_rfc3526_prime_6144(nullptr); break;
        case 8192: prime = BN_get_rfc3526_prime_8192(nullptr); break;
        default: break;
    }
    SEKISHO_ASSERT(prime != nullptr);
    return evp::Number(prime);
}

std::shared_ptr<const Group> oakley_group(unsigned bits) {
    return std::make_shared<const Group>(oakley_prime(bits), evp::number(Bytes{std::byte{2}}));
}

struct Offered {
    explicit Offered(unsigned size)
        : bits(size), group{evp::magnitude(oakley_prime(size).get()), Bytes{std::byte{2}}},
          method(oakley_group(size), HashKind::Sha256) {}
    unsigned bits;
    DiffieHellmanGroup group;
    DiffieHellman method;
};

const std::array<Offered, 5>& offered_groups() {
    static const std::array<Offered, 5> groups{Offered(2048), Offered(3072), Offered(4096), Offered(6144), Offered(8192)};
    return groups;
}

}  // namespace

Result<KnownGroup> choose_known_group(std::uint32_t least, std::uint32_t wanted, std::uint32_t most) {
    const Offered* chosen = nullptr;
    for (const Offered& one : offered_groups()) {
        if (one.bits < std::max<std::uint32_t>(least, kLeastBits) || one.bits > most) continue;
        chosen = &one;
        if (one.bits >= wanted) break;
    }
    if (chosen == nullptr) return fail("no Diffie-Hellman group of the size that was asked for");
    return KnownGroup{chosen->bits, chosen->group, chosen->method};
}

bool is_known_group(const DiffieHellmanGroup& group) {
    return std::ranges::any_of(offered_groups(), [&](const Offered& one) {
        return one.group.prime == group.prime && one.group.generator == group.generator;
    });
}

Result<std::unique_ptr<KeyAgreement>> diffie_hellman_sha256(const DiffieHellmanGroup& group, std::size_t least, std::size_t most) {
    const std::size_t bytes = most / 8 + 1;
    if (group.prime.size() > bytes || group.generator.size() > bytes) return fail("the Diffie-Hellman group is too large");
    evp::Number prime = evp::number(group.prime);
    evp::Number generator = evp::number(group.generator);
    const auto bits = static_cast<std::size_t>(BN_num_bits(prime.get()));
    if (bits < least || bits > most) return fail("the Diffie-Hellman group is of a size that was not asked for", std::to_string(bits));
    // p = 2q+1 with a prime q is 3 modulo 4; and 2 modulo 3, or 3 would divide q or p.
    if (BN_mod_word(prime.get(), 4) != 3 || BN_mod_word(prime.get(), 3) != 2) return fail("the Diffie-Hellman group has no safe prime");
    auto made = std::make_shared<const Group>(std::move(prime), std::move(generator));
    if (!made->contains(made->generator())) return fail("the Diffie-Hellman group has a useless generator");
    return std::make_unique<DiffieHellman>(std::move(made), HashKind::Sha256);
}

namespace {

/// Primes that were proven, by their digest: a server picks one of some dozens anew for each exchange.
class ProvenPrimes {
public:
    using Digest = std::array<std::byte, 32>;

    bool has(const Digest& digest) {
        const std::lock_guard lock(m_mutex);
        return m_digests.contains(digest);
    }
    void add(const Digest& digest) {
        const std::lock_guard lock(m_mutex);
        if (m_digests.size() >= kMost)
            m_digests.erase(m_digests.begin());  // any: digests have no order that somebody could choose
        m_digests.insert(digest);
    }

private:
    static constexpr std::size_t kMost = 256;
    std::mutex m_mutex;
    std::set<Digest> m_digests;
};

/// For p = 2q + 1 and a prime q this is a proof (Pocklington): 2^(p-1) = 1 modulo p, and 2^2 - 1 has no divisor in common with p.
bool is_prime_if_half_is(const BIGNUM* p, BN_CTX* context) {
    const evp::Number two = evp::number(Bytes{std::byte{2}});
    evp::Number exponent(BN_dup(p)), power(BN_new());
    SEKISHO_ASSERT(exponent && power && BN_sub_word(exponent.get(), 1) == 1);
    SEKISHO_ASSERT(BN_mod_exp(power.get(), two.get(), exponent.get(), p, context) == 1);
    return BN_is_one(power.get()) && BN_mod_word(p, 3) != 0;
}

}  // namespace

bool is_safe_prime(BytesView prime) {
    if (prime.size() > 8192 / 8) return false;
    static ProvenPrimes proven;
    const auto digest = sha256({prime});
    if (proven.has(digest)) return true;
    const evp::Number p = evp::number(prime);
    if (BN_num_bits(p.get()) < 4 || !BN_is_odd(p.get())) return false;
    evp::Number q(BN_new());
    const evp::NumberContext context(BN_CTX_new());
    SEKISHO_ASSERT(q && context && BN_rshift1(q.get(), p.get()) == 1);
    if (!is_prime_if_half_is(p.get(), context.get()) || BN_check_prime(q.get(), context.get(), nullptr) != 1) return false;
    proven.add(digest);
    return true;
}

// --- by name (key_agreement_methods.h) ---

const KeyAgreement& diffie_hellman_group1_sha1() {
    static const DiffieHellman method(oakley_group(1024), HashKind::Sha1);
    return method;
}
const KeyAgreement& diffie_hellman_group14_sha1() {
    static const DiffieHellman method(oakley_group(2048), HashKind::Sha1);
    return method;
}
const KeyAgreement& diffie_hellman_group14_sha256() {
    static const DiffieHellman method(oakley_group(2048), HashKind::Sha256);
    return method;
}
const KeyAgreement& diffie_hellman_group16_sha512() {
    static const DiffieHellman method(oakley_group(4096), HashKind::Sha512);
    return method;
}
const KeyAgreement& diffie_hellman_group18_sha512() {
    static const DiffieHellman method(oakley_group(8192), HashKind::Sha512);
    return method;
}

}  // namespace sekisho::crypto
