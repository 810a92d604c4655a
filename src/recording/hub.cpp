#include "recording/hub.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <utility>

#include "base/thread_name.h"

namespace sekisho::recording {

namespace {

constexpr std::chrono::milliseconds kTimerSlack{20};  // timers this near are fired together
constexpr unsigned kCollisionsMost = 100'000;
constexpr std::size_t kNumbersKept = 256;

std::size_t writer_count() {
    return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 4);
}

}  // namespace

// --- Writer ---

Writer::Writer() : m_thread([this] { run(); }) {}

bool Writer::post(Job job, When when) {
    {
        const std::lock_guard lock(m_mutex);
        if (m_ended) return false;
        m_jobs.push_back(std::move(job));
        if (!m_asleep || (when == When::Soon && m_looks_again)) return true;
        m_asleep = false;
    }
    m_changed.notify_one();
    return true;
}

void Writer::settle() {
    std::promise<void> settled;
    if (post([&settled](Compressor&) { settled.set_value(); })) settled.get_future().wait();
}

void Writer::arm(TimePoint when, std::weak_ptr<Track> track) {
    {
        const std::lock_guard lock(m_mutex);
        if (m_ended) return;
        const bool first = m_timers.empty() || when < m_timers.top().when;
        m_timers.push({when, std::move(track)});
        if (!first) return;
    }
    m_changed.notify_one();
}

void Writer::stop() {
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
    }
    m_changed.notify_one();
    if (m_thread.joinable()) m_thread.join();
}

void Writer::run() {
    base::name_this_thread("recording");
    Compressor compressor;
    std::unique_lock lock(m_mutex);
    for (bool worked = false;;) {
        std::vector<std::weak_ptr<Track>> due;
        const TimePoint soon = std::chrono::steady_clock::now() + kTimerSlack;
        while (!m_timers.empty() && m_timers.top().when <= soon) {
            due.push_back(m_timers.top().track);
            m_timers.pop();
        }
        // Most recordings of short sessions end before their timer: nobody need wake for those.
        while (!m_timers.empty() && m_timers.top().is_over()) m_timers.pop();
        if (!due.empty() || !m_jobs.empty()) {
            auto jobs = std::exchange(m_jobs, {});
            lock.unlock();
            for (const Job& job : jobs) job(compressor);
            jobs.clear();
            for (const auto& weak : due) {
                if (const auto track = weak.lock()) track->flush_due(compressor);
            }
            lock.lock();
            worked = true;
            continue;
        }
        if (m_stopping) {
            m_ended = true;
            return;
        }
        m_asleep = true;
        m_looks_again = std::exchange(worked, false);
        TimePoint until = m_timers.empty() ? TimePoint::max() : m_timers.top().when;
        if (m_looks_again) until = std::min(until, std::chrono::steady_clock::now() + kGather);
        until == TimePoint::max() ? m_changed.wait(lock) : static_cast<void>(m_changed.wait_until(lock, until));
        m_asleep = m_looks_again = false;
    }
}

// --- Syncer ---

Syncer::Syncer(EndSigner signer) : m_signer(std::move(signer)), m_thread([this] { run(); }) {}

void Syncer::soon(std::shared_ptr<Track> track) {
    if (!track->plan_sync()) return;
    {
        const std::lock_guard lock(m_mutex);
        m_later.push_back({std::move(track), std::chrono::steady_clock::now() + kSyncAfter});
        if (m_later.size() > 1) return;
    }
    m_changed.notify_one();
}

void Syncer::stop() {
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
    }
    m_changed.notify_one();
    if (m_thread.joinable()) m_thread.join();
}

void Syncer::run() {
    base::name_this_thread("sync");
    std::unique_lock lock(m_mutex);
    for (;;) {
        if (!m_later.empty() && (m_stopping || m_later.front().when <= std::chrono::steady_clock::now())) {
            // Those of the next second as well: the disk commits once for all whose bytes are on their way.
            const TimePoint until = std::chrono::steady_clock::now() + kSyncTogether;
            std::vector<Item> items;
            while (!m_later.empty() && (m_stopping || m_later.front().when <= until)) {
                items.push_back(std::move(m_later.front()));
                m_later.pop_front();
            }
            lock.unlock();
            for (const Item& item : items) item.track->sync_begins();
            sign(items);
            if (items.size() > 1) {
                for (const Item& item : items) item.track->file().start_writing();
            }
            for (const Item& item : items) sync(item.track);
            items.clear();
            lock.lock();
        } else if (m_stopping) {
            lock.unlock();
            return sign({});
        } else if (m_later.empty()) {
            m_changed.wait(lock);
        } else {
            const TimePoint next = m_later.front().when;
            m_changed.wait_until(lock, next);
        }
    }
}

