#include "recording/block_walker.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "crypto/hash.h"

namespace sekisho::recording {

using format::kBlockHeader;
using format::kFileHeader;

Result<BlockWalker> BlockWalker::open(std::unique_ptr<Source> source) {
    std::array<std::byte, kFileHeader> header{};
    if (source->read(0, header) != header.size()) return fail("not a recording", "too short");
    const auto ours = format::file_header();
    if (std::memcmp(header.data(), ours.data(), format::kMagic.size()) != 0) return fail("not a recording");
    if (std::memcmp(header.data() + format::kMagic.size(), ours.data() + format::kMagic.size(), 2) != 0) {
        return fail("the recording has a format that this version does not know");
    }
    BlockWalker walker(std::move(source));
    walker.m_previous = crypto::sha256({header});
    return walker;
}

BlockWalker::BlockWalker(std::unique_ptr<Source> source)
    : m_source(std::move(source)), m_size(m_source->size()), m_stored(format::kBlockStored) {}

void BlockWalker::problem(std::uint32_t block, std::uint64_t offset, std::string text) {
    const auto same = [&](const Problem& known) { return known.offset == offset && known.text == text; };
    if (m_problems.size() < kProblemsMost && std::ranges::find_if(m_problems, same) == m_problems.end()) {
        m_problems.push_back({block, offset, std::move(text)});
    }
}

std::optional<format::BlockHeader> BlockWalker::header_at(std::uint64_t offset) const {
    std::array<std::byte, kBlockHeader> raw;
    return m_source->read(offset, raw) == raw.size() ? format::decode(raw) : std::nullopt;
}

bool BlockWalker::fits(std::uint64_t offset, const format::BlockHeader& header) const {
    return m_size - offset >= kBlockHeader && header.stored <= m_size - offset - kBlockHeader;
}

// A later block by its magic, a higher number and lengths that fit. Its own checksum cannot be checked here, the block behind
// it confirms it.
std::optional<std::uint64_t> BlockWalker::find_block(std::uint64_t from) const {
    constexpr std::size_t kChunk = 64 * 1024;
    Bytes chunk(kChunk + 3);  // a magic may lie across two chunks
    while (from < m_size) {
        const std::size_t n = m_source->read(from, chunk);
        for (std::size_t i = 0; i + 4 <= n; ++i) {
            if (chunk[i] != std::byte{'S'} || std::memcmp(chunk.data() + i, "SKBL", 4) != 0) continue;
            const auto header = header_at(from + i);
            if (header && header->number >= m_expected && fits(from + i, *header)) return from + i;
        }
        if (n < chunk.size()) break;
        from += kChunk;
    }
    return std::nullopt;
}

bool BlockWalker::resync(std::uint64_t from) {
    const auto found = find_block(from);
    m_offset = found.value_or(m_size);
    return found.has_value();
}

// The chain of docs/RECORDING_FORMAT.md, "Checksums". True where the block's bytes can be used.
bool BlockWalker::check(const Block& block, BytesView raw_header) {
    const format::BlockHeader& header = block.header;
    const std::uint32_t expected = m_expected;
    if (header.number < expected) {  // an insertion: the chain goes on from the block before it
        problem(header.number, block.offset,
                fmt::format("block {} stands at offset {}, where block {} was expected", header.number, block.offset, expected));
        return false;
    }
    const format::Checksum by_stored = format::checksum(m_previous, raw_header, block.stored);
    bool sound = by_stored == header.checksum;
    if (!sound && m_computed) sound = format::checksum(*m_computed, raw_header, block.stored) == header.checksum;
    m_computed.reset();
    m_previous = header.checksum;
    if (sound && header.number == expected) {
        ++m_expected;
        return true;
    }
    const auto behind = header_at(m_offset);
    const bool number_damaged = behind && behind->number == expected + 1;
    if (header.number > expected && !number_damaged) {
        problem(expected, block.offset,
                fmt::format("blocks {} to {} are missing before offset {}", expected, header.number - 1, block.offset));
        m_expected = header.number + 1;
        return true;  // the block behind it tells whether this one is sound
    }
    problem(expected, block.offset, fmt::format("block {} at offset {} is damaged", expected, block.offset));
    m_computed = by_stored;
    ++m_expected;
    return false;
}

std::optional<BlockWalker::Block> BlockWalker::next() {
    while (m_offset < m_size) {
        const std::uint64_t offset = m_offset;
        std::array<std::byte, kBlockHeader> raw{};
        const std::size_t n = m_source->read(offset, raw);
        const auto header = n == raw.size() ? format::decode(raw) : std::nullopt;
        if (!header || !fits(offset, *header)) {
            const bool begins = std::memcmp(raw.data(), "SKBL", std::min<std::size_t>(n, 4)) == 0;
            if (begins && (header || n < raw.size()) && !find_block(offset + 1)) {
                m_partial = true;
                return std::nullopt;
            }
            problem(m_expected, offset, fmt::format("block {} at offset {} is damaged: no block begins there", m_expected, offset));
            resync(offset + 1);
            continue;
        }
        if (m_source->read(offset + kBlockHeader, MutableBytes(m_stored).first(header->stored)) != header->stored) {
            problem(header->number, offset, fmt::format("block {} at offset {} cannot be read", header->number, offset));
            m_offset = m_size;
            return std::nullopt;
        }
        const Block block{*header, offset, BytesView(m_stored).first(header->stored)};
        m_offset = offset + kBlockHeader + header->stored;
        if (check(block, raw)) return block;
        // Its length may be what is damaged: then the next block is looked for from here on.
        if (m_offset != m_size && !header_at(m_offset)) resync(offset + kBlockHeader);
    }
    return std::nullopt;
}

void BlockWalker::rewind() {
    std::array<std::byte, kFileHeader> first{};
    m_source->read(0, first);
    m_offset = kFileHeader;
    m_expected = 0;
    m_previous = crypto::sha256({first});
    m_computed.reset();
    m_partial = false;
}

/// Hops from header to header as long as `take` wants the next one; it may call go_on_at.
template <typename Take>
void BlockWalker::hop(Take take) {
    rewind();
    std::uint64_t offset = kFileHeader;
    format::Checksum previous = m_previous;
    while (offset < m_size) {
        const auto header = header_at(offset);
        if (!header || !fits(offset, *header) || !take(*header, offset, previous)) return;
        previous = header->checksum;
        offset += kBlockHeader + header->stored;
    }
}

void BlockWalker::go_on_at(const format::BlockHeader& header, std::uint64_t offset, const format::Checksum& previous) {
    m_offset = offset;
    m_expected = header.number;
    m_previous = previous;
}

void BlockWalker::seek(std::uint64_t time_us) {
    bool first_block = true;
    hop([&](const format::BlockHeader& header, std::uint64_t offset, const format::Checksum& previous) {
        if (header.type != format::BlockType::Events) return true;
        if (!first_block && header.time_us >= time_us) return false;
        first_block = false;
        go_on_at(header, offset, previous);
        return true;
    });
}

bool BlockWalker::seek_keyframe(std::uint64_t time_us) {
    bool found = false;
    hop([&](const format::BlockHeader& header, std::uint64_t offset, const format::Checksum& previous) {
        if (header.time_us > time_us) return false;
        if (header.type == format::BlockType::Keyframe) {
            found = true;
            go_on_at(header, offset, previous);
        }
        return true;
    });
    return found;
}

}  // namespace sekisho::recording
