#include "recording/track.h"

#include <algorithm>
#include <cstring>

#include "recording/commands.h"
#include "recording/file_event.h"
#include "recording/hub.h"
#include "recording/redact.h"

namespace sekisho::recording {

using format::EventType;

namespace {

TimePoint clock_now() {
    return std::chrono::steady_clock::now();
}

EventType data_type(Stream stream) {
    return static_cast<EventType>(static_cast<std::uint8_t>(EventType::Data) + static_cast<std::uint8_t>(stream));
}

}  // namespace

Track::Track(Hub& hub, std::size_t writer, model::RecordLevel level, WallTime started, TimePoint origin, Executor executor,
             std::weak_ptr<RecorderCallbacks> callbacks, std::unique_ptr<BlockFile> file)
    : m_hub(hub),
      m_writer(writer),
      m_level(level),
      m_started(started),
      m_origin(origin),
      m_executor(std::move(executor)),
      m_callbacks(std::move(callbacks)),
      m_file(std::move(file)) {}

Track::~Track() {
    m_hub.pool().give(std::move(m_current.buffer));
    for (Block& block : m_ready) m_hub.pool().give(std::move(block.buffer));
}

// --- loop ---

void Track::channel_opened(const ChannelFacts& facts, TimePoint now) {
    std::unique_lock lock(m_mutex);
    if (closed()) return;
    ++m_totals.channels;
    auto& targets = m_totals.targets;
    const std::string& place = facts.target.empty() ? facts.destination : facts.target;
    if (!place.empty() && targets.size() < kTargetsMost && std::ranges::find(targets, place) == targets.end()) {
        targets.push_back(place);
    }
    Channel& state = channel(facts.channel);
    state.level = facts.level;
    state.hidden_input = facts.hidden_input;
    if (facts.contents.most && facts.level == model::RecordLevel::Full)
        state.cut = std::make_unique<ContentCut>(*facts.contents.most);
    Bytes head;
    for (const std::string_view text : {std::string_view(facts.type), std::string_view(facts.target),
                                        std::string_view(facts.destination)}) {
        format::append_text(head, text.substr(0, kTextMost));
    }
    if (facts.tell_commands) m_tells[facts.channel] = facts.target;
    head.push_back(static_cast<std::byte>(facts.level));
    put(EventType::ChannelOpened, EventType::Continuation, facts.channel, time_of(now), head, {});
    deliver(std::move(lock));
}

void Track::request(std::uint32_t channel, bool from_client, std::string_view type, BytesView payload, TimePoint now) {
    Bytes storage;
    Bytes head{static_cast<std::byte>(from_client ? 1 : 0)};
    format::append_text(head, type.substr(0, kTypeMost));
    std::unique_lock lock(m_mutex);
    if (closed()) return;
    BytesView kept = kept_payload(this->channel(channel).level, type, payload, storage);
    kept = kept.first(std::min(kept.size(), format::kRequestMost));
    if (from_client && type == "pty-req") this->channel(channel).terminal = true;
    format::append_varint(head, kept.size());
    put(EventType::Request, EventType::Continuation, channel, time_of(now), head, kept);
    deliver(std::move(lock));
}

void Track::data(std::uint32_t channel, Stream stream, BytesView bytes, TimePoint now) {
    if (bytes.empty()) return;
    const auto index = static_cast<std::size_t>(stream);
    std::unique_lock lock(m_mutex);
    if (closed()) return;
    Channel& state = this->channel(channel);
    state.total[index] += bytes.size();
    m_totals.bytes[index] += bytes.size();
    const std::uint64_t time_us = time_of(now);
    const bool full = state.level == model::RecordLevel::Full;
    // Commands are read from it, and it is forgotten; or what is typed waits to be shown.
    const bool terminal = state.terminal && !state.cut;
    const bool followed = terminal && state.level == model::RecordLevel::Commands;
    const bool held = terminal && full && stream == Stream::Input && !state.hidden_input;
    BytesView kept = full ? bytes : BytesView();
    if (state.cut) kept = state.cut->keep(stream, bytes);
    if (followed || held) {
        const std::uint8_t mark = held ? format::kHeldBack : format::kOnlyFollowed;
        const auto type = static_cast<EventType>(static_cast<std::uint8_t>(data_type(stream)) | mark);
        put(type, type, channel, time_us, {}, bytes);
        --m_totals.events;
    } else if (!kept.empty()) {
        put(data_type(stream), data_type(stream), channel, time_us, {}, kept);
    }
    if (kept.size() < bytes.size()) count(state, index, bytes.size() - kept.size());
    deliver(std::move(lock));
}

void Track::file_operation(std::uint32_t channel, std::string_view json, TimePoint now) {
    std::unique_lock lock(m_mutex);
    if (closed() || json.size() > kFileEventMost || this->channel(channel).level == model::RecordLevel::Metadata) return;
    put(EventType::FileOperation, EventType::Continuation, channel, time_of(now), base::view(json), {});
    deliver(std::move(lock));
}

void Track::eof(std::uint32_t number, bool from_client, TimePoint now) {
    std::unique_lock lock(m_mutex);
    if (closed()) return;
    const std::byte head[] = {static_cast<std::byte>(from_client ? 1 : 0)};
    // What was left out came before.
    const auto found = m_channels.find(number);
    if (found != m_channels.end() && found->second.cut) put_counts(time_of(now));
    put(EventType::Eof, EventType::Continuation, number, time_of(now), head, {});
    deliver(std::move(lock));
}

void Track::channel_closed(std::uint32_t channel, TimePoint now) {
    std::unique_lock lock(m_mutex);
    if (closed()) return;
    const std::uint64_t time_us = time_of(now);
    put_counts(time_us);
    const auto found = m_channels.find(channel);
    if (found != m_channels.end()) put_digests(channel, found->second, time_us);
    Bytes head;
    append_counts(head, found == m_channels.end() ? Counts{} : found->second.total);
    if (found != m_channels.end()) m_channels.erase(found);
    put(EventType::ChannelClosed, EventType::Continuation, channel, time_us, head, {});
    deliver(std::move(lock));
}

bool Track::backlogged() {
    return m_backlogged.load(std::memory_order_relaxed) || m_hub.full(*this);
}

void Track::finish(std::string_view reason, std::optional<TimePoint> now, Done done) {
    std::unique_lock lock(m_mutex);
    if (m_finish_called) {
        lock.unlock();
        tell_done(done, Error{"the recording was ended before", {}});
        return;
    }
    const std::uint64_t time_us = time_of(now.value_or(clock_now()));
    if (!m_failed) {
        put_counts(time_us);
        for (auto& [number, state] : m_channels) put_digests(number, state, time_us);
        if (m_current.buffer) seal_buffer();
    }
    m_finish_called = true;
    m_finish = std::make_unique<Finish>(Finish{std::string(reason), time_us, std::move(done)});
    wake_drain();
    m_wake.patiently = m_wake.drain;
    if (!deliver(std::move(lock))) {  // the Hub stopped and ended this recording before
        std::unique_lock again(m_mutex);
        const std::unique_ptr<Finish> unheard = std::move(m_finish);
        again.unlock();
        if (unheard) tell_done(unheard->done, Error{"the recording was ended before", {}});
    }
}

// --- filling, under the mutex ---

Track::Channel& Track::channel(std::uint32_t number) {
    return m_channels.try_emplace(number, Channel{.level = m_level}).first->second;
}

std::uint64_t Track::time_of(TimePoint now) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now - m_origin).count();
    m_last_us = std::clamp(us < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(us), m_last_us, format::kTimeMost);
    return m_last_us;
}

