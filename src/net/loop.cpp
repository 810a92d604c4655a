#include "net/loop.h"

#include <algorithm>
#include <utility>

#include "base/thread_name.h"
#include "net/loop_state.h"

namespace sekisho::net {

namespace {
constexpr std::size_t kMargin = 64;  // before and behind the scratch buffer, for packet headers and tags
constexpr std::chrono::microseconds kBetweenPatient{500};
}

Loop::Loop() : m_state(std::make_unique<State>(*this)) {}

Loop::~Loop() {
    stop();
    join();
    // While everything that they may still call is there.
    (void)std::exchange(m_patient, {});
    (void)std::exchange(m_kept, {});
    m_state->reactor.drop();
}

void Loop::start() {
    m_thread = std::thread([this] {
        base::name_this_thread("loop");
        run();
    });
}

void Loop::run() { m_state->reactor.run(); }

void Loop::stop() { m_state->reactor.stop(); }

void Loop::join() {
    if (m_thread.joinable()) m_thread.join();
}

void Loop::post(std::function<void()> work) {
    m_state->reactor.post([this, work = std::move(work)] { turn(work); });
}

void Loop::post_patiently(std::function<void()> work) {
    m_state->reactor.post([this, work = std::move(work)]() mutable { patiently(std::move(work)); });
}

void Loop::patiently(std::function<void()> work) {
    if (m_patient.empty() && !m_patient_runs && nobody_waits()) return run_patient(work);
    m_patient.push_back(std::move(work));
    if (m_patient.size() == 1) next_patient();
}

/// One piece for each look at who is ready; where it found others as well, they come first unless there was a rest.
bool Loop::nobody_waits() const {
    const Reactor& reactor = m_state->reactor;
    if (reactor.alone() && reactor.looks() != m_patient_look) return true;
    return std::chrono::steady_clock::now() - m_patient_ended >= kBetweenPatient;
}

/// Behind what is ready now.
void Loop::next_patient() {
    m_state->reactor.again([this] {
        const std::function<void()> work = std::move(m_patient.front());
        run_patient(work);
        m_patient.pop_front();
        if (!m_patient.empty()) next_patient();
    });
}

void Loop::run_patient(const std::function<void()>& work) {
    m_patient_runs = true;
    m_in_turn ? work() : turn(work);
    m_patient_runs = false;
    m_patient_ended = std::chrono::steady_clock::now();
    m_patient_look = m_state->reactor.looks();
}

TimePoint Loop::now() {
    if (!m_now_known) {
        m_now = std::chrono::steady_clock::now();
        m_now_known = true;
    }
    return m_now;
}

void Loop::at_turn_end(TurnEnd& who) {
    if (std::ranges::find(m_turn_ends, &who) == m_turn_ends.end()) m_turn_ends.push_back(&who);
}

void Loop::forget(TurnEnd& who) { std::erase(m_turn_ends, &who); }

void Loop::end_turn() {
    // One hop's end of turn may make another dirty (a window opened), so the list is worked off rather than iterated.
    while (!m_turn_ends.empty()) {
        TurnEnd* who = m_turn_ends.back();
        m_turn_ends.pop_back();
        who->turn_ended();
    }
}

MutableBytes Loop::scratch() {
    auto& buffer = m_state->scratch;
    if (buffer.empty()) buffer.resize(kMargin + kScratch + kMargin);
    return MutableBytes(buffer).subspan(kMargin, kScratch);
}

}  // namespace sekisho::net
