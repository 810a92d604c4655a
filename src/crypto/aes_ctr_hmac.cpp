// AES-CTR with HMAC. The counter runs on from packet to packet (RFC 4344 §4). Two ways to authenticate:
//   encrypt-and-MAC (RFC 4253 §6.4): everything is encrypted, the MAC is over sequence number and plain packet;
//   encrypt-then-MAC (OpenSSH PROTOCOL §1.7): the length stays readable, the MAC is over sequence number and sealed packet.
#include <array>
#include <climits>
#include <cstring>

#include "crypto/packet_cipher_families.h"
#include "crypto/packet_hmac.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kLength = 4;
constexpr std::size_t kBlock = 16;

void crypt(EVP_CIPHER_CTX* context, const std::byte* in, std::byte* out, std::size_t size) {
    int written = 0;
    SEKISHO_ASSERT(EVP_EncryptUpdate(context, base::uchars(out), &written, base::uchars(in), static_cast<int>(size)) == 1);
    SEKISHO_ASSERT(static_cast<std::size_t>(written) == size);
}

class AesCtrSealer final : public PacketSealer {
public:
    AesCtrSealer(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key, const Secret& iv, const Secret& mac_key)
        : m_context(evp::make_cipher_context(cipher, key.bytes(), iv.bytes(), true)), m_mac(mac.hash, mac_key),
          m_clear(mac.encrypt_then_mac ? kLength : 0) {}

    PacketShape shape() const override { return {.block = kBlock, .aligned_from = m_clear, .tag = m_mac.size()}; }

    void seal(std::uint32_t sequence, BytesView packet, MutableBytes out) override {
        SEKISHO_ASSERT(packet.size() > kLength && packet.size() <= INT_MAX && out.size() == packet.size() + m_mac.size());
        const MutableBytes tag = out.subspan(packet.size());
        if (m_clear == 0) m_mac.compute(sequence, packet, tag);
        std::memmove(out.data(), packet.data(), m_clear);
        crypt(m_context.get(), packet.data() + m_clear, out.data() + m_clear, packet.size() - m_clear);
        if (m_clear != 0) m_mac.compute(sequence, out.first(packet.size()), tag);
    }

private:
    evp::CipherContext m_context;
    PacketHmac m_mac;
    std::size_t m_clear;  // bytes in front that are not encrypted
};

class AesCtrEtmOpener final : public PacketOpener {
public:
    AesCtrEtmOpener(const EVP_CIPHER* cipher, HashKind hash, const Secret& key, const Secret& iv, const Secret& mac_key)
        : m_context(evp::make_cipher_context(cipher, key.bytes(), iv.bytes(), true)), m_mac(hash, mac_key) {}

    PacketShape shape() const override { return {.block = kBlock, .aligned_from = kLength, .tag = m_mac.size()}; }
    std::size_t prefix() const override { return kLength; }
    std::uint32_t length(std::uint32_t, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= kLength);
        return load_be32(prefix_bytes.data());
    }

    bool open(std::uint32_t sequence, MutableBytes packet_and_tag) override {
        if (packet_and_tag.size() <= kLength + m_mac.size() || packet_and_tag.size() > INT_MAX) return false;
        const MutableBytes packet = packet_and_tag.first(packet_and_tag.size() - m_mac.size());
        if (!m_mac.check(sequence, packet, packet_and_tag.last(m_mac.size()))) return false;
        crypt(m_context.get(), packet.data() + kLength, packet.data() + kLength, packet.size() - kLength);
        return true;
    }

private:
    evp::CipherContext m_context;
    PacketHmac m_mac;
};

class AesCtrOpener final : public PacketOpener {
public:
    AesCtrOpener(const EVP_CIPHER* cipher, HashKind hash, const Secret& key, const Secret& iv, const Secret& mac_key)
        : m_context(evp::make_cipher_context(cipher, key.bytes(), iv.bytes(), true)), m_mac(hash, mac_key) {}

    PacketShape shape() const override { return {.block = kBlock, .aligned_from = 0, .tag = m_mac.size()}; }
    std::size_t prefix() const override { return kBlock; }

    // The key stream cannot be wound back: the first block is decrypted here, once, and open() goes on behind it.
    std::uint32_t length(std::uint32_t, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= kBlock);
        crypt(m_context.get(), prefix_bytes.data(), m_first.data(), kBlock);
        return load_be32(m_first.data());
    }

    // RFC 4253 §6.4 puts the MAC over the plain text, so here, and only here, decryption comes first.
    bool open(std::uint32_t sequence, MutableBytes packet_and_tag) override {
        if (packet_and_tag.size() < kBlock + m_mac.size() || packet_and_tag.size() > INT_MAX) return false;
        const MutableBytes packet = packet_and_tag.first(packet_and_tag.size() - m_mac.size());
        std::memcpy(packet.data(), m_first.data(), kBlock);
        if (packet.size() > kBlock) {
            crypt(m_context.get(), packet.data() + kBlock, packet.data() + kBlock, packet.size() - kBlock);
        }
        return m_mac.check(sequence, packet, packet_and_tag.last(m_mac.size()));
    }

private:
    evp::CipherContext m_context;
    PacketHmac m_mac;
    std::array<std::byte, kBlock> m_first{};
};

}  // namespace

std::unique_ptr<PacketSealer> make_aes_ctr_sealer(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key,
                                                  const Secret& iv, const Secret& mac_key) {
    return std::make_unique<AesCtrSealer>(cipher, mac, key, iv, mac_key);
}

std::unique_ptr<PacketOpener> make_aes_ctr_opener(const EVP_CIPHER* cipher, MacChoice mac, const Secret& key,
                                                  const Secret& iv, const Secret& mac_key) {
    if (mac.encrypt_then_mac) return std::make_unique<AesCtrEtmOpener>(cipher, mac.hash, key, iv, mac_key);
    return std::make_unique<AesCtrOpener>(cipher, mac.hash, key, iv, mac_key);
}

}  // namespace sekisho::crypto
