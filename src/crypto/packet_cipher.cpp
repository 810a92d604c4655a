#include "crypto/packet_cipher.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "crypto/packet_cipher_families.h"

namespace sekisho::crypto {
namespace {

enum class Family { AesGcm, ChaCha20Poly1305, AesCtr, Cbc };

bool is_aead(Family family) { return family == Family::AesGcm || family == Family::ChaCha20Poly1305; }

struct CipherRow {
    std::string_view name;
    Family family;
    EVP_CIPHER* evp::Algorithms::*algorithm;
    std::size_t key;
    std::size_t iv;
    std::uint64_t rekey_bytes;
};

// RFC 4344 §3.2: new keys after 2^(L/4) blocks of L bits; for AES that is 2^32 blocks of 16 bytes. ChaCha20 has no such
// bound and keeps the gigabyte of RFC 4253 §9.
constexpr std::uint64_t kAesRekey = 1ULL << 36;
constexpr std::uint64_t kGigabyte = 1ULL << 30;
// Blocks of 64 bits begin to repeat after 2^32 of them (32 GiB); long before, what repeats tells something about the text.
constexpr std::uint64_t kTripleDesRekey = 1ULL << 28;

constexpr std::array kCiphers{
    CipherRow{"aes128-gcm@openssh.com", Family::AesGcm, &evp::Algorithms::aes128_gcm, 16, 12, kAesRekey},
    CipherRow{"aes256-gcm@openssh.com", Family::AesGcm, &evp::Algorithms::aes256_gcm, 32, 12, kAesRekey},
    CipherRow{"chacha20-poly1305@openssh.com", Family::ChaCha20Poly1305, &evp::Algorithms::chacha20, 64, 0, kGigabyte},
    CipherRow{"aes128-ctr", Family::AesCtr, &evp::Algorithms::aes128_ctr, 16, 16, kAesRekey},
    CipherRow{"aes192-ctr", Family::AesCtr, &evp::Algorithms::aes192_ctr, 24, 16, kAesRekey},
    CipherRow{"aes256-ctr", Family::AesCtr, &evp::Algorithms::aes256_ctr, 32, 16, kAesRekey},
    // For targets marked as legacy only (ssh/algorithms.cpp).
    CipherRow{"aes128-cbc", Family::Cbc, &evp::Algorithms::aes128_cbc, 16, 16, kAesRekey},
    CipherRow{"aes192-cbc", Family::Cbc, &evp::Algorithms::aes192_cbc, 24, 16, kAesRekey},
    CipherRow{"aes256-cbc", Family::Cbc, &evp::Algorithms::aes256_cbc, 32, 16, kAesRekey},
    CipherRow{"3des-cbc", Family::Cbc, &evp::Algorithms::triple_des_cbc, 24, 8, kTripleDesRekey},
};

struct MacRow {
    std::string_view name;
    MacChoice choice;
};

constexpr std::array kMacs{
    MacRow{"hmac-sha2-256-etm@openssh.com", {HashKind::Sha256, true}},
    MacRow{"hmac-sha2-512-etm@openssh.com", {HashKind::Sha512, true}},
    MacRow{"hmac-sha2-256", {HashKind::Sha256, false}},
    MacRow{"hmac-sha2-512", {HashKind::Sha512, false}},
    MacRow{"hmac-sha1", {HashKind::Sha1, false}},  // legacy only
};

template <class Table>
auto find(const Table& table, std::string_view name) -> decltype(table.data()) {
    const auto at = std::ranges::find(table, name, [](const auto& row) { return row.name; });
    return at == table.end() ? nullptr : &*at;
}

/// Both names looked up, all sizes checked.
struct Chosen {
    const CipherRow& cipher;
    const EVP_CIPHER* algorithm;
    std::optional<MacChoice> mac;  // none for AEAD
};

Chosen choose(std::string_view cipher_name, std::string_view mac_name, const Secret& key, const Secret& iv,
              const Secret& mac_key) {
    const CipherSizes sizes = cipher_sizes(cipher_name, mac_name);
    SEKISHO_ASSERT(key.size() == sizes.key && iv.size() == sizes.iv && mac_key.size() == sizes.mac_key);
    const CipherRow& cipher = *find(kCiphers, cipher_name);
    Chosen chosen{cipher, evp::algorithms().*cipher.algorithm, std::nullopt};
    if (!sizes.aead) chosen.mac = find(kMacs, mac_name)->choice;
    return chosen;
}

constexpr PacketShape kPlainShape{.block = 8, .aligned_from = 0, .tag = 0};

class PlainSealer final : public PacketSealer {
public:
    PacketShape shape() const override { return kPlainShape; }
    void seal(std::uint32_t, BytesView packet, MutableBytes out) override {
        SEKISHO_ASSERT(out.size() == packet.size());
        if (out.data() != packet.data()) std::memcpy(out.data(), packet.data(), packet.size());
    }
};

class PlainOpener final : public PacketOpener {
public:
    PacketShape shape() const override { return kPlainShape; }
    std::size_t prefix() const override { return 4; }
    std::uint32_t length(std::uint32_t, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= 4);
        return load_be32(prefix_bytes.data());
    }
    bool open(std::uint32_t, MutableBytes) override { return true; }
};

}  // namespace

