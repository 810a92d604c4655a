// StoreWorker: the one thread that talks to the store. Jobs that gathered while a transaction was written share the next one
// (group commit): a login storm costs a few commits, not a thousand. What somebody waits for is written at once, what nobody
// waits for gathers a little longer, and is kept in memory while the database cannot be reached. Results come back on the loop that
// asked. A second thread sees to it that what was written survives a power failure soon after, and holds nobody up for it. Thread-safe;
// owned by gateway/serve.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "model/session.h"
#include "net/loop.h"
#include "store/store.h"

namespace sekisho::gateway {

class StoreWorker {
public:
    /// Runs on the worker thread, perhaps twice (alone again, when a job of its transaction failed).
    using Work = std::function<Result<void>(store::Store&)>;

    explicit StoreWorker(store::Store& store);
    /// Finishes what is queued. What the store cannot take then is an error in the log, and lost.
    ~StoreWorker();
    StoreWorker(const StoreWorker&) = delete;
    StoreWorker& operator=(const StoreWorker&) = delete;

    /// Now: somebody waits. Soon: within kGather, or with the next job that is for now.
    enum class When { Now, Soon };
    static constexpr std::chrono::milliseconds kGather{200};
    /// Jobs that are kept while the store cannot be reached; what comes on top is an error.
    static constexpr std::size_t kMostKept = 50'000;

    /// What was written survives a kill at once, and a power failure so long after it.
    static constexpr std::chrono::milliseconds kSyncAfter{1000};

    /// `done` runs on the worker's thread after the transaction was written: hand it on to a loop.
    void submit(Work work, std::function<void(Result<void>)> done, When when = When::Now);
    /// `done` runs on `loop`.
    void submit(net::Loop& loop, Work work, std::function<void(Result<void>)> done);
    /// Keeps an audit record; a failure is an error in the log, because nobody waits for it.
    void audit(model::AuditRecord record);
    /// Waits until all that was submitted before is in the store, if that can be reached: for a reader who must see what has happened.
    /// Not on a loop.
    void settle();
    /// `work` runs on the worker's thread whenever that has written something, outside of a transaction. Quick, most of the time.
    void afterwards(std::function<void(store::Store&)> work);
    /// From now on nothing gathers (the gateway is going down).
    void hurry();

private:
    struct Job {
        Work work;
        std::function<void(Result<void>)> done;
        When when;
    };

    void work_off();
    void sync_behind();
    std::vector<Job> run_together(std::vector<Job>& jobs, bool may_keep);

    store::Store& m_store;
    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::vector<Job> m_queue;
    std::function<void(store::Store&)> m_afterwards;
    bool m_wanted_now = false;
    bool m_will_look = false;  // the worker's wait ends by itself, in time for what gathers
    bool m_hurry = false;
    bool m_stopping = false;
    std::condition_variable m_wake_sync;
    bool m_unsynced = false;  // something was written since the last one began
    bool m_over = false;  // nothing more will be
    std::thread m_thread;
    std::thread m_sync_thread;
};

}  // namespace sekisho::gateway