/// Those whose end is written; whose end is not gets another sync behind it. Where nobody signs just now, the next ones take them along.
void Syncer::sign(const std::vector<Item>& items) {
    if (!m_signer) return;
    const std::vector<std::shared_ptr<Track>> late = std::exchange(m_unsigned, {});
    std::vector<std::shared_ptr<Track>> tracks = late;
    for (const Item& item : items) {
        if (item.track->file().awaits_signature() && std::ranges::find(late, item.track) == late.end()) tracks.push_back(item.track);
    }
    if (tracks.empty()) return;
    std::vector<evidence::Digest> lasts;
    for (const auto& track : tracks) lasts.push_back(track->file().ended()->last);
    const auto signatures = sign_ends(m_signer, lasts);
    if (!signatures) {
        m_left_unsigned = m_left_unsigned || tracks.size() > kUnsignedMost;
        if (tracks.size() > kUnsignedMost) tracks.erase(tracks.begin(), tracks.end() - kUnsignedMost);
        m_unsigned = std::move(tracks);
        return;
    }
    for (std::size_t i = 0; i < tracks.size(); ++i) {
        // What stands there is whole all the same: the next start tries once more.
        if (!tracks[i]->file().append_signature((*signatures)[i])) m_left_unsigned = true;
    }
    for (const auto& track : late) sync(track);
}

void Syncer::sync(const std::shared_ptr<Track>& track) {
    if (const auto result = track->file().sync(m_folders); !result) track->fail_with(result.error());
}

// --- Hub ---

Hub::Hub(std::string folder, std::vector<AuditorKey> seal_to, EndSigner signer)
    : m_folder(std::move(folder)), m_seal_to(std::move(seal_to)), m_signed_by(signer ? signer.key : ""), m_syncer(std::move(signer)) {
    for (std::size_t i = 0; i < writer_count(); ++i) m_writers.push_back(std::make_unique<Writer>());
}

void Hub::open(SessionFacts facts, bool reserve, Executor executor, RecorderCallbacks callbacks,
               std::function<void(Result<Recordings::Opened>)> done) {
    const auto since_start = std::chrono::system_clock::now() - facts.started;
    const TimePoint origin = std::chrono::steady_clock::now() -
                             std::clamp<Duration>(std::chrono::duration_cast<Duration>(since_start), Duration{0},
                                                  std::chrono::hours{24});
    const std::size_t index = m_next_writer.fetch_add(1, std::memory_order_relaxed) % m_writers.size();
    const bool taken = writer(index).post([=, this, facts = std::move(facts),
                                           callbacks = std::move(callbacks)](Compressor& compressor) {
        done(create(facts, reserve, origin, executor, callbacks, index, compressor));
    });
    if (!taken) done(fail("the recording cannot be started", "the gateway is stopping"));
}

Result<void> Hub::prepare() {
    const std::lock_guard lock(m_mutex);
    if (m_stopping) return fail("the recording cannot be started", "the gateway is stopping");
    if (m_lock) return {};
    auto taken = WriterLock::take(m_folder);
    if (!taken) return std::unexpected(taken.error());
    m_lock = std::move(*taken);
    return {};
}

/// Asked once a second while so much is left that nobody fills it in one.
void Hub::refuse_new(std::string reason) {
    m_refused = reason.empty() ? nullptr : std::make_shared<const std::string>(std::move(reason));
}

Result<void> Hub::has_room() {
    if (const auto why = m_refused.load()) return fail("the recording cannot be started", *why);
    const TimePoint now = std::chrono::steady_clock::now();
    if (now.time_since_epoch() < m_roomy_until.load(std::memory_order_relaxed)) return {};
    struct statvfs space {};
    if (::statvfs(m_folder.c_str(), &space) != 0) return fail("the recording cannot be started", system_text(errno));
    const std::uint64_t left = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
    if (left < kReserve) return fail("the recording cannot be started", "the disk is full");
    if (left > kRoomy) m_roomy_until.store((now + kRoomyFor).time_since_epoch(), std::memory_order_relaxed);
    return {};
}

