#include "gateway/inward_channel.h"

#include "gateway/target_hop.h"

namespace sekisho::gateway {

InwardChannel::InwardChannel(
    TargetHop& owner, SessionRecord& record, Hop& target, ssh::ChannelId asked, Hop& front, Plan plan)
    : m_owner(owner), m_record(record), m_target(target), m_front(front), m_asked(asked), m_plan(std::move(plan)) {
    const auto channel = front.new_channel();
    if (!channel) {
        target.submit(ssh::RejectChannel{asked, ssh::OpenFailure::ResourceShortage, channel.error().text});
        relay_ended();
        return;
    }
    m_channel = *channel;
    m_opening = true;
    front.route(m_channel, *this);
    front.submit(ssh::OpenChannel{m_channel, m_plan.type, std::move(m_plan.payload)});
}

InwardChannel::~InwardChannel() {
    if (m_opening) m_front.unroute(m_channel);
}

void InwardChannel::channel_event(Hop&, ssh::Event& event) {
    if (const auto* opened = std::get_if<ssh::ChannelOpened>(&event)) {
        m_opening = false;
        const auto number = m_record.channel_opened(std::move(m_plan.facts), m_plan.on_failure);
        m_relay.emplace(*this, m_record, number, m_target, m_asked, false);
        m_relay->begin();
        m_relay->connect(m_front, m_channel);
        m_target.submit(ssh::AcceptChannel{m_asked, base::to_bytes(opened->payload)});
    } else if (const auto* refused = std::get_if<ssh::ChannelOpenFailed>(&event)) {
        m_opening = false;
        m_target.submit(ssh::RejectChannel{m_asked, ssh::OpenFailure::ConnectFailed, refused->text});
        relay_ended();
    }
}

void InwardChannel::end() {
    if (m_relay) return m_relay.reset();  // its end closes both channels
    if (!m_opening) return;
    m_opening = false;
    m_front.unroute(m_channel);  // an answer that still comes is closed by the hop
    m_target.submit(ssh::RejectChannel{m_asked, ssh::OpenFailure::AdministrativelyProhibited, "the session is over"});
}

void InwardChannel::hop_gone(Hop& hop) {
    if (m_relay) return m_relay->hop_gone(hop);
    if (&hop == &m_front) m_opening = false;
    if (&hop == &m_target) end();
}

void InwardChannel::release_credit() {
    if (m_relay) m_relay->release_credit();
}

void InwardChannel::relay_ended() { m_owner.inward_ended(*this); }

}  // namespace sekisho::gateway
