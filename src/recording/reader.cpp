#include "recording/reader.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"

namespace sekisho::recording {

using format::BlockType;
using format::EventType;

namespace {

constexpr std::size_t kTrailer = 8;  // of end and signature

std::optional<Stream> stream_of(std::uint8_t type) {
    const auto first = static_cast<std::uint8_t>(EventType::Data);
    if (type < first || type > first + static_cast<std::uint8_t>(Stream::Notice)) return std::nullopt;
    return static_cast<Stream>(type - first);
}

}  // namespace

void Reader::FreeContext::operator()(ZSTD_DCtx_s* context) const {
    ZSTD_freeDCtx(context);
}

Result<Reader> Reader::open(const std::string& path) {
    auto source = open_file(path);
    if (!source) return std::unexpected(source.error());
    return open(std::move(*source));
}

Result<Reader> Reader::open(std::unique_ptr<Source> source) {
    auto walker = BlockWalker::open(std::move(source));
    if (!walker) return std::unexpected(walker.error());
    Reader reader(std::move(*walker));
    reader.read_facts();
    return reader;
}

Reader::Reader(BlockWalker walker) : m_walker(std::move(walker)), m_context(ZSTD_createDCtx()), m_plain(format::kBlockPlain) {
    SEKISHO_ASSERT(m_context != nullptr);
}

void Reader::read_facts() {
    const auto block = m_walker.next();
    if (!block) return;  // cut before its first whole block, or damaged and named
    if (block->header.type != BlockType::Facts || !unpack(*block)) {
        m_walker.problem(block->header.number, block->offset, "the facts block is missing");
        seek(std::chrono::microseconds(0));
        return;
    }
    auto facts = decode_facts(base::text_view(m_cursor.rest));
    m_cursor = {};
    if (facts) {
        m_facts = std::move(*facts);
    } else {
        m_walker.problem(0, block->offset, "block 0: " + facts.error().text);
    }
}

Result<void> Reader::unseal(const crypto::X25519Pair& auditor) {
    auto key = open_seal(m_facts.seal, auditor, m_facts.audit_key);
    if (!key) return std::unexpected(key.error());
    m_seal = std::move(*key);
    m_opened.resize(format::kBlockStored);
    return {};
}

void Reader::seek(std::chrono::microseconds at) {
    m_walker.seek(at.count() < 0 ? 0 : static_cast<std::uint64_t>(at.count()));
    m_cursor = {};
    m_joining.reset();
    m_time_us = 0;
    m_sealed_blocks = 0;
    m_sealed_events = 0;
    m_end.reset();
    m_written.reset();
    m_signature.reset();
}

std::optional<Keyframe> Reader::seek_screen(std::chrono::microseconds at) {
    seek(std::chrono::microseconds(0));
    if (!m_walker.seek_keyframe(at.count() < 0 ? 0 : static_cast<std::uint64_t>(at.count()))) return std::nullopt;
    const auto block = m_walker.next();
    const bool sealed = block && (block->header.flags & format::kFlagSealed) != 0;
    if (block && block->header.type == BlockType::Keyframe && sealed == this->sealed() && unpack(*block)) {
        auto channels = decode_keyframe(m_cursor.rest);
        m_cursor = {};
        m_time_us = block->header.time_us;
        if (channels) return Keyframe{std::move(*channels), std::chrono::microseconds(m_time_us)};
    }
    seek(std::chrono::microseconds(0));
    return std::nullopt;
}

bool Reader::unpack(format::Codec codec, BytesView stored, MutableBytes plain) {
    switch (codec) {
        case format::Codec::Raw:
            if (stored.size() != plain.size()) return false;
            std::ranges::copy(stored, plain.begin());
            return true;
        case format::Codec::Zstd:
            return ZSTD_decompressDCtx(m_context.get(), plain.data(), plain.size(), stored.data(), stored.size()) == plain.size();
        case format::Codec::Lz4:
            return LZ4_decompress_safe(reinterpret_cast<const char*>(stored.data()), reinterpret_cast<char*>(plain.data()),
                                       static_cast<int>(stored.size()), static_cast<int>(plain.size())) ==
                   static_cast<int>(plain.size());
    }
    return false;
}

bool Reader::unpack(const BlockWalker::Block& block) {
    const format::BlockHeader& header = block.header;
    m_block = header.number;
    m_block_offset = block.offset;
    const MutableBytes plain = MutableBytes(m_plain).first(header.plain);
    BytesView stored = block.stored;
    bool good = true;
    if ((header.flags & format::kFlagSealed) != 0) {
        good = !m_seal.empty() && stored.size() >= crypto::aead::kTag;
        if (good) {
            const MutableBytes opened = MutableBytes(m_opened).first(stored.size() - crypto::aead::kTag);
            good = open_block(m_seal, header.number, format::encode(header), stored, opened);
            stored = opened;
        }
    }
    good = good && unpack(header.codec, stored, plain);
    m_cursor = {good ? BytesView(plain) : BytesView{}};
    return good;
}

bool Reader::next_block() {
    for (;;) {
        const auto block = m_walker.next();
        if (!block) return false;
        if (m_end && (block->header.type != BlockType::Signature || m_signature)) {
            m_walker.problem(block->header.number, block->offset,
                             fmt::format("block {} stands behind the end of the recording", block->header.number));
        }
        if (block->header.type == BlockType::Signature && unpack(*block)) read_signature(*block);
        const bool keyframe = block->header.type == BlockType::Keyframe;
        const bool secret = keyframe || block->header.type == BlockType::Events;
        if (!secret && block->header.type != BlockType::End) continue;
        const bool sealed = (block->header.flags & format::kFlagSealed) != 0;
        if (sealed && m_seal.empty() && this->sealed()) {
            ++m_sealed_blocks;
            m_sealed_events += block->header.events;
            m_time_us = std::max(m_time_us, block->header.time_us);
            continue;
        }
        if (!sealed && this->sealed() && secret) {
            m_walker.problem(block->header.number, block->offset,
                             fmt::format("block {} at offset {} is not sealed, as all of this recording are", block->header.number,
                                         block->offset));
            continue;
        }
        if (!unpack(*block)) {
            m_walker.problem(m_block, m_block_offset, fmt::format("block {} at offset {} cannot be {}", m_block, m_block_offset,
                                                                  sealed ? "opened: changed, or sealed with another key" : "unpacked"));
            continue;
        }
        if (block->header.type == BlockType::End) {
            read_end(*block);
            continue;
        }
        if (keyframe) {  // for those who seek
            m_cursor = {};
            continue;
        }
        m_time_us = std::max(m_time_us, block->header.time_us);
        return true;
    }
}

void Reader::read_end(const BlockWalker::Block& block) {
    const BytesView text = m_cursor.rest;
    m_cursor = {};
    auto end = decode_end(base::text_view(text.first(text.size() - std::min(text.size(), kTrailer))));
    const std::uint64_t behind = block.offset + format::kBlockHeader + block.header.stored;
    if (!end) {
        m_walker.problem(m_block, block.offset, fmt::format("block {}: {}", m_block, end.error().text));
        return;
    }
    if (end->blocks != block.header.number + 1) {
        m_walker.problem(m_block, block.offset, fmt::format("the end counts {} blocks, but is block {}", end->blocks, m_block));
    }
    m_end = std::move(*end);
    m_written = {block.header.number + 1, behind, block.header.checksum};
}

/// The block without its checksum, which is checked already.
Bytes Reader::whole_of(const BlockWalker::Block& block) {
    const auto head = format::encode(block.header);
    Bytes bytes(head.size() + block.stored.size());
    std::ranges::copy(block.stored, std::ranges::copy(head, bytes.begin()).out);
    return bytes;
}

void Reader::read_signature(const BlockWalker::Block& block) {
    const BytesView text = m_cursor.rest;
    m_cursor = {};
    auto signature = decode_signature(base::text_view(text.first(text.size() - std::min(text.size(), kTrailer))));
    // Nothing signs the signature's own block, so only one form of it will do.
    if (signature && !std::ranges::equal(signature_block(*signature, block.header.number), whole_of(block)))
        signature = fail("the signature is not as it was written");
    if (!m_end) {
        m_walker.problem(m_block, block.offset, fmt::format("block {} is a signature, and no end stands before it", m_block));
    } else if (!signature) {
        m_walker.problem(m_block, block.offset, fmt::format("block {}: {}", m_block, signature.error().text));
    } else {
        m_signature = std::move(*signature);
    }
}

std::optional<Event> Reader::next() {
    for (;;) {
        if (m_cursor.rest.empty() && !next_block()) return std::nullopt;
        if (auto event = parse()) return event;
    }
}

void Reader::malformed() {
    m_cursor = {};
    m_walker.problem(m_block, m_block_offset, fmt::format("block {} at offset {}: an event is malformed", m_block, m_block_offset));
}

// Nothing: an event that this version does not know, a part of one, or a malformed one.
std::optional<Event> Reader::parse() {
    const std::uint8_t type = m_cursor.byte();
    const std::uint64_t channel = m_cursor.varint();
    const std::uint64_t delta = m_cursor.varint();
    format::Cursor payload{m_cursor.raw(m_cursor.varint())};
    if (!m_cursor.ok || channel > UINT32_MAX || delta > format::kTimeMost) {
        malformed();
        return std::nullopt;
    }
    m_time_us = std::min(m_time_us + delta, format::kTimeMost);
    Event event;
    event.channel = static_cast<std::uint32_t>(channel);
    event.at = std::chrono::microseconds(m_time_us);
    if (static_cast<EventType>(type) == EventType::Continuation) return join(payload, event.channel);
    m_joining.reset();
    if (const auto stream = stream_of(type)) {
        event.kind = Event::Kind::Data;
        event.stream = *stream;
        event.bytes = payload.rest;
        return event;
    }
    switch (static_cast<EventType>(type)) {
        case EventType::Request: return parse_request(event, payload);
        case EventType::ChannelOpened:
            event.kind = Event::Kind::ChannelOpened;
            event.name = payload.text();
            event.target = payload.text();
            event.destination = payload.text();
            event.level = static_cast<model::RecordLevel>(std::min<std::uint8_t>(payload.byte(), 2));
            break;
        case EventType::Eof:
            event.kind = Event::Kind::Eof;
            event.from_client = payload.byte() != 0;
            break;
        case EventType::Counted:
        case EventType::ChannelClosed:
            event.kind = static_cast<EventType>(type) == EventType::Counted ? Event::Kind::Counted : Event::Kind::ChannelClosed;
            for (std::uint64_t& count : event.counts) count = payload.varint();
            break;
        case EventType::LateInput:
        case EventType::InputHidden:
            event.at -= std::min(event.at, std::chrono::microseconds(static_cast<std::int64_t>(
                                               std::min(payload.varint(), format::kTimeMost))));
            event.kind = static_cast<EventType>(type) == EventType::LateInput ? Event::Kind::Data : Event::Kind::InputHidden;
            event.stream = Stream::Input;
            if (event.kind == Event::Kind::InputHidden) event.counts[0] = payload.varint();
            event.bytes = payload.rest;
            break;
        case EventType::Command:
            event.kind = Event::Kind::Command;
            event.bytes = payload.rest;
            break;
        case EventType::FileOperation:
        case EventType::ContentDigest:
            event.kind = static_cast<EventType>(type) == EventType::FileOperation ? Event::Kind::FileOperation : Event::Kind::ContentDigest;
            event.bytes = payload.rest;
            break;
        default: return std::nullopt;
    }
    if (!payload.ok) {
        malformed();
        return std::nullopt;
    }
    return event;
}

std::optional<Event> Reader::parse_request(Event event, format::Cursor payload) {
    event.kind = Event::Kind::Request;
    event.from_client = payload.byte() != 0;
    event.name = payload.text();
    const std::uint64_t wanted = payload.varint();
    event.bytes = payload.rest;
    if (!payload.ok || wanted > format::kRequestMost || payload.rest.size() > wanted) {
        malformed();
        return std::nullopt;
    }
    if (payload.rest.size() == wanted) return event;
    m_joining = Joining{event, std::string(event.name), base::to_bytes(event.bytes), static_cast<std::size_t>(wanted)};
    return std::nullopt;
}

std::optional<Event> Reader::join(format::Cursor payload, std::uint32_t channel) {
    if (!m_joining || m_joining->event.channel != channel || m_joining->bytes.size() + payload.rest.size() > m_joining->wanted) {
        m_joining.reset();  // its beginning was damaged, or this Reader came in by seek
        return std::nullopt;
    }
    m_joining->bytes.insert(m_joining->bytes.end(), payload.rest.begin(), payload.rest.end());
    if (m_joining->bytes.size() < m_joining->wanted) return std::nullopt;
    Event event = m_joining->event;
    m_joined = std::move(m_joining->bytes);
    m_joined_name = std::move(m_joining->name);
    m_joining.reset();
    event.bytes = m_joined;
    event.name = m_joined_name;
    return event;
}

Result<Verification> verify(Result<Reader> reader) {
    if (!reader) return std::unexpected(reader.error());
    Verification out;
    while (const auto event = reader->next()) {
        ++out.events;
        out.last_event = event->at;
    }
    out.sealed_blocks = reader->sealed_blocks();
    out.events += reader->sealed_events();
    out.facts = reader->facts();
    out.end = reader->end();
    out.problems = reader->problems();
    out.blocks = reader->walker().expected();
    out.last = reader->walker().last();
    out.written = reader->written();
    out.signature = reader->signature();
    if (out.end && reader->walker().partial()) {
        out.problems.push_back({out.blocks, reader->walker().offset(),
            fmt::format("bytes that are no whole block stand behind the end, at offset {}", reader->walker().offset())});
    }
    if (out.end && out.end->ending == Ending::Complete && out.problems.empty() && out.end->totals.events > out.events) {
        out.problems.push_back({out.blocks, reader->walker().size(), fmt::format("the end counts {} events, the blocks hold {}",
                                                                                 out.end->totals.events, out.events)});
    }
    return out;
}

Result<Verification> verify_file(const std::string& path) {
    return verify(Reader::open(path));
}

}  // namespace sekisho::recording
