#include "gateway/store_worker.h"

#include <future>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/thread_name.h"

namespace sekisho::gateway {

StoreWorker::StoreWorker(store::Store& store)
    : m_store(store), m_thread([this] { work_off(); }), m_sync_thread([this] { sync_behind(); }) {}

StoreWorker::~StoreWorker() {
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
    }
    m_wake.notify_one();
    m_thread.join();
    {
        const std::lock_guard lock(m_mutex);
        m_over = true;
    }
    m_wake_sync.notify_one();
    m_sync_thread.join();
}

void StoreWorker::submit(Work work, std::function<void(Result<void>)> done, When when) {
    {
        const std::lock_guard lock(m_mutex);
        const bool first = m_queue.empty();
        const bool wanted_before = m_wanted_now;
        m_queue.push_back(Job{std::move(work), std::move(done), when});
        if (when == When::Now || m_hurry) m_wanted_now = true;
        // Awake already, or about to be: because of somebody who waits, for the first one, or by itself.
        if (m_wanted_now == wanted_before && (!first || m_will_look)) return;
    }
    m_wake.notify_one();
}

void StoreWorker::settle() {
    std::promise<void> settled;
    submit([](store::Store&) -> Result<void> { return {}; }, [&settled](const Result<void>&) { settled.set_value(); });
    settled.get_future().wait();
}

void StoreWorker::afterwards(std::function<void(store::Store&)> work) {
    const std::lock_guard lock(m_mutex);
    m_afterwards = std::move(work);
}

void StoreWorker::hurry() {
    {
        const std::lock_guard lock(m_mutex);
        m_hurry = true;
        m_wanted_now = true;
    }
    m_wake.notify_one();
}

void StoreWorker::submit(net::Loop& loop, Work work, std::function<void(Result<void>)> done) {
    submit(std::move(work), [&loop, done = std::move(done)](
                                Result<void> result) { loop.post([done, result = std::move(result)] { done(result); }); });
}

void StoreWorker::audit(model::AuditRecord record) {
    if (record.time == WallTime{}) record.time = std::chrono::system_clock::now();
    submit([record](store::Store& store) { return store.audit(record); },
        [kind = record.kind, session = record.session](const Result<void>& result) {
            if (result) return;
            log::error("audit.failed", {{"kind", kind}, {"session", session}, {"reason", result.error().full()}});
        },
        When::Soon);
}

void StoreWorker::work_off() {
    base::name_this_thread("store");
    std::unique_lock lock(m_mutex);
    while (true) {
        // After work, and where work gathers: whoever is not in a hurry need not wake this thread.
        m_will_look = true;
        m_wake.wait_for(lock, kGather, [this] { return m_stopping || m_wanted_now; });
        m_will_look = false;
        if (m_queue.empty()) {
            if (m_stopping) return;
            m_wake.wait(lock, [this] { return m_stopping || !m_queue.empty(); });
            continue;
        }
        m_wanted_now = m_hurry;
        std::vector<Job> jobs = std::exchange(m_queue, {});
        const bool may_keep = !m_stopping && !m_hurry;
        const auto afterwards = m_afterwards;
        lock.unlock();
        std::vector<Job> kept = run_together(jobs, may_keep);
        if (afterwards && m_store.reachable()) afterwards(m_store);
        lock.lock();
        if (m_store.unsynced() && !std::exchange(m_unsynced, true)) m_wake_sync.notify_one();
        m_queue.insert(m_queue.begin(), std::move_iterator(kept.begin()), std::move_iterator(kept.end()));
    }
}

void StoreWorker::sync_behind() {
    base::name_this_thread("store-sync");
    std::unique_lock lock(m_mutex);
    while (true) {
        m_wake_sync.wait(lock, [this] { return m_over || m_unsynced; });
        if (!m_unsynced) return;
        m_wake_sync.wait_for(lock, kSyncAfter, [this] { return m_over; });
        m_unsynced = false;
        lock.unlock();
        if (const auto synced = m_store.sync(); !synced) log::error("store.not_synced", {{"reason", synced.error().full()}});
        lock.lock();
    }
}

/// Returns what nobody waits for and the store, which cannot be reached, may take later.
std::vector<StoreWorker::Job> StoreWorker::run_together(std::vector<Job>& jobs, bool may_keep) {
    if (jobs.size() > 1) {
        const auto all = m_store.together([&]() -> Result<void> {
            for (auto& job : jobs) {
                if (auto result = job.work(m_store); !result) return result;
            }
            return {};
        });
        if (all) {
            for (auto& job : jobs) job.done({});
            return {};
        }
    }
    // One of them failed and took the others back with it: each for itself.
    std::vector<Job> kept;
    for (auto& job : jobs) {
        const bool patient = job.when == When::Soon && may_keep && kept.size() < kMostKept;
        if (patient && !kept.empty() && !m_store.reachable()) {  // it would fail like the one before
            kept.push_back(std::move(job));
            continue;
        }
        auto result = m_store.together([&] { return job.work(m_store); });
        if (!result && patient && !m_store.reachable())
            kept.push_back(std::move(job));
        else
            job.done(std::move(result));
    }
    return kept;
}

}  // namespace sekisho::gateway
