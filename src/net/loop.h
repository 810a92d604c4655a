// Loop: one event loop, one thread. Everything that belongs to a session runs on the loop that accepted it, so that no lock
// stands on the way of a byte. Work comes in *turns*: one readable socket, one timer, one posted function. What a turn made
// dirty (hops with output) is sent once at its end, many packets in one system call. Made by gateway/serve, one per core.
// post() and stop() may be called from any thread; everything else belongs to the loop's own thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace sekisho::net {

/// Somebody with work left for the end of a turn.
class TurnEnd {
public:
    virtual void turn_ended() = 0;

protected:
    ~TurnEnd() = default;
};

class Loop {
public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Runs on a thread of its own until stop().
    void start();
    /// Runs on this thread until stop().
    void run();
    void stop();
    /// Waits for the thread of start().
    void join();

    /// Runs `work` on the loop's thread, in a turn of its own.
    void post(std::function<void()> work);

    /// As post(), for work that must not hold up the others: see patiently().
    void post_patiently(std::function<void()> work);

    /// For the sign-in of strangers, of which a thousand may come at once, each with a millisecond of arithmetic: runs `work` now when
    /// nobody else is ready or none such ran just before, and otherwise one piece at a time, each after everybody else who is ready.
    /// Loop thread only.
    void patiently(std::function<void()> work);

    /// Time of this turn: read from the clock once.
    TimePoint now();

    /// Calls `who` once, at the end of this turn, however often it asked. `forget` takes the wish back (in destructors).
    void at_turn_end(TurnEnd& who);
    void forget(TurnEnd& who);

    /// Owns `what` until release(), at the latest until the loop's end: for what nobody else waits for. Loop thread only.
    void keep(std::shared_ptr<void> what) { m_kept.emplace(what.get(), what); }
    void release(const void* what) { m_kept.erase(what); }

    /// Runs `work` as a turn. For the files of net, whose callbacks come from the system.
    template <class Work>
    void turn(Work&& work) {
        begin_turn();
        work();
        end_turn();
        m_in_turn = false;
    }

    /// Read buffer that all streams of the loop share; its contents last until the end of one callback. There is room that may
    /// be overwritten before and behind it.
    static constexpr std::size_t kScratch = 640 * 1024;
    MutableBytes scratch();

    struct State;
    State& state() { return *m_state; }

private:
    void begin_turn() {
        m_now_known = false;
        m_in_turn = true;
    }
    void end_turn();
    bool nobody_waits() const;
    void run_patient(const std::function<void()>& work);
    void next_patient();

    std::unique_ptr<State> m_state;
    std::thread m_thread;
    std::vector<TurnEnd*> m_turn_ends;
    std::unordered_map<const void*, std::shared_ptr<void>> m_kept;
    std::deque<std::function<void()>> m_patient;
    TimePoint m_patient_ended{};
    std::uint64_t m_patient_look = 0;
    TimePoint m_now{};
    bool m_now_known = false;
    bool m_in_turn = false;
    bool m_patient_runs = false;
};

}  // namespace sekisho::net
