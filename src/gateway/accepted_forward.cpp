#include "gateway/accepted_forward.h"

#include "gateway/front_hop.h"
#include "gateway/text.h"

namespace sekisho::gateway {

AcceptedForward::AcceptedForward(FrontHop& owner, ssh::ChannelId channel, std::unique_ptr<net::Stream> stream, Plan plan)
    : SocketForward(owner, channel), m_accepted(std::move(stream)), m_plan(std::move(plan)) {
    owner.hop().route(channel, *this);
    owner.hop().submit(ssh::OpenChannel{channel, m_plan.facts.type, std::move(m_plan.payload)});
}

AcceptedForward::~AcceptedForward() {
    if (m_opening) front().hop().unroute(channel());
}

void AcceptedForward::channel_event(Hop& hop, ssh::Event& event) {
    if (std::holds_alternative<ssh::ChannelOpened>(event)) {
        m_opening = false;
        connected(std::move(m_accepted), std::move(m_plan.facts), m_plan.on_failure);
        stream().start(*this);
    } else if (const auto* refused = std::get_if<ssh::ChannelOpenFailed>(&event)) {
        m_opening = false;
        front().record().audit("channel.open", m_plan.facts.destination, "failed", "the client refused it: " + shown(refused->text, 300));
        m_accepted.reset();
        front().channel_over(*this);
    } else {
        SocketForward::channel_event(hop, event);
    }
}

}  // namespace sekisho::gateway