void Track::put(EventType type, EventType more, std::uint32_t channel, std::uint64_t time_us, BytesView head, BytesView body) {
    do {
        make_room(head.size(), body.size(), time_us);
        Buffer& buffer = m_current.buffer;
        const BytesView piece = body.first(std::min(body.size(), buffer.room() - format::kEventOverhead - head.size()));
        format::Appender out{buffer.data.get() + buffer.size};
        out.byte(static_cast<std::uint8_t>(type));
        out.varint(channel);
        out.varint(time_us - m_event_us);
        out.varint(head.size() + piece.size());
        out.raw(head);
        out.raw(piece);
        buffer.size = static_cast<std::size_t>(out.at - buffer.data.get());
        ++m_current.events;
        if ((static_cast<std::uint8_t>(type) & format::kNotInFile) != 0) m_current.stripped = true;
        m_event_us = time_us;
        body = body.subspan(piece.size());
        head = {};
        type = more;
    } while (!body.empty());
    ++m_totals.events;
}

void Track::make_room(std::size_t head, std::size_t body, std::uint64_t time_us) {
    const std::size_t all = format::kEventOverhead + head + body;
    const std::size_t least = format::kEventOverhead + head + std::min(body, kPieceLeast);
    Buffer& buffer = m_current.buffer;
    if (buffer && buffer.capacity < BufferPool::kLarge && buffer.room() < all) {
        Buffer larger = m_hub.pool().take(buffer.size + all);
        std::memcpy(larger.data.get(), buffer.data.get(), buffer.size);
        larger.size = buffer.size;
        m_hub.pool().give(std::exchange(buffer, std::move(larger)));
    }
    if (buffer && buffer.room() < least) seal_buffer();
    if (!buffer) {
        buffer = m_hub.pool().take(all);
        m_current.time_us = m_event_us = time_us;
        arm(clock_now() + kFlushAfter);
    }
}