bool cipher_known(std::string_view cipher) { return find(kCiphers, cipher) != nullptr; }
bool cipher_is_aead(std::string_view cipher) {
    const CipherRow* row = find(kCiphers, cipher);
    return row != nullptr && is_aead(row->family);
}
bool mac_known(std::string_view mac) { return find(kMacs, mac) != nullptr; }

CipherSizes cipher_sizes(std::string_view cipher, std::string_view mac) {
    const CipherRow* row = find(kCiphers, cipher);
    SEKISHO_ASSERT(row != nullptr);
    CipherSizes sizes{.key = row->key, .iv = row->iv, .mac_key = 0, .aead = is_aead(row->family),
                      .rekey_bytes = row->rekey_bytes};
    if (!sizes.aead) {
        const MacRow* mac_row = find(kMacs, mac);
        SEKISHO_ASSERT(mac_row != nullptr);
        // RFC 6668 §2: the key is as long as the hash's output.
        sizes.mac_key = digest_size(mac_row->choice.hash);
    }
    return sizes;
}

std::unique_ptr<PacketSealer> make_sealer(std::string_view cipher, std::string_view mac, const Secret& key, const Secret& iv,
                                          const Secret& mac_key) {
    const Chosen chosen = choose(cipher, mac, key, iv, mac_key);
    switch (chosen.cipher.family) {
        case Family::AesGcm: return make_aes_gcm_sealer(chosen.algorithm, key, iv);
        case Family::ChaCha20Poly1305: return make_chacha20_poly1305_sealer(key);
        case Family::AesCtr: return make_aes_ctr_sealer(chosen.algorithm, chosen.mac.value(), key, iv, mac_key);
        case Family::Cbc: return make_cbc_sealer(chosen.algorithm, chosen.mac.value(), key, iv, mac_key);
    }
    SEKISHO_ASSERT(false && "a cipher without sealer");
    return nullptr;
}

std::unique_ptr<PacketOpener> make_opener(std::string_view cipher, std::string_view mac, const Secret& key, const Secret& iv,
                                          const Secret& mac_key) {
    const Chosen chosen = choose(cipher, mac, key, iv, mac_key);
    switch (chosen.cipher.family) {
        case Family::AesGcm: return make_aes_gcm_opener(chosen.algorithm, key, iv);
        case Family::ChaCha20Poly1305: return make_chacha20_poly1305_opener(key);
        case Family::AesCtr: return make_aes_ctr_opener(chosen.algorithm, chosen.mac.value(), key, iv, mac_key);
        case Family::Cbc: return make_cbc_opener(chosen.algorithm, chosen.mac.value(), key, iv, mac_key);
    }
    SEKISHO_ASSERT(false && "a cipher without opener");
    return nullptr;
}

std::unique_ptr<PacketSealer> make_plain_sealer() { return std::make_unique<PlainSealer>(); }
std::unique_ptr<PacketOpener> make_plain_opener() { return std::make_unique<PlainOpener>(); }

}  // namespace sekisho::crypto
