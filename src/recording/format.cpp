#include "recording/format.h"

#include <cstring>

#include "crypto/hash.h"

namespace sekisho::recording::format {

namespace {

template <class Number>
void put(std::byte*& at, Number value) {
    for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8) {
        *at++ = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> shift);
    }
}

template <class Number>
Number take(const std::byte*& at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) value = value << 8 | static_cast<std::uint8_t>(*at++);
    return static_cast<Number>(value);
}

}  // namespace

std::array<std::byte, kFileHeader> file_header() {
    std::array<std::byte, kFileHeader> out{};
    std::memcpy(out.data(), kMagic.data(), kMagic.size());
    std::byte* at = out.data() + kMagic.size();
    put<std::uint16_t>(at, kVersion);
    return out;
}

Checksum chain_start() {
    return crypto::sha256({file_header()});
}

std::array<std::byte, kBlockHeader> encode(const BlockHeader& header) {
    std::array<std::byte, kBlockHeader> out{};
    std::byte* at = out.data();
    put<std::uint32_t>(at, kBlockMagic);
    put<std::uint8_t>(at, static_cast<std::uint8_t>(header.type));
    put<std::uint8_t>(at, static_cast<std::uint8_t>(header.codec));
    put<std::uint16_t>(at, header.flags);
    put<std::uint32_t>(at, header.number);
    put<std::uint32_t>(at, header.plain);
    put<std::uint32_t>(at, header.stored);
    put<std::uint32_t>(at, header.events);
    put<std::uint64_t>(at, header.time_us);
    return out;
}

std::optional<BlockHeader> decode(BytesView bytes) {
    if (bytes.size() < kBlockHeader) return std::nullopt;
    const std::byte* at = bytes.data();
    if (take<std::uint32_t>(at) != kBlockMagic) return std::nullopt;
    BlockHeader header;
    header.type = static_cast<BlockType>(take<std::uint8_t>(at));
    header.codec = static_cast<Codec>(take<std::uint8_t>(at));
    header.flags = take<std::uint16_t>(at);
    header.number = take<std::uint32_t>(at);
    header.plain = take<std::uint32_t>(at);
    header.stored = take<std::uint32_t>(at);
    header.events = take<std::uint32_t>(at);
    header.time_us = take<std::uint64_t>(at);
    std::memcpy(header.checksum.data(), at, header.checksum.size());
    if (header.plain > kBlockPlain || header.stored > kBlockStored || header.time_us > kTimeMost) return std::nullopt;
    return header;
}

Checksum checksum(const Checksum& previous, BytesView header, BytesView stored) {
    return crypto::sha256({previous, header.first(kHashed), stored});
}

void Appender::varint(std::uint64_t value) {
    while (value >= 0x80) {
        byte(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    byte(static_cast<std::uint8_t>(value));
}

void Appender::raw(BytesView bytes) {
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
}

void append_varint(Bytes& out, std::uint64_t value) {
    std::array<std::byte, 10> buffer;
    Appender appender{buffer.data()};
    appender.varint(value);
    out.insert(out.end(), buffer.data(), appender.at);
}

void append_text(Bytes& out, std::string_view text) {
    append_varint(out, text.size());
    const BytesView bytes = base::view(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_trailer(Bytes& plain, std::uint32_t magic) {
    const auto size = static_cast<std::uint32_t>(plain.size());
    for (const std::uint32_t number : {size, magic}) {
        for (int shift = 24; shift >= 0; shift -= 8) plain.push_back(static_cast<std::byte>(number >> shift));
    }
}

std::uint8_t Cursor::byte() {
    const BytesView one = raw(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
}

std::uint64_t Cursor::varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const std::uint8_t next = byte();
        if (!ok || (shift == 63 && next > 1)) break;
        value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
        if (next < 0x80) return value;
    }
    ok = false;
    rest = {};
    return 0;
}

BytesView Cursor::raw(std::uint64_t size) {
    if (!ok || size > rest.size()) {
        ok = false;
        rest = {};
        return {};
    }
    const BytesView out = rest.first(static_cast<std::size_t>(size));
    rest = rest.subspan(static_cast<std::size_t>(size));
    return out;
}

void append_event(Bytes& out, EventType type, std::uint32_t channel, std::uint64_t delta_us, BytesView payload) {
    out.push_back(static_cast<std::byte>(type));
    append_varint(out, channel);
    append_varint(out, delta_us);
    append_varint(out, payload.size());
    out.insert(out.end(), payload.begin(), payload.end());
}

std::uint64_t strip_followed(BytesView events, std::uint64_t& time_us, std::uint32_t& count, Bytes& out) {
    out.clear();
    std::uint64_t at = time_us;
    std::uint64_t before = time_us;
    count = 0;
    for (Cursor cursor{events}; !cursor.rest.empty() && cursor.ok;) {
        const std::uint8_t type = cursor.byte();
        const auto channel = static_cast<std::uint32_t>(cursor.varint());
        at += cursor.varint();
        const BytesView payload = cursor.raw(cursor.varint());
        if ((type & kNotInFile) != 0 || !cursor.ok) continue;
        if (count++ == 0) time_us = before = at;
        append_event(out, static_cast<EventType>(type), channel, at - before, payload);
        before = at;
    }
    return before;
}

}  // namespace sekisho::recording::format
