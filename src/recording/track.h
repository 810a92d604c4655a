// Track: one recording between the loop that fills it and the writer thread that empties it. The loop appends events to a
// buffer; a full one, or one whose 500 ms are over, is moved to the queue that the writer drains. Shared by the Recorder and the
// writer's jobs. Functions under "loop" come from the owning loop, those under "writer" from the track's one writer thread.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "recording/block_file.h"
#include "recording/content_cut.h"
#include "recording/follower.h"
#include "recording/pool.h"
#include "recording/recorder.h"

namespace sekisho::recording {

class Hub;

using Done = Recorder::Finished;

class Track : public std::enable_shared_from_this<Track> {
public:
    static constexpr std::chrono::milliseconds kFlushAfter{500};
    static constexpr std::chrono::seconds kCountEvery{1};
    static constexpr std::chrono::seconds kRestAfter{5};
    static constexpr std::size_t kBacklogHigh = 1024 * 1024;
    static constexpr std::size_t kBacklogLow = 256 * 1024;

    /// `origin`: the steady clock's reading at the session's start.
    Track(Hub& hub, std::size_t writer, model::RecordLevel level, WallTime started, TimePoint origin, Executor executor,
          std::weak_ptr<RecorderCallbacks> callbacks, std::unique_ptr<BlockFile> file);
    ~Track();

    // --- loop ---
    void channel_opened(const ChannelFacts& facts, TimePoint now);
    void request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload, TimePoint now);
    void data(std::uint32_t channel, Stream stream, BytesView bytes, TimePoint now);
    void file_operation(std::uint32_t channel, std::string_view json, TimePoint now);
    void eof(std::uint32_t number, bool from_client, TimePoint now);
    void channel_closed(std::uint32_t channel, TimePoint now);
    bool backlogged();
    /// Also called by the Hub when it stops, from there. `done` gets an error where the recording had its end before.
    void finish(std::string_view reason, std::optional<TimePoint> now, Done done);

    // --- writer ---
    /// Writes what is queued, and the end where `finish` was called.
    void drain(Compressor& compressor);
    /// A flush timer fired.
    void flush_due(Compressor& compressor);

    // --- sync thread, and writer ---
    void fail_with(const Error& error);
    BlockFile& file() { return *m_file; }
    /// True for the caller that has to plan a sync, false while one is planned.
    bool plan_sync() { return !m_sync_planned.exchange(true); }
    void sync_begins() { m_sync_planned = false; }

    // --- any ---
    /// finish() was called, which sees to all that is left.
    bool ends() {
        const std::lock_guard lock(m_mutex);
        return m_finish_called;
    }
    /// Calls on_drained on the loop.
    void post_drained();
    void post(std::function<void()> function) { m_executor(std::move(function)); }
    static void tell_done(const Done& done, std::optional<Error> failed, const std::optional<evidence::Written>& written = {});
    /// A flush timer that the writer set itself: the first events find it and need not wake anybody.
    void armed(TimePoint when) {
        const std::lock_guard lock(m_mutex);
        m_armed_for = when;
    }
    /// True once until `post_drained`: the Hub's list of waiting tracks names each once.
    bool start_waiting() { return !m_waits_for_hub.exchange(true); }

private:
    using Counts = std::array<std::uint64_t, 4>;
    static constexpr std::chrono::milliseconds kTimerSlack{20};
    static constexpr std::size_t kPieceLeast = 512;  // data is not split for less room than this
    static constexpr std::uint64_t kPoursUs = 4'000;  // a large buffer that was full so soon: 16 MB a second
    static constexpr std::size_t kTogether = 4;      // full blocks that are worth a wake-up before the flush timer
    static constexpr std::size_t kTextMost = 4096;   // of one field of ChannelFacts
    static constexpr std::size_t kTypeMost = 256;
    static constexpr std::size_t kTargetsMost = 16;
    struct Channel {
        Counts total{};
        Counts uncounted{};  // below Full: since the last Counted event
        model::RecordLevel level = model::RecordLevel::Full;
        std::unique_ptr<ContentCut> cut;  // mostly none: at level Full all is kept
        bool terminal = false;
        bool hidden_input = false;  // is recorded, too
    };
    struct Block {
        Buffer buffer;
        std::uint32_t events = 0;
        std::uint64_t time_us = 0;
        bool pours = false;
        bool stripped = false;  // has events that are only followed
    };
    struct Finish {
        std::string reason;
        std::uint64_t time_us = 0;
        Done done;
    };
    struct Wake {  // what the loop owes the writer thread once the mutex is free
        bool drain = false;
        bool patiently = false;
        std::optional<TimePoint> timer;
    };