void Track::seal_buffer() {
    m_waiting += m_current.buffer.capacity;
    const Buffer& buffer = m_current.buffer;
    m_current.pours = buffer.room() < kPieceLeast + kTypeMost && buffer.capacity >= BufferPool::kLarge &&
                      m_event_us - m_current.time_us < kPoursUs;
    if (m_waiting > kBacklogHigh) m_backlogged = true;
    m_ready.push_back(std::exchange(m_current, {}));
    // Waking the writer costs as much as compressing a few kilobytes. The timer of the oldest block is out already.
    if (m_ready.size() >= kTogether) wake_drain();
}

void Track::append_counts(Bytes& out, const Counts& counts) {
    for (const std::uint64_t count : counts) format::append_varint(out, count);
}

void Track::put_counts(std::uint64_t time_us) {
    if (!m_uncounted) return;
    m_uncounted = false;
    m_counted_at = clock_now();
    for (auto& [channel, state] : m_channels) {
        if (state.uncounted == Counts{}) continue;
        Bytes head;
        append_counts(head, std::exchange(state.uncounted, {}));
        put(EventType::Counted, EventType::Continuation, channel, time_us, head, {});
    }
}

/// At the next tick of a second, or with the next block.
void Track::count(Channel& state, std::size_t index, std::size_t size) {
    state.uncounted[index] += size;
    if (m_uncounted) return;
    m_uncounted = true;
    if (!m_current.buffer) arm(std::max(clock_now() + kFlushAfter, m_counted_at + kCountEvery));
}

void Track::put_digests(std::uint32_t channel, Channel& state, std::uint64_t time_us) {
    if (!state.cut) return;
    for (const std::string& text : state.cut->digests())
        put(EventType::ContentDigest, EventType::Continuation, channel, time_us, base::view(text), {});
}

void Track::arm(TimePoint flush_at) {
    m_flush_at = flush_at;
    if (m_armed_for && *m_armed_for <= flush_at) return;
    m_armed_for = flush_at;
    m_wake.timer = flush_at;
}

void Track::wake_drain() {
    if (!std::exchange(m_drain_queued, true)) m_wake.drain = true;
}

// The writer's own mutex is taken only after ours is free.
bool Track::deliver(std::unique_lock<std::mutex> lock) {
    if (!m_wake.drain && !m_wake.timer) return true;
    const Wake wake = std::exchange(m_wake, {});
    lock.unlock();
    Writer& writer = m_hub.writer(m_writer);
    if (wake.timer) writer.arm(*wake.timer, weak_from_this());
    if (!wake.drain) return true;
    return writer.post([self = shared_from_this()](Compressor& compressor) { self->drain(compressor); },
        wake.patiently ? Writer::When::Soon : Writer::When::Now);
}

// --- writer ---

void Track::flush_due(Compressor& compressor) {
    {
        std::unique_lock lock(m_mutex);
        m_armed_for.reset();
        if (closed()) return;
        const TimePoint now = clock_now();
        const bool unfinished = m_current.buffer || m_uncounted;
        if (unfinished && m_flush_at <= now + kTimerSlack) {
            if (m_uncounted && m_counted_at + kCountEvery <= now + kTimerSlack) put_counts(time_of(now));
            if (m_current.buffer) seal_buffer();
            m_wake = {};  // this thread is the one to be woken
            m_armed_for.reset();
            if (m_uncounted) {  // not yet again
                arm(m_counted_at + kCountEvery);
                deliver(std::move(lock));
            }
        } else if (unfinished) {  // the buffer that this timer was for went out full; a newer one has its own time
            arm(m_flush_at);
            deliver(std::move(lock));
        }
    }
    drain(compressor);
    let_rest();
}

