#include "gateway/target_forward.h"

#include "gateway/front_hop.h"
#include "gateway/text.h"

namespace sekisho::gateway {

TargetForward::TargetForward(FrontHop& front, TargetHop& target, ssh::ChannelId channel, Plan plan)
    : m_front(front), m_target(&target), m_channel(channel), m_plan(std::move(plan)) {
    m_plan.facts.target = target.name();
}

TargetForward::~TargetForward() {
    if (m_target == nullptr) return;
    m_target->leave(*this);
    if (m_opening) m_target->hop().unroute(m_target_channel);
}

void TargetForward::target_ready() {
    const auto channel = m_target->hop().new_channel();
    if (!channel) return reject(ssh::OpenFailure::ResourceShortage, channel.error().text);
    m_target_channel = *channel;
    m_opening = true;
    m_target->hop().route(m_target_channel, *this);
    m_target->hop().submit(ssh::OpenChannel{m_target_channel, m_plan.facts.type, std::move(m_plan.payload)});
}

void TargetForward::channel_event(Hop&, ssh::Event& event) {
    if (const auto* opened = std::get_if<ssh::ChannelOpened>(&event)) {
        m_opening = false;
        auto& record = m_front.record();
        const auto number = record.channel_opened(std::move(m_plan.facts), m_plan.on_failure);
        m_relay.emplace(*this, record, number, m_front.hop(), m_channel, true);
        m_relay->begin();
        m_relay->connect(m_target->hop(), m_target_channel);
        m_front.hop().submit(ssh::AcceptChannel{m_channel, base::to_bytes(opened->payload)});
    } else if (const auto* failed = std::get_if<ssh::ChannelOpenFailed>(&event)) {
        m_opening = false;
        // The target's own reason (RFC 4254 §5.1): connect failed, prohibited …
        reject(static_cast<ssh::OpenFailure>(failed->reason), shown(failed->text, 300));
    }
}

void TargetForward::target_lost(const std::string& text) {
    m_opening = false;
    m_target = nullptr;
    if (!m_relay) return reject(ssh::OpenFailure::ConnectFailed, shown(text, 300));
    m_relay->second_gone();
}

void TargetForward::reject(ssh::OpenFailure reason, const std::string& text) {
    if (!m_front_gone) m_front.hop().submit(ssh::RejectChannel{m_channel, reason, text});
    m_front.channel_over(*this);
}

void TargetForward::relay_ended() { m_front.channel_over(*this); }

void TargetForward::front_gone() {
    m_front_gone = true;
    if (m_relay) m_relay->hop_gone(m_front.hop());
}

void TargetForward::credit_released() {
    if (m_relay) m_relay->release_credit();
}

}  // namespace sekisho::gateway
