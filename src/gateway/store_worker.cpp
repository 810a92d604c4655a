#include "gateway/store_worker.h"

#include <utility>

#include "base/log.h"

namespace sekisho::gateway {

StoreWorker::StoreWorker(store::Store& store) : m_store(store), m_thread([this] { work_off(); }) {}

StoreWorker::~StoreWorker() {
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
    }
    m_wake.notify_one();
    m_thread.join();
}

void StoreWorker::submit(Work work, std::function<void(Result<void>)> done) {
    {
        const std::lock_guard lock(m_mutex);
        m_queue.push_back(Job{std::move(work), std::move(done)});
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
        });
}

void StoreWorker::work_off() {
    std::unique_lock lock(m_mutex);
    while (true) {
        m_wake.wait(lock, [this] { return m_stopping || !m_queue.empty(); });
        if (m_queue.empty()) return;
        std::vector<Job> jobs = std::exchange(m_queue, {});
        lock.unlock();
        run_together(jobs);
        lock.lock();
    }
}

void StoreWorker::run_together(std::vector<Job>& jobs) {
    if (jobs.size() > 1) {
        const auto all = m_store.together([&]() -> Result<void> {
            for (auto& job : jobs) {
                if (auto result = job.work(m_store); !result) return result;
            }
            return {};
        });
        if (all) {
            for (auto& job : jobs) job.done({});
            return;
        }
    }
    // One of them failed and took the others back with it: each for itself.
    for (auto& job : jobs) job.done(m_store.together([&] { return job.work(m_store); }));
}

}  // namespace sekisho::gateway