Result<Recordings::Opened> Hub::create(SessionFacts facts, bool reserve, TimePoint origin, Executor executor,
                                       RecorderCallbacks callbacks, std::size_t writer, Compressor& compressor) {
    if (const auto ready = prepare(); !ready) return std::unexpected(ready.error());
    if (const auto room = reserve ? has_room() : Result<void>{}; !room) return std::unexpected(room.error());
    if (!is_audit_key(facts.audit_key)) facts.audit_key = audit_key(facts.started, facts.user);
    auto created = create_file(facts.audit_key);
    if (!created) return std::unexpected(created.error());
    std::unique_ptr<BlockFile> file = std::move(*created);
    Facts all{facts, m_lock->id(), {}, m_signed_by};
    if (!m_seal_to.empty()) {
        auto seal = make_seal(m_seal_to, facts.audit_key, crypto::system_random());
        if (!seal) {
            file->discard();
            return fail("the recording cannot be sealed", seal.error().text);
        }
        all.seal = std::move(seal->sealed);
        file->seal_with(std::move(seal->key));
    }
    const std::string text = encode_facts(all);
    const BlockFile::Content first{.type = format::BlockType::Facts, .plain = base::view(text)};
    if (const auto written = file->append(compressor, first); !written) {
        file->discard();
        return fail("the recording cannot be started", written.error().detail);
    }
    auto shared = std::make_shared<RecorderCallbacks>(std::move(callbacks));
    auto track = std::make_shared<Track>(*this, writer, facts.level, facts.started, origin, std::move(executor), shared, std::move(file));
    bool stopping = false;
    {
        const std::lock_guard lock(m_mutex);
        m_tracks.emplace(track.get(), track);
        stopping = m_stopping;
    }
    const TimePoint flush_at = std::chrono::steady_clock::now() + Track::kFlushAfter;
    track->armed(flush_at);
    m_writers[writer]->arm(flush_at, track);
    syncer().soon(track);
    if (stopping) {  // `stop` did not see this one
        track->finish("the gateway stopped", std::nullopt, {});
        return fail("the recording cannot be started", "the gateway is stopping");
    }
    return Recordings::Opened{make_recorder(shared_from_this(), std::move(track), std::move(shared)), facts.audit_key};
}

Result<std::unique_ptr<BlockFile>> Hub::create_file(std::string& key) {
    const std::string wanted = key;
    unsigned number = 1;
    {
        // A user who opens hundreds of sessions in one second would else try every number that is taken for each of them.
        const std::lock_guard lock(m_mutex);
        const auto known = m_numbers.find(wanted);
        if (known != m_numbers.end()) number = known->second + 1;
    }
    for (bool made = false;; ++number) {
        if (number > 1) key = wanted + "+" + std::to_string(number);
        auto created = BlockFile::create(path_of(m_folder, key));
        if (!created && created.error() == ENOENT && !std::exchange(made, true)) {  // the first of its month
            if (const auto folders = make_folders(m_folder, wanted); !folders) return std::unexpected(folders.error());
            created = BlockFile::create(path_of(m_folder, key));
        }
        if (!created && created.error() == EEXIST && number < kCollisionsMost) continue;
        if (!created) return fail("the recording cannot be started", system_text(created.error()));
        const std::lock_guard lock(m_mutex);
        if (m_numbers.size() >= kNumbersKept) m_numbers.clear();
        m_numbers[wanted] = number;
        return std::move(*created);
    }
}

void Hub::settle() {
    for (const auto& writer : m_writers) writer->settle();
}

void Hub::stop() {
    std::vector<std::shared_ptr<Track>> tracks;
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
        for (const auto& [key, weak] : m_tracks) {
            if (auto track = weak.lock()) tracks.push_back(std::move(track));
        }
    }
    for (const auto& track : tracks) track->finish("the gateway stopped", std::nullopt, {});
    tracks.clear();
    for (const auto& writer : m_writers) writer->stop();
    m_syncer.stop();
    const std::lock_guard lock(m_mutex);
    if (m_lock && m_all_ended && m_syncer.all_signed()) m_lock->retire();
    m_lock.reset();
}

bool Hub::full(Track& track) {
    if (!m_full.load(std::memory_order_relaxed) && m_pool.out() <= kMemoryHigh) return false;
    const std::lock_guard lock(m_mutex);
    if (m_pool.out() <= (m_full ? kMemoryLow : kMemoryHigh)) return false;
    m_full = true;
    if (track.start_waiting()) m_waiting.push_back(track.weak_from_this());
    return true;
}

void Hub::buffer_returned() {
    if (!m_full.load(std::memory_order_relaxed) || m_pool.out() > kMemoryLow) return;
    std::vector<std::weak_ptr<Track>> waiting;
    {
        const std::lock_guard lock(m_mutex);
        m_full = false;
        waiting.swap(m_waiting);
    }
    for (const auto& weak : waiting) {
        if (const auto track = weak.lock()) track->post_drained();
    }
}

void Hub::forget(Track* track, bool ended) {
    const std::lock_guard lock(m_mutex);
    m_tracks.erase(track);
    if (!ended) m_all_ended = false;
}

}  // namespace sekisho::recording
