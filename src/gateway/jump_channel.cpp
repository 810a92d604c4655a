#include "gateway/jump_channel.h"

#include <utility>

#include "gateway/front_hop.h"
#include "gateway/loop_home.h"
#include "gateway/text.h"
#include "model/forward.h"
#include "policy/decide.h"

namespace sekisho::gateway {

JumpChannel::JumpChannel(FrontHop& front, ssh::ChannelId channel, Plan plan)
    : m_front(front), m_channel(channel), m_plan(std::move(plan)) {
    m_front.home().host_certificates().present(m_plan.name, [this, alive = m_alive](Result<std::vector<PresentedKey>> host_keys) {
        if (*alive && !m_front_gone) begin(std::move(host_keys));
    });
}

JumpChannel::~JumpChannel() {
    *m_alive = false;
    if (m_pipe) m_pipe->unwatch();
    if (m_number) m_front.record().channel_closed(*m_number);
}

void JumpChannel::begin(Result<std::vector<PresentedKey>> host_keys) {
    auto& record = m_front.record();
    if (!host_keys) {
        record.audit("channel.open", m_plan.where, "failed", host_keys.error().full());
        m_front.hop().submit(
            ssh::RejectChannel{m_channel, ssh::OpenFailure::ResourceShortage, shown(host_keys.error().text, 300)});
        return m_front.channel_over(*this);
    }
    recording::ChannelFacts facts;
    facts.type = "direct-tcpip";
    facts.destination = m_plan.where;
    facts.target = m_plan.target;
    facts.level = model::RecordLevel::Metadata;  // what is said inside has a recording of its own
    const auto number = record.channel_opened(std::move(facts), model::OnFailure::Alarm);
    m_number = number;
    ChannelPipe::Watch watch;
    watch.tap = [this, number](bool from_client, BytesView bytes) {
        m_front.record().data(number, from_client ? recording::Stream::Input : recording::Stream::Output, bytes);
    };
    watch.ended = [this] { over(); };
    m_front.hop().submit(ssh::AcceptChannel{m_channel, {}});
    m_pipe = ChannelPipe::make(m_front.hop(), m_channel, m_front.peer(), std::move(watch));
    m_front.home().adopt_inside(
        m_pipe->stream(), m_front.peer(), Inside{m_front.shared_grant(), m_plan.target, std::move(*host_keys)});
}

void JumpChannel::over() {
    m_pipe.reset();
    if (!m_front_gone) m_front.channel_over(*this);
}

void JumpChannel::front_gone() { m_front_gone = true; }

std::optional<JumpChannel::Plan> jump_to(FrontHop& front, const std::string& host, std::uint16_t port) {
    const auto named = model::ForwardHost::parse(host);
    if (!named) return std::nullopt;
    const auto snapshot = front.services().access.load();
    const model::Target* target = policy::target_at(snapshot->access, named->name, port);
    if (target == nullptr || !front.permits_session(snapshot->access, *target)) return std::nullopt;
    return JumpChannel::Plan{target->name, named->name, shown(net::Endpoint{named->name, port}.text(), 300)};
}

}  // namespace sekisho::gateway
