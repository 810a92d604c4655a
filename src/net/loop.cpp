#include "net/loop.h"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "net/asio.h"

namespace sekisho::net {

namespace {
constexpr std::size_t kMargin = 64;  // before and behind the scratch buffer, for packet headers and tags
}

Loop::Loop() : m_state(std::make_unique<State>()) { m_state->pacer = std::make_unique<Pacer>(*this, m_state->context); }

Loop::~Loop() {
    stop();
    join();
}

void Loop::start() {
    m_thread = std::thread([this] { run(); });
}

void Loop::run() { m_state->context.run(); }

void Loop::stop() { m_state->context.stop(); }

void Loop::join() {
    if (m_thread.joinable()) m_thread.join();
}

void Loop::post(std::function<void()> work) {
    boost::asio::post(m_state->context, [this, work = std::move(work)] { turn(work); });
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
