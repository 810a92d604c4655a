// Inside of crypto only: AES-GCM of SSH packets comes from two libraries, which give the same bytes. libipsec-mb (x86-64) is
// the faster one at every size, OpenSSL is everywhere. Which one runs is found out once, by the thread that makes the first
// cipher of the process. docs/adr/0005-cryptographic-libraries.md has figures.
#pragma once

#include <array>
#include <cstring>

#include "crypto/packet_cipher.h"

namespace sekisho::crypto::aes_gcm {

inline constexpr std::size_t kLength = 4;
inline constexpr std::size_t kTag = 16;
inline constexpr PacketShape kShape{.block = 16, .aligned_from = 4, .tag = kTag};

/// 4 fixed bytes and an 8-byte counter of packets (RFC 5647 §7.1).
class Nonce {
public:
    explicit Nonce(const Secret& iv) { std::memcpy(m_bytes.data(), iv.bytes().data(), m_bytes.size()); }
    const unsigned char* bytes() const { return base::uchars(m_bytes.data()); }
    /// RFC 5647 §7.1: the invocation counter wraps without touching the fixed part.
    void next() {
        for (std::size_t i = m_bytes.size(); i-- > 4;) {
            m_bytes[i] = static_cast<std::byte>(std::to_integer<unsigned>(m_bytes[i]) + 1U);
            if (m_bytes[i] != std::byte{0}) return;
        }
    }

private:
    std::array<std::byte, 12> m_bytes{};
};

enum class Backend { OpenSsl, IpsecMb };

/// The one that new ciphers get.
Backend backend() noexcept;
/// Whether this build has libipsec-mb, and the processor the AES instructions that it wants.
bool has_ipsec_mb() noexcept;

/// Gives new ciphers this one, which must be there. For tests, which check both.
void force(Backend wanted) noexcept;

/// Only where has_ipsec_mb().
std::unique_ptr<PacketSealer> make_ipsec_mb_sealer(const Secret& key, const Secret& iv);
std::unique_ptr<PacketOpener> make_ipsec_mb_opener(const Secret& key, const Secret& iv);

}  // namespace sekisho::crypto::aes_gcm
