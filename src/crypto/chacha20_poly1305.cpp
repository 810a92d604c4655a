// chacha20-poly1305@openssh.com (OpenSSH PROTOCOL.chacha20poly1305). 64 key bytes: the first 32 encrypt the packet and make
// the Poly1305 key of each packet, the last 32 encrypt the length field alone. The nonce is the sequence number.
#include <array>
#include <climits>
#include <cstring>

#include "crypto/packet_cipher_families.h"

namespace sekisho::crypto {
namespace {

constexpr std::size_t kLength = 4;
constexpr std::size_t kTag = 16;
constexpr std::size_t kChaChaBlock = 64;
constexpr std::size_t kPolyKey = 32;
constexpr PacketShape kShape{.block = 8, .aligned_from = 4, .tag = kTag};

/// OpenSSL's 16-byte ChaCha20 iv: 8 bytes of block counter (little endian, from 0), then 8 of nonce: the sequence number,
/// big endian.
std::array<std::byte, 16> initial_counter(std::uint32_t sequence) {
    std::array<std::byte, 16> iv{};
    store_be32(iv.data() + 12, sequence);
    return iv;
}

/// What both directions need; ChaCha20 is its own inverse.
class Keys {
public:
    explicit Keys(const Secret& key)
        : m_body(evp::make_cipher_context(evp::algorithms().chacha20, key.bytes().first(32), initial_counter(0), true)),
          m_length(evp::make_cipher_context(evp::algorithms().chacha20, key.bytes().last(32), initial_counter(0), true)),
          m_poly(EVP_MAC_CTX_new(evp::algorithms().poly1305)) {
        SEKISHO_ASSERT(m_poly != nullptr);
    }

    void crypt_length(std::uint32_t sequence, const std::byte* in, std::byte* out) {
        restart(m_length.get(), sequence);
        update(m_length.get(), in, out, kLength);
    }

    /// Block 0 of the packet's key stream keys Poly1305; crypt_body goes on at block 1.
    void start_packet(std::uint32_t sequence) {
        static constexpr std::array<std::byte, kChaChaBlock> zeros{};
        std::array<std::byte, kChaChaBlock> block;
        restart(m_body.get(), sequence);
        update(m_body.get(), zeros.data(), block.data(), block.size());
        SEKISHO_ASSERT(EVP_MAC_init(m_poly.get(), base::uchars(block.data()), kPolyKey, nullptr) == 1);
        base::wipe(block);
    }

    void crypt_body(const std::byte* in, std::byte* out, std::size_t size) { update(m_body.get(), in, out, size); }

    std::array<std::byte, kTag> tag(BytesView encrypted) {
        std::array<std::byte, kTag> out{};
        std::size_t size = 0;
        SEKISHO_ASSERT(EVP_MAC_update(m_poly.get(), base::uchars(encrypted.data()), encrypted.size()) == 1);
        SEKISHO_ASSERT(EVP_MAC_final(m_poly.get(), base::uchars(out.data()), &size, out.size()) == 1 && size == kTag);
        return out;
    }

private:
    static void restart(EVP_CIPHER_CTX* context, std::uint32_t sequence) {
        const auto iv = initial_counter(sequence);
        SEKISHO_ASSERT(EVP_EncryptInit_ex2(context, nullptr, nullptr, base::uchars(iv.data()), nullptr) == 1);
    }

    static void update(EVP_CIPHER_CTX* context, const std::byte* in, std::byte* out, std::size_t size) {
        int written = 0;
        SEKISHO_ASSERT(EVP_EncryptUpdate(context, base::uchars(out), &written, base::uchars(in),
                                         static_cast<int>(size)) == 1);
        SEKISHO_ASSERT(static_cast<std::size_t>(written) == size);
    }

    evp::CipherContext m_body;
    evp::CipherContext m_length;
    evp::MacContext m_poly;
};

class ChaChaSealer final : public PacketSealer {
public:
    explicit ChaChaSealer(const Secret& key) : m_keys(key) {}
    PacketShape shape() const override { return kShape; }

    void seal(std::uint32_t sequence, BytesView packet, MutableBytes out) override {
        SEKISHO_ASSERT(packet.size() > kLength && packet.size() <= INT_MAX && out.size() == packet.size() + kTag);
        m_keys.start_packet(sequence);
        m_keys.crypt_length(sequence, packet.data(), out.data());
        m_keys.crypt_body(packet.data() + kLength, out.data() + kLength, packet.size() - kLength);
        const auto tag = m_keys.tag(out.first(packet.size()));
        std::memcpy(out.data() + packet.size(), tag.data(), tag.size());
    }

private:
    Keys m_keys;
};

class ChaChaOpener final : public PacketOpener {
public:
    explicit ChaChaOpener(const Secret& key) : m_keys(key) {}
    PacketShape shape() const override { return kShape; }
    std::size_t prefix() const override { return kLength; }

    std::uint32_t length(std::uint32_t sequence, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= kLength);
        m_keys.crypt_length(sequence, prefix_bytes.data(), m_plain_length.data());
        return load_be32(m_plain_length.data());
    }

    bool open(std::uint32_t sequence, MutableBytes packet_and_tag) override {
        if (packet_and_tag.size() <= kLength + kTag || packet_and_tag.size() > INT_MAX) return false;
        const MutableBytes packet = packet_and_tag.first(packet_and_tag.size() - kTag);
        m_keys.start_packet(sequence);
        const auto expected = m_keys.tag(packet);
        if (!base::equal_constant_time(expected, packet_and_tag.last(kTag))) return false;
        m_keys.crypt_body(packet.data() + kLength, packet.data() + kLength, packet.size() - kLength);
        std::memcpy(packet.data(), m_plain_length.data(), kLength);
        return true;
    }

private:
    Keys m_keys;
    std::array<std::byte, kLength> m_plain_length{};  // from length() to open(), so that it is decrypted once
};

}  // namespace

std::unique_ptr<PacketSealer> make_chacha20_poly1305_sealer(const Secret& key) {
    return std::make_unique<ChaChaSealer>(key);
}

std::unique_ptr<PacketOpener> make_chacha20_poly1305_opener(const Secret& key) {
    return std::make_unique<ChaChaOpener>(key);
}

}  // namespace sekisho::crypto
