// Hub: what all recordings of one folder share: buffers, writer threads, the sync thread, the folder's lock. Created by
// make_recordings; kept by every Recorder so that late calls find it. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <queue>
#include <thread>
#include <unordered_map>

#include "recording/folder.h"
#include "recording/track.h"

namespace sekisho::recording {

/// A thread with jobs and timers. Each Writer of the Hub compresses and writes for its share of the tracks.
class Writer {
public:
    using Job = std::function<void(Compressor&)>;

    Writer();
    /// What nobody waits for gathers for a moment behind other work, so that it need not wake this thread.
    enum class When { Now, Soon };
    static constexpr std::chrono::milliseconds kGather{200};
    /// False once it stops: the job was not taken.
    bool post(Job job, When when = When::Now);
    /// Waits until all jobs so far are done. Not on this thread.
    void settle();
    void arm(TimePoint when, std::weak_ptr<Track> track);
    /// Runs what is queued, then ends the thread.
    void stop();

private:
    struct Timer {
        TimePoint when;
        std::weak_ptr<Track> track;
        bool operator<(const Timer& other) const { return other.when < when; }  // the earliest on top
        bool is_over() const {
            const auto recording = track.lock();
            return !recording || recording->ends();
        }
    };
    void run();

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<Job> m_jobs;
    std::priority_queue<Timer> m_timers;
    bool m_asleep = false;
    bool m_looks_again = false;  // its sleep ends within kGather
    bool m_stopping = false;
    bool m_ended = false;
    std::thread m_thread;
};

/// Calls fdatasync so that no writer waits for a disk: a few seconds after a write, and for all that is left in stop(). Before that it
/// has the ends signed of those that have one: all that are synced together share a signature.
class Syncer {
public:
    static constexpr std::chrono::seconds kSyncAfter{3};
    static constexpr std::chrono::seconds kSyncTogether{1};

    explicit Syncer(EndSigner signer);
    void soon(std::shared_ptr<Track> track);
    void stop();
    /// After stop(): no recording is left whose end was not signed.
    bool all_signed() const { return m_unsigned.empty() && !m_left_unsigned; }

private:
    static constexpr std::size_t kUnsignedMost = 10'000;
    struct Item {
        std::shared_ptr<Track> track;
        TimePoint when;
    };
    void run();
    void sign(const std::vector<Item>& items);
    void sync(const std::shared_ptr<Track>& track);

    const EndSigner m_signer;
    FolderSyncs m_folders;
    std::vector<std::shared_ptr<Track>> m_unsigned;  // the keyholder was away; sync thread
    bool m_left_unsigned = false;  // more than are kept: the next start signs them
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::deque<Item> m_later;  // in order of `when`
    bool m_stopping = false;
    std::thread m_thread;
};

class Hub : public std::enable_shared_from_this<Hub> {
public:
    static constexpr std::size_t kMemoryHigh = 64 * 1024 * 1024;
    static constexpr std::size_t kMemoryLow = 48 * 1024 * 1024;
    static constexpr std::uint64_t kReserve = 4 * 1024 * 1024;
    static constexpr std::uint64_t kRoomy = 1ULL * 1024 * 1024 * 1024;
    static constexpr std::chrono::seconds kRoomyFor{1};

    Hub(std::string folder, std::vector<AuditorKey> seal_to, EndSigner signer);

    void open(SessionFacts facts, bool reserve, Executor executor, RecorderCallbacks callbacks,
              std::function<void(Result<Recordings::Opened>)> done);
    /// As Recordings::refuse_new.
    void refuse_new(std::string reason);
    /// Waits until all that ended before has its end. Not on a thread of this.
    void settle();
    /// Ends every recording that is still open, writes everything, ends the threads.
    void stop();

    BufferPool& pool() { return m_pool; }
    Writer& writer(std::size_t index) { return *m_writers[index]; }
    Syncer& syncer() { return m_syncer; }
    /// True while all recordings together hold too much memory; `track` is told when that is over.
    bool full(Track& track);
    void buffer_returned();
    void forget(Track* track, bool ended);

private:
    Result<Recordings::Opened> create(SessionFacts facts, bool reserve, TimePoint origin, Executor executor,
                                      RecorderCallbacks callbacks, std::size_t writer, Compressor& compressor);
    Result<void> prepare();
    Result<void> has_room();
    /// Adds "+2" … to `key` while the name is taken.
    Result<std::unique_ptr<BlockFile>> create_file(std::string& key);

    const std::string m_folder;
    const std::vector<AuditorKey> m_seal_to;
    const std::string m_signed_by;
    BufferPool m_pool;
    std::atomic<bool> m_full{false};
    std::atomic<std::size_t> m_next_writer{0};
    std::atomic<TimePoint::duration> m_roomy_until{TimePoint::duration{}};
    std::atomic<std::shared_ptr<const std::string>> m_refused;  // why; null: nothing is

    std::mutex m_mutex;  // everything below
    std::vector<std::weak_ptr<Track>> m_waiting;
    std::unordered_map<Track*, std::weak_ptr<Track>> m_tracks;
    std::unordered_map<std::string, unsigned> m_numbers;  // given last, by audit key; a hint
    std::optional<WriterLock> m_lock;
    bool m_stopping = false;
    bool m_all_ended = true;

    Syncer m_syncer;
    std::vector<std::unique_ptr<Writer>> m_writers;
};

std::unique_ptr<Recorder> make_recorder(std::shared_ptr<Hub> hub, std::shared_ptr<Track> track,
                                        std::shared_ptr<RecorderCallbacks> callbacks);

}  // namespace sekisho::recording
