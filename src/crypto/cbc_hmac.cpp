// Block ciphers in CBC mode with HMAC, for targets marked as legacy. The chain runs on from packet to packet (RFC 4253 §6.3).
// Two ways to authenticate, as in aes_ctr_hmac.cpp: encrypt-and-MAC, and encrypt-then-MAC where the target has that.
#include <array>
#include <climits>
#include <cstring>

#include "crypto/packet_cipher_families.h"
#include "crypto/packet_hmac.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kLength = 4;
constexpr std::size_t kMostBlock = 16;

/// A chain in one direction.
class Chain {
public:
    Chain(const EVP_CIPHER* cipher, const Secret& key, const Secret& iv, bool encrypt)
        : m_context(evp::make_cipher_context(cipher, key.bytes(), iv.bytes(), encrypt)),
          m_block(static_cast<std::size_t>(EVP_CIPHER_get_block_size(cipher))) {
        SEKISHO_ASSERT(m_block <= kMostBlock && EVP_CIPHER_CTX_set_padding(m_context.get(), 0) == 1);
    }
    std::size_t block() const { return m_block; }

    /// Whole blocks; in place, or between memories that do not overlap.
    void run(const std::byte* in, std::byte* out, std::size_t size) {
        int written = 0;
        SEKISHO_ASSERT(size % m_block == 0);
        SEKISHO_ASSERT(EVP_CipherUpdate(m_context.get(), base::uchars(out), &written, base::uchars(in), static_cast<int>(size)) == 1);
        SEKISHO_ASSERT(static_cast<std::size_t>(written) == size);
    }

private:
    evp::CipherContext m_context;
    std::size_t m_block;
};

class CbcSealer final : public PacketSealer {
public:
    CbcSealer(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key, const Secret& iv, const Secret& mac_key)
        : m_chain(cipher, key, iv, true), m_mac(mac.hash, mac_key), m_clear(mac.encrypt_then_mac ? kLength : 0) {}

    PacketShape shape() const override { return {.block = m_chain.block(), .aligned_from = m_clear, .tag = m_mac.size()}; }

    void seal(std::uint32_t sequence, BytesView packet, MutableBytes out) override {
        SEKISHO_ASSERT(packet.size() > kLength && packet.size() <= INT_MAX && out.size() == packet.size() + m_mac.size());
        const MutableBytes tag = out.subspan(packet.size());
        if (m_clear == 0) m_mac.compute(sequence, packet, tag);
        std::memmove(out.data(), packet.data(), m_clear);
        m_chain.run(packet.data() + m_clear, out.data() + m_clear, packet.size() - m_clear);
        if (m_clear != 0) m_mac.compute(sequence, out.first(packet.size()), tag);
    }

private:
    Chain m_chain;
    PacketHmac m_mac;
    std::size_t m_clear;  // bytes in front that are not encrypted
};

class CbcEtmOpener final : public PacketOpener {
public:
    CbcEtmOpener(const EVP_CIPHER* cipher, HashKind hash, const Secret& key, const Secret& iv, const Secret& mac_key)
        : m_chain(cipher, key, iv, false), m_mac(hash, mac_key) {}

    PacketShape shape() const override { return {.block = m_chain.block(), .aligned_from = kLength, .tag = m_mac.size()}; }
    std::size_t prefix() const override { return kLength; }
    std::uint32_t length(std::uint32_t, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= kLength);
        return load_be32(prefix_bytes.data());
    }

    bool open(std::uint32_t sequence, MutableBytes packet_and_tag) override {
        if (packet_and_tag.size() <= kLength + m_mac.size() || packet_and_tag.size() > INT_MAX) return false;
        const MutableBytes packet = packet_and_tag.first(packet_and_tag.size() - m_mac.size());
        if ((packet.size() - kLength) % m_chain.block() != 0) return false;
        if (!m_mac.check(sequence, packet, packet_and_tag.last(m_mac.size()))) return false;
        m_chain.run(packet.data() + kLength, packet.data() + kLength, packet.size() - kLength);
        return true;
    }

private:
    Chain m_chain;
    PacketHmac m_mac;
};

class CbcOpener final : public PacketOpener {
public:
    CbcOpener(const EVP_CIPHER* cipher, HashKind hash, const Secret& key, const Secret& iv, const Secret& mac_key)
        : m_chain(cipher, key, iv, false), m_mac(hash, mac_key) {}

    PacketShape shape() const override {
        return {.block = m_chain.block(), .aligned_from = 0, .tag = m_mac.size(), .conceal_length = true};
    }
    std::size_t prefix() const override { return m_chain.block(); }

    // The chain cannot be wound back: the first block is decrypted here, once, and open() goes on behind it.
    std::uint32_t length(std::uint32_t, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= m_chain.block());
        m_chain.run(prefix_bytes.data(), m_first.data(), m_chain.block());
        return load_be32(m_first.data());
    }

    // RFC 4253 §6.4 puts the MAC over the plain text: decryption comes first.
    bool open(std::uint32_t sequence, MutableBytes packet_and_tag) override {
        const std::size_t block = m_chain.block();
        if (packet_and_tag.size() < block + m_mac.size() || packet_and_tag.size() > INT_MAX) return false;
        const MutableBytes packet = packet_and_tag.first(packet_and_tag.size() - m_mac.size());
        if (packet.size() % block != 0) return false;
        std::memcpy(packet.data(), m_first.data(), block);
        if (packet.size() > block) m_chain.run(packet.data() + block, packet.data() + block, packet.size() - block);
        return m_mac.check(sequence, packet, packet_and_tag.last(m_mac.size()));
    }

private:
    Chain m_chain;
    PacketHmac m_mac;
    std::array<std::byte, kMostBlock> m_first{};
};

}  // namespace

std::unique_ptr<PacketSealer> make_cbc_sealer(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key, const Secret& iv,
                                              const Secret& mac_key) {
    return std::make_unique<CbcSealer>(cipher, mac, key, iv, mac_key);
}

std::unique_ptr<PacketOpener> make_cbc_opener(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key, const Secret& iv,
                                              const Secret& mac_key) {
    if (mac.encrypt_then_mac) return std::make_unique<CbcEtmOpener>(cipher, mac.hash, key, iv, mac_key);
    return std::make_unique<CbcOpener>(cipher, mac.hash, key, iv, mac_key);
}

}  // namespace sekisho::crypto
