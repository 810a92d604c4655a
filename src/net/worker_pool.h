// WorkerPool: threads for what blocks (name resolution, large signatures), so that no loop ever waits. Results come back as
// a turn of the loop that asked. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "net/loop.h"

namespace sekisho::net {

class WorkerPool {
public:
    explicit WorkerPool(unsigned threads);
    /// Finishes what is queued.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    void submit(std::function<void()> work);

    /// `done(work())` on `loop`.
    template <class Work, class Done>
    void run(Loop& loop, Work work, Done done) {
        submit([&loop, work = std::move(work), done = std::move(done)]() mutable {
            // std::function wants to be copyable; the result need not be.
            auto result = std::make_shared<decltype(work())>(work());
            loop.post([result, done = std::move(done)]() mutable { done(std::move(*result)); });
        });
    }

private:
    void work_off();

    std::mutex m_mutex;
    std::condition_variable m_wake;
    std::deque<std::function<void()>> m_queue;
    bool m_stopping = false;
    std::vector<std::thread> m_threads;
};

}  // namespace sekisho::net
