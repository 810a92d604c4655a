// Order: may it → listen → connections → the end of a port.
#include "gateway/gateway_ports.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/network.h"
#include "gateway/accepted_forward.h"
#include "gateway/front_hop.h"
#include "gateway/text.h"
#include "wire/limits.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

constexpr std::chrono::seconds kJudgeAgain{1};
constexpr const char* kEveryV4 = "0.0.0.0";
constexpr const char* kEveryV6 = "::";
constexpr std::string_view kOrATarget = "; a target listens where LOGIN@TARGET stands in front of the gateway's name";

std::string place_text(const std::string& host, std::uint16_t port) {
    return shown(net::Endpoint{host.empty() ? "*" : host, port}.text(), 300);
}

/// RFC 4254 §7.1: "" is every address, localhost is loopback, each of both families.
bool is_every_address(const std::string& host) { return host.empty() || host == "*"; }

}  // namespace

std::string GatewayPorts::Port::text() const { return place_text(host, port); }

GatewayPorts::GatewayPorts(FrontHop& front) : m_front(front), m_timer(front.loop()) {}
GatewayPorts::~GatewayPorts() = default;

// --- may it ---

/// `connects_from` empty: may it be listened there at all?
Result<policy::Decision> GatewayPorts::judged(
    const std::string& host, std::uint16_t port, const std::string& connects_from) const {
    policy::Request request;
    request.capability = model::Capability::RemoteForward;
    request.forward_host = host;
    request.forward_port = port;
    if (!connects_from.empty()) request.connects_from = connects_from;
    auto decision = m_front.decide(std::move(request));
    if (!decision.allowed) return fail(decision.reason);
    if (auto by_key = m_front.grant().permits_listen(host, port); !by_key) return std::unexpected(by_key.error());
    return decision;
}

Result<policy::Decision> GatewayPorts::permitted(const std::string& host, std::uint16_t port) const {
    auto decision = judged(host, port, {});
    if (!decision) decision.error().text += kOrATarget;
    return decision;
}

// --- listen ---

Result<std::uint16_t> GatewayPorts::listen(const std::string& host, std::uint16_t number, const std::string& why) {
    if (m_ports.size() >= wire::limits::kGatewayPorts) return fail("too many ports of the gateway for this connection");
    auto port = std::make_unique<Port>(Port{host, number, {}, std::make_shared<const int>()});
    const auto address = base::Address::parse(host);
    const std::string first = is_every_address(host) ? kEveryV4 : address ? address->text() : "127.0.0.1";
    if (auto opened = open(*port, host, first); !opened) return std::unexpected(opened.error());
    // IPv6 as well, where there is any; every address of it where a rule names that.
    if (is_every_address(host) && judged(kEveryV6, port->port, {})) (void)open(*port, kEveryV6, kEveryV6);
    if (!is_every_address(host) && !address) (void)open(*port, host, "::1");

    std::vector<std::string> where;
    for (const Socket& socket : port->sockets) where.push_back(socket.listener->local().text());
    m_front.record().audit("forward.listen", port->text(), "ok", fmt::format("{}, at the gateway's {}", why, fmt::join(where, " and ")));
    const std::uint16_t chosen = port->port;
    m_ports.push_back(std::move(port));
    judge_later();
    return chosen;
}

Result<void> GatewayPorts::open(Port& port, const std::string& host, const std::string& address) {
    auto listener = net::Listener::open(m_front.loop(), address, port.port);
    if (!listener) return std::unexpected(listener.error());
    port.port = (*listener)->local().port;
    (*listener)->start([this, &port, host](int fd, const net::Endpoint& peer) { accepted(port, host, fd, peer); });
    port.sockets.push_back({host, std::move(*listener)});
    return {};
}

// --- connections ---

/// `host`: of the socket, as rules are asked about it.
void GatewayPorts::accepted(Port& port, const std::string& host, int fd, const net::Endpoint& peer) {
    auto stream = net::make_socket_stream(m_front.loop(), fd);  // closes it, whatever happens below
    const std::string place = port.text();
    const auto decision = judged(host, port.port, peer.address);
    if (!decision) return turn_away(place, peer, decision.error().text);
    // The port itself holds the count, too.
    if (static_cast<std::size_t>(port.connections.use_count()) > wire::limits::kPortConnections)
        return turn_away(place, peer, "too many connections at this port");
    if (!m_front.has_room()) return turn_away(place, peer, "too many channels on the client's connection");
    if (const auto begun = m_front.may_begin(*decision); !begun) return turn_away(place, peer, begun.error().text);
    const auto channel = m_front.hop().new_channel();
    if (!channel) return turn_away(place, peer, channel.error().text);

    m_front.record().audit("channel.open", place, "ok",
        fmt::format("{} by rule \"{}\", from {}", model::name(model::Capability::RemoteForward), decision->rule, peer.text()));
    AcceptedForward::Plan plan;
    plan.on_failure = m_front.on_failure(*decision);
    plan.place = port.connections;
    plan.facts.type = "forwarded-tcpip";
    plan.facts.destination = fmt::format("{} from {}", place, peer.text());
    plan.facts.level = decision->record;
    plan.facts.contents = decision->record_contents;
    plan.payload = wire::Writer().string(port.host).u32(port.port).string(peer.address).u32(peer.port).take();
    m_front.add(std::make_unique<AcceptedForward>(m_front, *channel, std::move(stream), std::move(plan)));
}

/// Whoever is near the port can cause these: the audit takes so many a second.
void GatewayPorts::turn_away(const std::string& place, const net::Endpoint& peer, const std::string& why) {
    auto& refusals = m_front.services().refusals;
    if (!refusals.permit(std::chrono::steady_clock::now())) return;
    m_front.record().audit(
        "access.refused", place, "refused", fmt::format("connection from {}: {}{}", peer.text(), why, refusals.left_out()));
}

// --- the end of a port ---

bool GatewayPorts::cancel(const std::string& host, std::uint16_t port) {
    const auto found = std::ranges::find_if(m_ports, [&](const auto& one) { return one->host == host && one->port == port; });
    if (found == m_ports.end()) return false;
    ended(**found, "the client took it back");
    m_ports.erase(found);
    return true;
}

void GatewayPorts::stop(const std::string& why) {
    m_timer.cancel();
    for (const auto& port : m_ports) ended(*port, why);
    m_ports.clear();
}

void GatewayPorts::ended(const Port& port, const std::string& why) {
    m_front.record().audit("forward.end", port.text(), "ok", why);
}

/// Rules change, and their hours pass. Connections that are there stay.
void GatewayPorts::judge_again() {
    std::erase_if(m_ports, [this](const auto& port) {
        std::string why;
        std::erase_if(port->sockets, [&](const Socket& socket) {
            const auto decision = judged(socket.host, port->port, {});
            if (!decision) why = decision.error().text;
            return !decision;
        });
        if (!port->sockets.empty()) return false;
        ended(*port, why);
        m_front.hop().submit(ssh::SendDebug{shown(fmt::format("{}: {}", port->text(), why), 1000)});
        return true;
    });
    if (!m_ports.empty()) judge_later();
}

void GatewayPorts::judge_later() { m_timer.after(kJudgeAgain, [this] { judge_again(); }); }

}  // namespace sekisho::gateway