/// A terminal that nobody looks at keeps no screen in memory.
void Track::let_rest() {
    const TimePoint now = clock_now();
    if (m_rest_at && *m_rest_at <= now + kTimerSlack) {
        m_rest_at.reset();
        if (m_followed_at + kRestAfter <= now + kTimerSlack) m_follower.rest();
    }
    if (!m_follower.awake() || m_rest_at) return;
    m_rest_at = m_followed_at + kRestAfter;
    m_hub.writer(m_writer).arm(*m_rest_at, weak_from_this());
}

void Track::drain(Compressor& compressor) {
    for (;;) {
        std::vector<Block> blocks;
        std::unique_ptr<Finish> finish;
        bool failed = false;
        {
            const std::lock_guard lock(m_mutex);
            m_drain_queued = false;
            blocks.swap(m_ready);
            finish = std::move(m_finish);  // nothing is put in behind it
            failed = m_failed != nullptr;
        }
        if (!failed && !blocks.empty()) write_blocks(compressor, blocks, finish == nullptr);
        std::size_t capacity = 0;
        for (Block& block : blocks) {
            capacity += block.buffer.capacity;
            m_hub.pool().give(std::move(block.buffer));
        }
        if (capacity != 0) written(capacity);
        if (finish) {
            const auto staged = failed ? Result<void>() : stage_rest(compressor);
            if (!staged) fail_with(staged.error());
            write_end(compressor, std::move(*finish));
        }
        if (finish || blocks.empty()) return;
    }
}

void Track::write_blocks(Compressor& compressor, std::span<const Block> blocks, bool now) {
    Result<void> result;
    for (const Block& block : blocks) {
        m_follower.follow(block.buffer.bytes(), block.time_us, compressor.gathered());
        std::vector<Late> late;
        if (&block == &blocks.back()) {
            m_follower.settle(compressor.gathered());
            late = late_events();
        }
        result = stage_block(compressor, &block, late);
        if (result && m_follower.keyframe_due()) result = stage_keyframe(compressor);
        if (!result) break;
    }
    m_follower.settle(compressor.gathered());
    m_followed_at = clock_now();
    if (result && now) result = m_file->write_staged(compressor);
    m_hub.syncer().soon(shared_from_this());
    if (!result) fail_with(result.error());
}

Result<void> Track::stage_keyframe(Compressor& compressor) {
    m_follower.settle(compressor.gathered());
    const auto keyframe = m_follower.make_keyframe();
    if (!keyframe) return {};
    return m_file->stage(compressor, {.type = format::BlockType::Keyframe, .plain = *keyframe, .time_us = m_follower.time_us()});
}

Result<void> Track::stage_block(Compressor& compressor, const Block* block, std::span<const Late> late) {
    BlockFile::Content content{.type = format::BlockType::Events, .plain = {}, .events = 0, .time_us = m_follower.time_us()};
    std::uint64_t last_us = content.time_us;
    Bytes room;
    if (block != nullptr) {
        content.events = block->events;
        content.time_us = block->time_us;
        content.pours = block->pours;
        if (block->stripped) {
            last_us = format::strip_followed(block->buffer.bytes(), content.time_us, content.events, room);
        } else if (late.empty()) {
            content.plain = block->buffer.bytes();
            return m_file->stage(compressor, content);
        } else {
            room = base::to_bytes(block->buffer.bytes());
        }
    }
    const auto stage = [&]() -> Result<void> {
        if (content.events == 0) return {};
        content.plain = room;
        return m_file->stage(compressor, content);
    };
    for (const Late& one : late) {
        if (room.size() + one.payload.size() + format::kEventOverhead > format::kBlockPlain) {
            if (const auto staged = stage(); !staged) return staged;
            room.clear();
            content.events = 0;
        }
        if (content.events++ == 0) content.time_us = last_us = m_follower.time_us();
        format::append_event(room, one.type, one.channel, m_follower.time_us() - last_us, one.payload);
        last_us = m_follower.time_us();
    }
    return stage();
}

