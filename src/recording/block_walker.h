// BlockWalker: goes over a recording's blocks, checks the chain and names what is damaged, missing or out of order; after
// damage it goes on at the next block it can find. Bounded: holds one block. Used by Reader and mark_cut. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "recording/format.h"
#include "recording/source.h"

namespace sekisho::recording {

struct Problem {
    std::uint32_t block = 0;
    std::uint64_t offset = 0;
    std::string text;  // for people, names the block
};

class BlockWalker {
public:
    static constexpr std::size_t kProblemsMost = 1000;

    /// Fails where it is no recording, or one of a later version.
    static Result<BlockWalker> open(std::unique_ptr<Source> source);

    struct Block {
        format::BlockHeader header;
        std::uint64_t offset = 0;
        BytesView stored;  // until the next call
    };
    /// The next block whose bytes are sound; nothing at the end of what can be read.
    std::optional<Block> next();
    /// Goes on at the last block of events that begins before `time_us`, or at the first one. Reads headers only.
    void seek(std::uint64_t time_us);

    /// Goes on at the last keyframe of `time_us` or before. False, and nowhere else, where there is none. Reads headers only.
    bool seek_keyframe(std::uint64_t time_us);

    /// Where the next block would stand, and what a new one would chain to. For mark_cut.
    std::uint64_t offset() const { return m_offset; }
    std::uint32_t expected() const { return m_expected; }
    const format::Checksum& last() const { return m_previous; }
    /// After `next` gave nothing: an unfinished block stands at the end, as a killed writer leaves it.
    bool partial() const { return m_partial; }
    std::uint64_t size() const { return m_size; }

    const std::vector<Problem>& problems() const { return m_problems; }
    /// Kept once, however often the reader passes there.
    void problem(std::uint32_t block, std::uint64_t offset, std::string text);
    const Source& source() const { return *m_source; }

private:
    explicit BlockWalker(std::unique_ptr<Source> source);
    std::optional<format::BlockHeader> header_at(std::uint64_t offset) const;
    bool fits(std::uint64_t offset, const format::BlockHeader& header) const;
    bool resync(std::uint64_t from);
    std::optional<std::uint64_t> find_block(std::uint64_t from) const;
    bool check(const Block& block, BytesView raw_header);
    void rewind();
    template <typename Take>
    void hop(Take take);
    void go_on_at(const format::BlockHeader& header, std::uint64_t offset, const format::Checksum& previous);

    std::unique_ptr<Source> m_source;
    std::uint64_t m_size;
    std::uint64_t m_offset = format::kFileHeader;
    std::uint32_t m_expected = 0;
    format::Checksum m_previous{};                  // as stored
    std::optional<format::Checksum> m_computed;     // where the stored one did not match
    bool m_partial = false;
    Bytes m_stored;
    std::vector<Problem> m_problems;
};

}  // namespace sekisho::recording
