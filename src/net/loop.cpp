#include "net/loop.h"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "base/thread_name.h"
#include "net/asio.h"

namespace sekisho::net {

namespace {
constexpr std::size_t kMargin = 64;  // before and behind the scratch buffer, for packet headers and tags
constexpr std::chrono::microseconds kBetweenPatient{500};
}

Loop::Loop() : m_state(std::make_unique<State>()) { m_state->pacer = std::make_unique<Pacer>(*this, m_state->context); }

Loop::~Loop() {
    stop();
    join();
}

void Loop::start() {
    m_thread = std::thread([this] {
        base::name_this_thread("loop");
        run();
    });
}

void Loop::run() { m_state->context.run(); }

void Loop::stop() { m_state->context.stop(); }

void Loop::join() {
    if (m_thread.joinable()) m_thread.join();
}

void Loop::post(std::function<void()> work) {
    boost::asio::post(m_state->context, [this, work = std::move(work)] { turn(work); });
}

void Loop::post_patiently(std::function<void()> work) {
    boost::asio::post(m_state->context, [this, work = std::move(work)]() mutable { patiently(std::move(work)); });
}

void Loop::patiently(std::function<void()> work) {
    const bool lately = m_patient_runs || std::chrono::steady_clock::now() - m_patient_ended < kBetweenPatient;
    if (m_patient.empty() && !lately) return run_patient(work);
    m_patient.push_back(std::move(work));
    if (m_patient.size() == 1) next_patient();
}

/// Behind what is ready now: Asio looks for new events of the sockets before it comes here.
void Loop::next_patient() {
    boost::asio::post(m_state->context, [this] {
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
