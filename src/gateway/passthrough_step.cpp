#include "gateway/passthrough_step.h"

#include "gateway/front_hop.h"

namespace sekisho::gateway {

PassthroughStep::~PassthroughStep() {
    *m_alive = false;
    if (m_target == nullptr) return;
    m_target->asker(nullptr);
    m_target->leave(*this);
}

void PassthroughStep::begin(SignInAsker& asker) {
    m_asker = &asker;
    if (m_target != nullptr) return m_target->ask_again();
    if (m_beginning) return;
    m_beginning = true;
    m_begin_record([this, alive = m_alive] {
        if (*alive) connect();
    });
}

void PassthroughStep::connect() {
    m_beginning = false;
    // What lacks its evidence says so as a session, and the target hears nothing.
    if (!m_front.may_begin_anything()) return m_asker->passed();
    const auto& destination = m_front.destination();
    TargetHop* target = m_front.target_hop(destination.target, destination.login);
    // Removed from the access while the record began: the session will say so.
    if (target == nullptr) return m_asker->passed();
    m_target = target;
    m_target->asker(this);
    m_target->join(*this);
}

void PassthroughStep::answered(std::vector<Secret> answers) {
    if (m_target != nullptr) m_target->answer(std::move(answers));
}

void PassthroughStep::target_ready() { m_asker->passed(); }

void PassthroughStep::target_lost(const std::string& text) {
    m_target = nullptr;
    m_asker->refused("the target ended the sign-in", text);
}

void PassthroughStep::target_asks(Questions questions) { m_asker->ask(std::move(questions)); }

void PassthroughStep::target_refused(const std::string& reason) {
    m_front.record().audit("target.refused", m_target->name(), "refused", reason);
    m_asker->refused(reason, {});
}

void PassthroughStep::target_says(const std::string& banner) { m_front.hop().submit(ssh::SendBanner{banner}); }

}  // namespace sekisho::gateway
