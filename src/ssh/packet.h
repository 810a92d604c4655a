// The binary packet protocol (RFC 4253 §6): PacketReader cuts and opens what arrives, PacketWriter pads, seals and counts
// what leaves. Between OutputBuffer and the message layers; owned by the engine. Keys change with new_keys().
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "base/result.h"
#include "crypto/packet_cipher.h"
#include "crypto/random.h"
#include "ssh/compression.h"
#include "ssh/output_buffer.h"
#include "ssh/types.h"

namespace sekisho::ssh {

/// Traffic since the keys last changed, for the rekey limits.
struct KeyUse {
    std::uint64_t bytes = 0;
    std::uint64_t packets = 0;
};

class PacketReader {
public:
    PacketReader() : m_opener(crypto::make_plain_opener()) {}

    struct Packet {
        std::size_t consumed;
        MutableBytes payload;  // in the input, decrypted; padding (and tag) follow it there. Or decompressed, elsewhere
        std::uint32_t sequence;
    };
    /// The packet at the front of `input`, decrypted in place; nothing when more bytes are needed. `most` bounds packet_length, and
    /// the payload when it is decompressed.
    Result<std::optional<Packet>> next(MutableBytes input, std::size_t most);

    /// `compressed`: zlib@openssh.com was agreed on for these keys; in force once begin_compression() was called, then or before.
    void new_keys(std::unique_ptr<crypto::PacketOpener> opener, bool reset_sequence, bool compressed = false);
    void begin_compression() { m_compression_begun = true; }
    /// Bytes of the smallest packet with so much payload.
    std::size_t least_packet(std::size_t payload) const;
    /// The payload of the last packet is not needed any more.
    void drop_payload() {
        if (m_inflate) m_inflate->drop();
    }
    const KeyUse& use() const { return m_use; }
    std::uint32_t sequence() const { return m_sequence; }
    std::uint64_t total_bytes() const { return m_total; }
    /// The last failure was a wrong tag rather than a malformed packet.
    bool tag_failed() const { return m_tag_failed; }

private:
    std::unique_ptr<crypto::PacketOpener> m_opener;
    std::optional<std::uint32_t> m_length;  // of the packet that is being waited for
    std::uint32_t m_sequence = 0;
    KeyUse m_use;
    std::uint64_t m_total = 0;
    std::unique_ptr<Inflate> m_inflate;
    bool m_compression_agreed = false;
    bool m_compression_begun = false;
    bool m_tag_failed = false;
};

class PacketWriter {
public:
    explicit PacketWriter(crypto::Random& random) : m_sealer(crypto::make_plain_sealer()), m_random(&random) {}

    /// Seals a copy of `payload`.
    void send(BytesView payload);
    /// Seals a packet whose payload already stands at packet + 5; the 5 bytes before it and up to 19 behind are overwritten.
    void send_in_place(std::byte* packet, std::size_t payload_size);
    /// Unsealed bytes: the identification line.
    void send_raw(BytesView bytes);

    /// `compressed`: as in PacketReader.
    void new_keys(std::unique_ptr<crypto::PacketSealer> sealer, bool reset_sequence, bool compressed = false);
    void begin_compression() { m_compression_begun = true; }
    OutputBuffer& output() { return m_output; }
    const OutputBuffer& output() const { return m_output; }
    const KeyUse& use() const { return m_use; }
    std::uint64_t total_bytes() const { return m_total; }

private:
    bool compresses() const { return m_compression_agreed && m_compression_begun; }
    BytesView packed(BytesView payload);
    std::size_t padding(std::size_t payload_size) const;
    void fill_packet(std::byte* packet, std::size_t payload_size, std::size_t pad);
    void count(std::size_t bytes);

    std::unique_ptr<crypto::PacketSealer> m_sealer;
    crypto::PacketShape m_shape = m_sealer->shape();
    crypto::Random* m_random;
    OutputBuffer m_output;
    std::uint32_t m_sequence = 0;
    KeyUse m_use;
    std::uint64_t m_total = 0;
    std::unique_ptr<Deflate> m_deflate;
    bool m_compression_agreed = false;
    bool m_compression_begun = false;
    bool m_encrypted = false;
    std::array<std::byte, 32> m_padding{};  // random per key; the tag covers it, so that it need not differ per packet
};

}  // namespace sekisho::ssh
