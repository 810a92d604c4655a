// Two passes: the first finds the facts and the original's last checksum, the second writes.
#include "recording/opened_copy.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "recording/facts.h"

namespace sekisho::recording {
namespace {

using nlohmann::json;

std::unexpected<Error> copy_unwritten() { return fail("the copy cannot be written"); }

Bytes end_block(const End& end) {
    Bytes plain = base::to_bytes(encode_end(end));
    const auto size = static_cast<std::uint32_t>(plain.size());
    for (const std::uint32_t number : {size, format::kEndMagic}) {
        for (int shift = 24; shift >= 0; shift -= 8) plain.push_back(static_cast<std::byte>(number >> shift));
    }
    return plain;
}

class CopyWriter {
public:
    explicit CopyWriter(const Sink& out) : m_out(out) {}
    bool begin() { return m_out(base::text_view(format::file_header())); }

    bool block(format::BlockHeader header, BytesView stored) {
        header.flags &= static_cast<std::uint16_t>(~format::kFlagSealed);
        header.stored = static_cast<std::uint32_t>(stored.size());
        header.checksum = m_last = format::checksum(m_last, format::encode(header), stored);
        auto encoded = format::encode(header);
        std::ranges::copy(header.checksum, encoded.end() - static_cast<std::ptrdiff_t>(header.checksum.size()));
        return m_out(base::text_view(encoded)) && m_out(base::text_view(stored));
    }
    /// A block that is text, as it is.
    bool block(format::BlockHeader header, const Bytes& plain) {
        header.codec = format::Codec::Raw;
        header.plain = static_cast<std::uint32_t>(plain.size());
        return block(header, BytesView(plain));
    }

private:
    const Sink& m_out;
    format::Checksum m_last = format::chain_start();
};

}  // namespace

Result<OpenedCopy> copy_opened(const std::function<Result<std::unique_ptr<Source>>()>& make_source,
    const crypto::X25519Pair& auditor, const Sink& out) {
    const auto walk = [&]() -> Result<BlockWalker> {
        auto source = make_source();
        if (!source) return std::unexpected(source.error());
        return BlockWalker::open(std::move(*source));
    };
    auto first = walk();
    if (!first) return std::unexpected(first.error());
    std::optional<Facts> facts;
    json members;
    OpenedCopy copy;
    while (const auto block = first->next()) {
        if (block->header.type != format::BlockType::Signature) copy.original = block->header.checksum;
        if (block->header.type != format::BlockType::Facts || facts || block->header.codec != format::Codec::Raw) continue;
        auto decoded = decode_facts(base::text_view(block->stored));
        if (!decoded) return std::unexpected(decoded.error());
        facts = std::move(*decoded);
        members = json::parse(base::text_view(block->stored), nullptr, false);
    }
    if (!facts || !members.is_object()) return fail("the recording's facts are missing or damaged: nothing can be opened");
    if (facts->seal.empty()) return fail("the recording is not sealed: every tool can read it as it is");
    const auto key = open_seal(facts->seal, auditor, facts->audit_key);
    if (!key) return std::unexpected(key.error());
    members.erase("seal");
    members.erase("signed_by");  // the original's signature says nothing about another file
    members["copy_of"] = {{"audit_key", facts->audit_key}, {"chain", base::hex(copy.original)}};

    auto second = walk();
    if (!second) return std::unexpected(second.error());
    CopyWriter writer(out);
    if (!writer.begin()) return copy_unwritten();
    Bytes opened(format::kBlockStored);
    while (const auto block = second->next()) {
        const format::BlockHeader& header = block->header;
        if (header.type == format::BlockType::Signature) continue;
        bool written = true;
        if (header.type == format::BlockType::Facts) {
            written = writer.block(header, base::to_bytes(members.dump(-1, ' ', false, json::error_handler_t::replace)));
        } else if (header.type == format::BlockType::End) {
            constexpr std::size_t kTrailer = 8;
            const BytesView text = block->stored.first(block->stored.size() - std::min(block->stored.size(), kTrailer));
            const auto end = decode_end(base::text_view(text));
            if (!end) return std::unexpected(end.error());
            written = writer.block(header, end_block(*end));
        } else if ((header.flags & format::kFlagSealed) != 0) {
            const std::size_t size = block->stored.size() - std::min(block->stored.size(), crypto::aead::kTag);
            const MutableBytes room = MutableBytes(opened).first(size);
            if (!open_block(*key, header.number, format::encode(header), block->stored, room)) {
                second->problem(header.number, block->offset,
                    fmt::format("block {} at offset {} cannot be opened: changed, or sealed with another key", header.number,
                        block->offset));
                continue;
            }
            written = writer.block(header, BytesView(room));
        } else {
            second->problem(header.number, block->offset,
                fmt::format(
                    "block {} at offset {} is not sealed, as all of this recording are", header.number, block->offset));
            continue;
        }
        if (!written) return copy_unwritten();
        ++copy.blocks;
    }
    copy.problems = second->problems();
    return copy;
}

}  // namespace sekisho::recording