std::vector<Track::Late> Track::late_events() {
    constexpr std::size_t kPieceMost = 32 * 1024;
    std::vector<Late> late;
    for (const Follower::Input& input : m_follower.take_input()) {
        const std::uint64_t before = m_follower.time_us() - std::min(input.time_us, m_follower.time_us());
        BytesView rest = base::view(input.bytes);
        do {
            const BytesView piece = rest.first(std::min(rest.size(), kPieceMost));
            rest = rest.subspan(piece.size());
            Late one{input.hidden == 0 ? EventType::LateInput : EventType::InputHidden, input.channel, {}};
            format::append_varint(one.payload, before);
            if (input.hidden != 0) format::append_varint(one.payload, input.hidden);
            one.payload.insert(one.payload.end(), piece.begin(), piece.end());
            late.push_back(std::move(one));
        } while (!rest.empty());
    }
    for (const Follower::Command& command : m_follower.take_commands()) {
        late.push_back({EventType::Command, command.channel, base::to_bytes(encode_command(command))});
        tell(command);
    }
    const std::lock_guard lock(m_mutex);
    m_totals.events += late.size();
    return late;
}

void Track::tell(const Follower::Command& command) {
    TypedCommand typed{command.channel, {}, command.text,
                       m_started + std::chrono::microseconds(static_cast<std::int64_t>(command.entered_us))};
    {
        const std::lock_guard lock(m_mutex);
        const auto found = m_tells.find(command.channel);
        if (found == m_tells.end()) return;
        typed.target = found->second;
    }
    post([callbacks = m_callbacks.lock(), typed] {
        if (callbacks && callbacks->on_command) callbacks->on_command(typed);
    });
}

/// At the end: what is not decided will never be.
Result<void> Track::stage_rest(Compressor& compressor) {
    m_follower.finish(compressor.gathered());
    const std::vector<Late> late = late_events();
    return late.empty() ? Result<void>() : stage_block(compressor, nullptr, late);
}

void Track::written(std::size_t capacity) {
    bool drained = false;
    {
        const std::lock_guard lock(m_mutex);
        m_waiting -= capacity;
        drained = settle();
    }
    if (drained) post_drained();
    m_hub.buffer_returned();
}

bool Track::settle() {
    if (!m_backlogged || m_waiting >= kBacklogLow) return false;
    m_backlogged = false;
    return true;
}

void Track::write_end(Compressor& compressor, Finish finish) {
    End end{.reason = std::move(finish.reason)};
    std::optional<Error> error;
    {
        const std::lock_guard lock(m_mutex);
        if (m_failed) error = *m_failed;
        end.totals = m_totals;
    }
    if (error) {
        end.ending = Ending::Failed;
        end.failure = error->detail;
    }
    auto written = m_file->append_end(compressor, end, finish.time_us);
    if (!written && !error) {
        // What did not fit may have been the last events: a mark that says so is shorter.
        error = written.error();
        fail_with(*error);
        end.ending = Ending::Failed;
        end.failure = error->detail;
        written = m_file->append_end(compressor, std::move(end), finish.time_us);
    }
    m_hub.forget(this, written.has_value());
    m_hub.syncer().soon(shared_from_this());
    tell_done(finish.done, std::move(error), m_file->ended());
}

void Track::fail_with(const Error& error) {
    bool drained = false;
    {
        const std::lock_guard lock(m_mutex);
        if (m_failed) return;
        m_failed = std::make_unique<Error>(error);
        m_hub.pool().give(std::exchange(m_current, {}).buffer);
        for (Block& block : m_ready) {
            m_waiting -= block.buffer.capacity;
            m_hub.pool().give(std::move(block.buffer));
        }
        m_ready.clear();
        drained = settle();
    }
    m_hub.buffer_returned();
    if (drained) post_drained();
    post([weak = m_callbacks, error] {
        if (const auto callbacks = weak.lock(); callbacks && callbacks->on_failure) callbacks->on_failure(error);
    });
}

void Track::post_drained() {
    m_waits_for_hub = false;
    post([weak = m_callbacks] {
        if (const auto callbacks = weak.lock(); callbacks && callbacks->on_drained) callbacks->on_drained();
    });
}

void Track::tell_done(const Done& done, std::optional<Error> failed, const std::optional<evidence::Written>& written) {
    if (done) done(failed ? Result<void>(std::unexpected(*failed)) : Result<void>(), written);
}

}  // namespace sekisho::recording
