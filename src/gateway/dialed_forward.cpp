#include "gateway/dialed_forward.h"

#include <fmt/format.h>

#include "base/network.h"
#include "gateway/front_hop.h"
#include "gateway/text.h"
#include "model/forward.h"

namespace sekisho::gateway {

DialedForward::DialedForward(FrontHop& owner, ssh::ChannelId channel, Plan plan)
    : SocketForward(owner, channel), m_plan(std::move(plan)), m_destination(m_plan.place.text()) {
    if (m_plan.via.empty()) {
        dial();
        return;
    }
    // Whoever dials at the end of the route resolves the name, with its own resolver: there is no address to judge here.
    m_route = std::make_unique<RouteDial>(owner, m_plan.via, std::vector<std::string>(), m_plan.place.address,
        m_plan.place.port, [this](Result<std::unique_ptr<net::Stream>> stream) { reached(std::move(stream)); });
}

void DialedForward::dial() {
    const std::string& host = m_plan.place.address;
    net::Judge judge_name;
    if (!base::Address::parse(host)) judge_name = [this, host](const net::Endpoint& place) { return judge(host, place); };
    m_dial = front().services().dialer.dial(
        front().loop(), host, m_plan.place.port, front().config().target.connect_timeout,
        [this](Result<net::Dialed> result) {
            if (!result) return reached(std::unexpected(result.error()));
            reached(net::make_socket_stream(front().loop(), result->fd));
        },
        std::move(judge_name));
}

/// A name was permitted as a name. Whoever answers for it in the DNS chooses its addresses, so it does not lead to the gateway itself
/// or to what only the gateway reaches, unless the user may go to that very address as well.
Result<void> DialedForward::judge(const std::string& name, const net::Endpoint& place) {
    const auto address = base::Address::parse(place.address);
    const std::string_view kind = address ? model::kind_of_own_address(*address) : "unreadable";
    if (kind.empty()) return {};
    policy::Request request;
    request.capability = model::Capability::LocalForward;
    request.forward_host = place.address;
    request.forward_port = place.port;
    if (front().decide(request).allowed && front().grant().permits_open(place.address, place.port)) return {};
    m_forbidden = true;
    return fail(fmt::format("{} is {} here, a {} address; a rule must name that address itself", name, place.address, kind));
}

void DialedForward::reached(Result<std::unique_ptr<net::Stream>> stream) {
    using enum ssh::OpenFailure;
    if (!stream) return reject(m_forbidden ? AdministrativelyProhibited : ConnectFailed, stream.error());
    recording::ChannelFacts facts;
    facts.type = "direct-tcpip";
    facts.destination = m_destination;
    facts.level = m_plan.level;
    facts.contents = m_plan.contents;
    connected(std::move(*stream), std::move(facts), m_plan.on_failure);
    front().hop().route(channel(), *this);
    // Accepted before the first read: what the destination says first follows the confirmation.
    front().hop().submit(ssh::AcceptChannel{channel(), {}});
    this->stream().start(*this);
}

void DialedForward::reject(ssh::OpenFailure reason, const Error& error) {
    if (m_forbidden) {
        front().record().audit("access.refused", m_destination, "refused", error.text);
    } else {
        front().record().audit("channel.open", m_destination, "failed", error.full());
    }
    front().hop().submit(ssh::RejectChannel{channel(), reason, shown(error.text, 300)});
    front().channel_over(*this);
}

void DialedForward::front_gone() {
    m_dial.reset();
    m_route.reset();
    SocketForward::front_gone();
}

}  // namespace sekisho::gateway
