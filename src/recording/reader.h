// Reader: a recording's events in order, with their times. Bounded and tolerant: of a cut file everything up to the last whole
// block is given, a damaged block is named and left out (docs/RECORDING_FORMAT.md, "Reading"). Used by play, export, listing and
// verification; never by the gateway's loops. One thread.
#pragma once

#include <chrono>
#include <optional>

#include "recording/block_walker.h"
#include "recording/facts.h"
#include "recording/keyframe.h"
#include "recording/signing.h"

struct ZSTD_DCtx_s;

namespace sekisho::recording {

struct Event {
    enum class Kind { ChannelOpened, Request, Data, Counted, Eof, ChannelClosed, FileOperation, ContentDigest, Command, InputHidden };
    Kind kind = Kind::Data;
    std::uint32_t channel = 0;
    std::chrono::microseconds at{};  // since Facts::started
    Stream stream = Stream::Output;  // Data
    bool from_client = false;        // Request, Eof
    std::string_view name;           // type of the request or channel
    std::string_view target;         // ChannelOpened
    std::string_view destination;    // ChannelOpened
    model::RecordLevel level = model::RecordLevel::Full;  // ChannelOpened
    BytesView bytes;                 // Data; payload of Request; JSON of FileOperation, ContentDigest, Command
    std::array<std::uint64_t, 4> counts{};  // Counted, ChannelClosed: bytes by Stream; InputHidden: how many, first
};  // the views hold until the next call of the Reader

class Reader {
public:
    static Result<Reader> open(const std::string& path);
    static Result<Reader> open(std::unique_ptr<Source> source);
    Reader(Reader&&) noexcept = default;

    /// Empty members where block 0 is damaged.
    const Facts& facts() const { return m_facts; }
    /// Its events are sealed: without `unseal` none is given, and only `sealed_blocks` are counted.
    bool sealed() const { return !m_facts.seal.empty(); }
    /// With the private half of an auditor's key. Before the first `next`.
    Result<void> unseal(const crypto::X25519Pair& auditor);
    std::uint32_t sealed_blocks() const { return m_sealed_blocks; }  // stepped over, unopened
    std::uint64_t sealed_events() const { return m_sealed_events; }  // in them, as their headers say
    /// Nothing at the end of what can be read.
    std::optional<Event> next();
    /// Goes on at the last block that begins before `at`; seek(0) begins anew.
    void seek(std::chrono::microseconds at);

    /// Goes on behind the last keyframe of `at` or before, and gives it; without one begins anew.
    std::optional<Keyframe> seek_screen(std::chrono::microseconds at);

    /// Complete once `next` gave nothing. No end: the recording was cut, or is being written.
    const std::optional<End>& end() const { return m_end; }
    /// What was written up to the end, where there is one.
    const std::optional<evidence::Written>& written() const { return m_written; }
    /// As it stands behind the end: not checked.
    const std::optional<EndSignature>& signature() const { return m_signature; }
    const std::vector<Problem>& problems() const { return m_walker.problems(); }
    const BlockWalker& walker() const { return m_walker; }

private:
    struct FreeContext {
        void operator()(ZSTD_DCtx_s* context) const;
    };
    struct Joining {
        Event event;
        std::string name;
        Bytes bytes;
        std::size_t wanted = 0;
    };

    explicit Reader(BlockWalker walker);
    bool next_block();
    bool unpack(const BlockWalker::Block& block);
    bool unpack(format::Codec codec, BytesView stored, MutableBytes plain);
    void read_facts();
    void read_end(const BlockWalker::Block& block);
    void read_signature(const BlockWalker::Block& block);
    static Bytes whole_of(const BlockWalker::Block& block);
    std::optional<Event> parse();
    std::optional<Event> parse_request(Event event, format::Cursor payload);
    std::optional<Event> join(format::Cursor payload, std::uint32_t channel);
    void malformed();

    BlockWalker m_walker;
    std::unique_ptr<ZSTD_DCtx_s, FreeContext> m_context;
    Bytes m_plain;
    Secret m_seal;   // empty: sealed blocks stay closed
    Bytes m_opened;  // the block that was opened last, still packed
    std::uint32_t m_sealed_blocks = 0;
    std::uint64_t m_sealed_events = 0;
    std::uint32_t m_block = 0;
    std::uint64_t m_block_offset = 0;
    format::Cursor m_cursor;
    std::uint64_t m_time_us = 0;
    std::optional<Joining> m_joining;
    Bytes m_joined;
    std::string m_joined_name;
    Facts m_facts;
    std::optional<End> m_end;
    std::optional<evidence::Written> m_written;
    std::optional<EndSignature> m_signature;
};

struct Verification {
    Facts facts;
    std::optional<End> end;
    std::optional<evidence::Written> written;  // up to the end
    std::optional<EndSignature> signature;  // of that; not checked
    std::uint32_t blocks = 0;
    std::uint32_t sealed_blocks = 0;  // not looked into: their chain was checked
    std::uint64_t events = 0;
    std::chrono::microseconds last_event{};
    format::Checksum last{};  // the chain's value behind the last block
    std::vector<Problem> problems;
    bool intact() const { return problems.empty(); }
};
/// Reads everything. Fails where the file cannot be read or is no recording.
Result<Verification> verify_file(const std::string& path);
Result<Verification> verify(Result<Reader> reader);

}  // namespace sekisho::recording