    Channel& channel(std::uint32_t number);
    std::uint64_t time_of(TimePoint now);
    void put(format::EventType type, format::EventType more, std::uint32_t channel, std::uint64_t time_us, BytesView head,
             BytesView body);
    void make_room(std::size_t head, std::size_t body, std::uint64_t time_us);
    void seal_buffer();
    void put_counts(std::uint64_t time_us);
    void put_digests(std::uint32_t channel, Channel& state, std::uint64_t time_us);
    void count(Channel& state, std::size_t index, std::size_t size);
    static void append_counts(Bytes& out, const Counts& counts);
    void arm(TimePoint flush_at);
    void wake_drain();
    bool deliver(std::unique_lock<std::mutex> lock);
    bool settle();
    void written(std::size_t capacity);
    /// `now`: or with the end, which follows.
    void write_blocks(Compressor& compressor, std::span<const Block> blocks, bool now);
    void write_end(Compressor& compressor, Finish finish);
    void let_rest();
    /// What the follower found out, as events that end a block.
    struct Late {
        format::EventType type;
        std::uint32_t channel;
        Bytes payload;
    };
    std::vector<Late> late_events();
    void tell(const Follower::Command& command);
    /// Without `block`: only what is late.
    Result<void> stage_block(Compressor& compressor, const Block* block, std::span<const Late> late);
    Result<void> stage_keyframe(Compressor& compressor);
    Result<void> stage_rest(Compressor& compressor);
    bool closed() const { return m_finish_called || m_failed; }

    Hub& m_hub;
    const std::size_t m_writer;
    const model::RecordLevel m_level;  // of channels that were not announced
    const WallTime m_started;
    const TimePoint m_origin;
    const Executor m_executor;
    const std::weak_ptr<RecorderCallbacks> m_callbacks;
    const std::unique_ptr<BlockFile> m_file;
    // The writer's alone.
    Follower m_follower;
    TimePoint m_followed_at{};
    std::optional<TimePoint> m_rest_at;  // a timer is out

    std::atomic<bool> m_backlogged{false};
    std::atomic<bool> m_waits_for_hub{false};
    std::atomic<bool> m_sync_planned{false};

    std::mutex m_mutex;  // everything below
    Block m_current;
    TimePoint m_flush_at{};                 // when m_current, or the counts, must be on their way
    std::optional<TimePoint> m_armed_for;   // a flush timer is out
    TimePoint m_counted_at{};
    std::uint64_t m_last_us = 0;
    std::uint64_t m_event_us = 0;  // of the last event in m_current
    std::vector<Block> m_ready;
    std::size_t m_waiting = 0;  // bytes of the buffers in m_ready and in the writer's hands
    bool m_drain_queued = false;
    bool m_uncounted = false;
    bool m_finish_called = false;
    std::unique_ptr<Finish> m_finish;  // until the writer took it
    std::unique_ptr<Error> m_failed;
    std::unordered_map<std::uint32_t, Channel> m_channels;
    std::map<std::uint32_t, std::string> m_tells;  // targets of channels, open or not, of which typed commands are told
    Totals m_totals;
    Wake m_wake;
};

}  // namespace sekisho::recording
