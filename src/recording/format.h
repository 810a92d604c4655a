// The recording container's bytes: file header, block headers, varints, events (docs/RECORDING_FORMAT.md; numbers are big
// endian). Used by BlockFile and Track, which write, and by Reader and mark_cut, which read. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "recording/recorder.h"

namespace sekisho::recording::format {

inline constexpr std::string_view kMagic{"\x89SKR\r\n\x1a\n", 8};
inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kFileHeader = 16;
inline constexpr std::uint32_t kBlockMagic = 0x534b424c;  // "SKBL"
inline constexpr std::uint32_t kEndMagic = 0x534b5245;    // "SKRE", the last four bytes of an end block
inline constexpr std::uint32_t kSignatureMagic = 0x534b5253;  // "SKRS", those of a signature block, which closes a recording
inline constexpr std::size_t kBlockHeader = 64;
inline constexpr std::size_t kHashed = 32;                // bytes of the block header that the checksum covers
inline constexpr std::size_t kBlockPlain = 64 * 1024;     // most bytes of a block before compression
inline constexpr std::size_t kBlockStored = kBlockPlain + 64;  // a sealed block is longer by its tag
inline constexpr std::size_t kEventOverhead = 1 + 5 + 10 + 3;  // type, channel, time, length at their longest
inline constexpr std::size_t kRequestMost = 256 * 1024;        // payload of one request, joined
inline constexpr std::uint64_t kTimeMost = 1ULL << 56;         // µs; 2,283 years

enum class BlockType : std::uint8_t { Facts = 1, Events = 2, Keyframe = 3, End = 4, Signature = 5 };
enum class Codec : std::uint8_t { Raw = 0, Zstd = 1, Lz4 = 2 };
inline constexpr std::uint16_t kFlagSealed = 1;  // stored bytes are encrypted with the recording's content key

using Checksum = std::array<std::byte, 32>;

struct BlockHeader {
    BlockType type = BlockType::Events;
    Codec codec = Codec::Raw;
    std::uint16_t flags = 0;
    std::uint32_t number = 0;
    std::uint32_t plain = 0;   // bytes before compression
    std::uint32_t stored = 0;  // bytes behind this header
    std::uint32_t events = 0;
    std::uint64_t time_us = 0;  // of the first event, since the session's start
    Checksum checksum{};
};

std::array<std::byte, kFileHeader> file_header();
/// The chain's value before block 0.
Checksum chain_start();

/// Everything but the checksum is taken from `header`; the checksum's place is zero.
std::array<std::byte, kBlockHeader> encode(const BlockHeader& header);
/// Nothing when the magic is missing or a length is beyond its bound.
std::optional<BlockHeader> decode(BytesView bytes);
/// SHA-256(previous ‖ first half of the header ‖ stored bytes).
Checksum checksum(const Checksum& previous, BytesView header, BytesView stored);

enum class EventType : std::uint8_t {
    ChannelOpened = 1,  // text type, text target, text destination, byte level
    Request = 2,        // byte from_client, text type, varint length of the whole payload, its first bytes
    Continuation = 3,   // more bytes of the request before it
    Eof = 4,            // byte from_client
    ChannelClosed = 5,  // four varints: bytes of each stream over the channel's life
    Counted = 6,        // four varints: bytes of each stream since the last count
    Command = 7,        // JSON
    FileOperation = 8,  // JSON
    ContentDigest = 9,  // JSON
    LateInput = 10,     // varint µs before the event's time, bytes: input of a terminal, once it is known to be shown there
    InputHidden = 11,   // varint µs before the event's time, varint how many bytes were typed and not shown
    Data = 16           // + Stream
};
/// Added to Data in a buffer, never in a file: what the writer's thread looks at and does not record, or not yet.
inline constexpr std::uint8_t kOnlyFollowed = 64;
inline constexpr std::uint8_t kHeldBack = 32;
inline constexpr std::uint8_t kNotInFile = kOnlyFollowed | kHeldBack;

/// Appends to a buffer whose room the caller has checked.
struct Appender {
    std::byte* at;
    void byte(std::uint8_t value) { *at++ = static_cast<std::byte>(value); }
    void varint(std::uint64_t value);
    void raw(BytesView bytes);
};
void append_varint(Bytes& out, std::uint64_t value);
void append_text(Bytes& out, std::string_view text);
/// u32 length of what is there ‖ magic: a listing finds end and signature from the file's last bytes, without walking over the blocks.
void append_trailer(Bytes& plain, std::uint32_t magic);

void append_event(Bytes& out, EventType type, std::uint32_t channel, std::uint64_t delta_us, BytesView payload);
/// `events` without those that are only followed: what is left into `out`, its count into `count`, the time of the first into `time_us`.
/// The time of the last one; without any, `time_us`.
std::uint64_t strip_followed(BytesView events, std::uint64_t& time_us, std::uint32_t& count, Bytes& out);

/// Cuts fields off a span; after the first short one everything is empty and `ok` is false.
struct Cursor {
    BytesView rest;
    bool ok = true;
    std::uint8_t byte();
    std::uint64_t varint();
    BytesView raw(std::uint64_t size);
    std::string_view text() { return base::text_view(raw(varint())); }
};

}  // namespace sekisho::recording::format
