// What both sources of AES-GCM must have in common beyond packet_cipher_test.cpp: the same bytes at every size, and no byte
// touched beside those they were handed (which no sanitizer sees: their loops are assembler).
#include "crypto/aes_gcm.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "tests/unit/crypto/both_gcm.h"

namespace sekisho::crypto {
namespace {

constexpr const char* kCiphers[] = {"aes128-gcm@openssh.com", "aes256-gcm@openssh.com"};

std::vector<std::size_t> sizes() {
    std::vector<std::size_t> all;
    for (std::size_t size = 1; size <= 300; ++size) all.push_back(size);
    all.insert(all.end(), {511, 512, 513, 767, 768, 769, 1024, 4095, 4096, 4097, 32768, 32769});
    return all;
}

Secret random_secret(std::size_t size, Random& random) {
    Secret out(size);
    random.fill(out.bytes());
    return out;
}

Bytes random_packet(std::size_t body, Random& random) {
    Bytes packet(aes_gcm::kLength + body);
    random.fill(packet);
    return packet;
}

/// Memory between two pages that end the process when they are touched, as near to the second one as `size` allows.
class Fenced {
public:
    explicit Fenced(std::size_t size) : m_size(size), m_page(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
        m_inner = (size + m_page - 1) / m_page * m_page;
        void* const all = ::mmap(nullptr, m_inner + 2 * m_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == MAP_FAILED) throw std::bad_alloc();
        m_all = static_cast<std::byte*>(all);
        if (::mprotect(m_all + m_page, m_inner, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    }
    Fenced(const Fenced&) = delete;
    Fenced& operator=(const Fenced&) = delete;
    ~Fenced() { ::munmap(m_all, m_inner + 2 * m_page); }

    MutableBytes at_end() { return {m_all + m_page + m_inner - m_size, m_size}; }
    MutableBytes at_begin() { return {m_all + m_page, m_size}; }

private:
    std::size_t m_size;
    std::size_t m_page;
    std::size_t m_inner = 0;
    std::byte* m_all = nullptr;
};

class BothGcm : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (!aes_gcm::has_ipsec_mb()) GTEST_SKIP() << "libipsec-mb is not installed";
    }
    void TearDown() override { aes_gcm::force(m_before); }

    std::unique_ptr<PacketSealer> sealer(aes_gcm::Backend backend) const {
        aes_gcm::force(backend);
        return make_sealer(GetParam(), "", m_key, m_iv, {});
    }
    std::unique_ptr<PacketOpener> opener(aes_gcm::Backend backend) const {
        aes_gcm::force(backend);
        return make_opener(GetParam(), "", m_key, m_iv, {});
    }

