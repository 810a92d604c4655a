#include "ssh/packet.h"

#include <cstring>

#include "base/assert.h"
#include "wire/writer.h"

namespace sekisho::ssh {
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kHeaderSize = 5;   // length and padding_length
constexpr std::size_t kLeastPadding = 4;  // RFC 4253 §6
constexpr std::size_t kLeastPacket = 5;   // padding_length and four bytes of padding

std::size_t least_padding(const crypto::PacketShape& shape, std::size_t payload_size) {
    const std::size_t counted = kHeaderSize - shape.aligned_from + payload_size;
    const std::size_t pad = shape.block - counted % shape.block;
    return pad < kLeastPadding ? pad + shape.block : pad;
}

}  // namespace

Result<std::optional<PacketReader::Packet>> PacketReader::next(MutableBytes input, std::size_t most) {
    m_tag_failed = false;
    if (input.size() < m_opener->prefix()) return std::nullopt;
    const crypto::PacketShape shape = m_opener->shape();
    if (!m_length) {
        const std::uint32_t length = m_opener->length(m_sequence, input.first(m_opener->prefix()));
        // Unauthenticated and the peer's claim: bounded before anything waits for it.
        const bool in_bounds = length >= kLeastPacket && length <= most;
        const bool aligned = (std::size_t{length} + kLengthSize - shape.aligned_from) % shape.block == 0;
        if (shape.conceal_length && !(in_bounds && aligned)) {
            // Goes on as with a length that is possible; the tag over so much else then fails.
            m_length = static_cast<std::uint32_t>(most - (most + kLengthSize - shape.aligned_from) % shape.block);
        } else if (!in_bounds) {
            return fail("bad packet length", std::to_string(length));
        } else if (!aligned) {
            return fail("packet length is not a multiple of the block size", std::to_string(length));
        } else {
            m_length = length;
        }
    }
    const std::size_t whole = kLengthSize + *m_length + shape.tag;
    if (input.size() < whole) return std::nullopt;
    if (!m_opener->open(m_sequence, input.first(whole))) {
        m_tag_failed = true;
        return fail("a packet failed its integrity check");
    }
    const std::size_t pad = std::to_integer<std::size_t>(input[kLengthSize]);
    if (pad < kLeastPadding || pad + 1 >= *m_length) return fail("bad padding length", std::to_string(pad));
    Packet packet{whole, input.subspan(kHeaderSize, *m_length - 1 - pad), m_sequence};
    m_length.reset();
    ++m_sequence;
    ++m_use.packets;
    m_use.bytes += whole;
    m_total += whole;
    if (m_compression_agreed && m_compression_begun) {
        if (!m_inflate) m_inflate = std::make_unique<Inflate>();
        auto payload = m_inflate->unpack(packet.payload, most);
        if (!payload) return std::unexpected(payload.error());
        packet.payload = *payload;
    }
    return packet;
}

void PacketReader::new_keys(std::unique_ptr<crypto::PacketOpener> opener, bool reset_sequence, bool compressed) {
    SEKISHO_ASSERT(!m_length);
    m_compression_agreed = compressed;
    m_inflate.reset();  // RFC 4253 §6.2: the context begins anew with each exchange
    m_opener = std::move(opener);
    m_use = {};
    if (reset_sequence) m_sequence = 0;
}

std::size_t PacketReader::least_packet(std::size_t payload) const {
    const crypto::PacketShape shape = m_opener->shape();
    return kHeaderSize + payload + least_padding(shape, payload) + shape.tag;
}

std::size_t PacketWriter::padding(std::size_t payload_size) const {
    return least_padding(m_shape, payload_size);
}

void PacketWriter::fill_packet(std::byte* packet, std::size_t payload_size, std::size_t pad) {
    wire::store_u32(packet, static_cast<std::uint32_t>(1 + payload_size + pad));
    packet[kLengthSize] = static_cast<std::byte>(pad);
    std::memcpy(packet + kHeaderSize + payload_size, m_padding.data(), pad);
}

void PacketWriter::count(std::size_t bytes) {
    ++m_sequence;
    ++m_use.packets;
    m_use.bytes += bytes;
    m_total += bytes;
}

BytesView PacketWriter::packed(BytesView payload) {
    if (!m_deflate) m_deflate = std::make_unique<Deflate>();
    return m_deflate->pack(payload);
}

void PacketWriter::send(BytesView payload) {
    if (compresses()) payload = packed(payload);
    const std::size_t pad = padding(payload.size());
    const std::size_t plain = kHeaderSize + payload.size() + pad;
    const MutableBytes out = m_output.append(plain + m_shape.tag);
    std::memcpy(out.data() + kHeaderSize, payload.data(), payload.size());
    fill_packet(out.data(), payload.size(), pad);
    m_sealer->seal(m_sequence, out.first(plain), out);
    count(out.size());
}

void PacketWriter::send_in_place(std::byte* packet, std::size_t payload_size) {
    if (compresses()) return send(BytesView(packet + kHeaderSize, payload_size));
    const std::size_t pad = padding(payload_size);
    fill_packet(packet, payload_size, pad);
    const std::size_t plain = kHeaderSize + payload_size + pad;
    const MutableBytes out = m_output.append(plain + m_shape.tag);
    m_sealer->seal(m_sequence, BytesView(packet, plain), out);
    count(out.size());
}

void PacketWriter::send_raw(BytesView bytes) {
    SEKISHO_ASSERT(!m_encrypted);
    const MutableBytes out = m_output.append(bytes.size());
    std::memcpy(out.data(), bytes.data(), bytes.size());
    m_total += bytes.size();
}

void PacketWriter::new_keys(std::unique_ptr<crypto::PacketSealer> sealer, bool reset_sequence, bool compressed) {
    m_compression_agreed = compressed;
    m_deflate.reset();
    m_sealer = std::move(sealer);
    m_shape = m_sealer->shape();
    m_random->fill(m_padding);
    m_encrypted = true;
    m_use = {};
    if (reset_sequence) m_sequence = 0;
}

}  // namespace sekisho::ssh