    TestRandom m_random{5};
    Secret m_key = random_secret(cipher_sizes(GetParam(), "").key, m_random);
    Secret m_iv = random_secret(12, m_random);
    const aes_gcm::Backend m_before = aes_gcm::backend();
};

TEST_P(BothGcm, EachOpensWhatTheOtherSealed) {
    const auto from_openssl = sealer(aes_gcm::Backend::OpenSsl);
    const auto from_ipsec_mb = sealer(aes_gcm::Backend::IpsecMb);
    const auto to_openssl = opener(aes_gcm::Backend::OpenSsl);
    const auto to_ipsec_mb = opener(aes_gcm::Backend::IpsecMb);
    for (const std::size_t size : sizes()) {
        const Bytes packet = random_packet(size, m_random);
        Bytes one(packet.size() + aes_gcm::kTag);
        from_openssl->seal(0, packet, one);
        Bytes two(one.size());  // in place
        std::ranges::copy(packet, two.begin());
        from_ipsec_mb->seal(0, BytesView(two).first(packet.size()), two);
        ASSERT_EQ(one, two) << size;
        ASSERT_TRUE(to_openssl->open(0, two)) << size;
        ASSERT_TRUE(to_ipsec_mb->open(0, one)) << size;
        ASSERT_EQ(one, two) << size;
        ASSERT_TRUE(std::ranges::equal(packet, BytesView(one).first(packet.size()))) << size;
    }
}

TEST_P(BothGcm, TouchNothingBesideWhatTheyAreGiven) {
    sekisho::test::with_both_gcm([this] {
        const auto sealer = make_sealer(GetParam(), "", m_key, m_iv, {});
        const auto opener = make_opener(GetParam(), "", m_key, m_iv, {});
        for (const std::size_t size : sizes()) {
            const Bytes packet = random_packet(size, m_random);
            Fenced source(packet.size());
            Fenced target(packet.size() + aes_gcm::kTag);
            for (const bool end : {true, false}) {
                const MutableBytes from = end ? source.at_end() : source.at_begin();
                const MutableBytes to = end ? target.at_end() : target.at_begin();
                std::ranges::copy(packet, from.begin());
                sealer->seal(0, from, to);
                ASSERT_TRUE(std::ranges::equal(packet, from)) << size;
                ASSERT_TRUE(opener->open(0, to)) << size;
                ASSERT_TRUE(std::ranges::equal(packet, to.first(packet.size()))) << size;
            }
        }
    });
}

TEST_P(BothGcm, EveryBitOfATagAndEveryByteOfAPacketCountsAtAllSizes) {
    sekisho::test::with_both_gcm([this] {
        for (const std::size_t size : {1U, 15U, 16U, 17U, 48U, 255U, 256U, 257U, 1024U, 32768U}) {
            const Bytes packet = random_packet(size, m_random);
            Bytes sealed(packet.size() + aes_gcm::kTag);
            make_sealer(GetParam(), "", m_key, m_iv, {})->seal(0, packet, sealed);
            const auto refused = [&](std::size_t at, unsigned flip) {
                Bytes changed = sealed;
                changed[at] ^= static_cast<std::byte>(flip);
                return !make_opener(GetParam(), "", m_key, m_iv, {})->open(0, changed);
            };
            for (std::size_t bit = 0; bit < aes_gcm::kTag * 8; ++bit) {
                ASSERT_TRUE(refused(packet.size() + bit / 8, 1U << (bit % 8))) << size << " bytes, bit " << bit;
            }
            const std::size_t step = std::max<std::size_t>(1, size / 500);
            for (std::size_t at = 0; at < packet.size(); at += step) {
                ASSERT_TRUE(refused(at, 1)) << size << " bytes, byte " << at;
            }
        }
    });
}

TEST_P(BothGcm, ThreadsDoNotDisturbEachOther) {
    sekisho::test::with_both_gcm([this] {
        std::vector<std::jthread> threads;
        std::array<bool, 4> good{};
        for (std::size_t t = 0; t < good.size(); ++t) {
            threads.emplace_back([this, t, &good] {
                TestRandom random{t};
                const auto sealer = make_sealer(GetParam(), "", m_key, m_iv, {});
                const auto opener = make_opener(GetParam(), "", m_key, m_iv, {});
                bool all = true;
                for (std::size_t size = 1; size <= 2000; ++size) {
                    Bytes packet = random_packet(size, random);
                    Bytes sealed(packet.size() + aes_gcm::kTag);
                    sealer->seal(0, packet, sealed);
                    all = opener->open(0, sealed) && all;
                    all = std::ranges::equal(packet, BytesView(sealed).first(packet.size())) && all;
                }
                good[t] = all;
            });
        }
        threads.clear();
        EXPECT_TRUE(std::ranges::all_of(good, [](bool one) { return one; }));
    });
}

TEST(AesGcmChoice, IsWhatWasAskedForOrAnError) {
    ASSERT_TRUE(choose_aes_gcm("openssl").has_value());
    EXPECT_EQ(aes_gcm::backend(), aes_gcm::Backend::OpenSsl);
    EXPECT_EQ(choose_aes_gcm("ipsec-mb").has_value(), aes_gcm::has_ipsec_mb());
    EXPECT_FALSE(choose_aes_gcm("fastest").has_value());
    ASSERT_TRUE(choose_aes_gcm("auto").has_value());
    EXPECT_EQ(aes_gcm::backend() == aes_gcm::Backend::IpsecMb, aes_gcm::has_ipsec_mb());
}

INSTANTIATE_TEST_SUITE_P(All, BothGcm, testing::ValuesIn(kCiphers),
                         [](const auto& info) { return std::string(info.param).substr(0, 6); });

}  // namespace
}  // namespace sekisho::crypto
