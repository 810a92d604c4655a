// Order: begin → direct, by a proxy, or through the target before: its hop, then a channel of it → finish.
#include "gateway/route_dial.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/front_hop.h"
#include "gateway/text.h"
#include "model/route.h"
#include "wire/writer.h"

namespace sekisho::gateway {

RouteDial::RouteDial(FrontHop& front, std::vector<std::string> route, std::vector<std::string> behind, std::string host,
    std::uint16_t port, Done done)
    : m_front(front), m_route(std::move(route)), m_behind(std::move(behind)), m_host(std::move(host)), m_port(port),
      m_done(std::move(done)), m_timer(front.loop()) {
    // An address is dialled at once: whoever waits has waited for a turn of its own already.
    if (m_route.empty()) {
        begin();
        return;
    }
    m_front.loop().post([this, alive = m_alive] {
        if (*alive) begin();
    });
}

RouteDial::~RouteDial() {
    *m_alive = false;
    if (m_relay == nullptr) return;
    m_relay->leave(*this);
    if (m_opening) m_relay->hop().unroute(m_channel);
}

void RouteDial::begin() {
    const auto timeout = m_front.config().target.connect_timeout;
    const auto taker = [this](Result<net::Dialed> result) { dialed(std::move(result)); };
    if (m_route.empty()) {
        m_dial = m_front.services().dialer.dial(m_front.loop(), m_host, m_port, timeout, taker);
        return;
    }
    const auto hop = model::RouteHop::parse(m_route.back());
    if (!hop) return finish(std::unexpected(hop.error()));
    std::vector<std::string> before(m_route.begin(), m_route.end() - 1);
    if (hop->proxy.empty()) return through(hop->target, hop->login, std::move(before));
    if (!before.empty()) return finish(fail("a proxy can only be the first hop of a route"));
    m_dial = m_front.services().dialer.dial_by_proxy(m_front.loop(), hop->proxy, m_host, m_port, timeout, taker);
}

void RouteDial::dialed(Result<net::Dialed> dialed) {
    if (!dialed) return finish(std::unexpected(dialed.error()));
    finish(net::make_socket_stream(m_front.loop(), dialed->fd));
}

// --- through the target before ---

/// A hop with nothing in front of it in this route goes its own way, if it has one.
void RouteDial::through(const std::string& target, const std::string& login, std::vector<std::string> before) {
    if (std::ranges::find(m_behind, target) != m_behind.end())
        return finish(fail(fmt::format("the route leads to {} again; an administrator corrects it", target)));
    if (m_behind.size() >= kMostRouteHops)
        return finish(fail(fmt::format("the route has more than {} hops; an administrator corrects it", kMostRouteHops)));
    const auto snapshot = m_front.services().access.load();
    const model::Target* found = snapshot->access.target(target);
    if (found == nullptr) return finish(fail(fmt::format("{} on the way to it is not registered any more", target)));
    const std::string as = login.empty() ? m_front.default_login(snapshot->access, target) : login;
    if (as.empty()) return finish(fail(fmt::format("{} on the way to it has no login of yours", target)));
    m_relay = m_front.target_hop(*found, as, before.empty() ? model::way_to(snapshot->access, *found) : before, m_behind);
    m_relay->join(*this);
}

void RouteDial::target_ready() {
    const auto channel = m_relay->hop().new_channel();
    if (!channel) return finish(std::unexpected(channel.error()));
    m_channel = *channel;
    m_opening = true;
    m_relay->hop().route(m_channel, *this);
    // RFC 4254 §7.2; the originator is the gateway itself, and nobody's business.
    Bytes payload = wire::Writer().string(m_host).u32(m_port).string("127.0.0.1").u32(0).take();
    m_relay->hop().submit(ssh::OpenChannel{m_channel, "direct-tcpip", std::move(payload)});
    m_timer.after(m_front.config().target.connect_timeout, [this] {
        finish(fail(fmt::format("no answer from {} within the time allowed", net::Endpoint{m_host, m_port}.text())));
    });
}

void RouteDial::channel_event(Hop& hop, ssh::Event& event) {
    if (std::holds_alternative<ssh::ChannelOpened>(event)) {
        m_opening = false;
        finish(ChannelPipe::make(hop, m_channel, net::Endpoint{m_host, m_port}, {})->stream());
    } else if (const auto* failed = std::get_if<ssh::ChannelOpenFailed>(&event)) {
        m_opening = false;
        finish(fail(fmt::format("{} does not connect to it: {}", m_relay->target().name, shown(failed->text, 300))));
    }
}

void RouteDial::target_lost(const std::string& text) {
    m_opening = false;
    m_relay = nullptr;
    finish(fail(shown(text, 300)));
}

void RouteDial::finish(Result<std::unique_ptr<net::Stream>> stream) {
    m_timer.cancel();
    if (m_relay != nullptr) {
        m_relay->leave(*this);
        if (std::exchange(m_opening, false)) m_relay->hop().unroute(m_channel);
        m_relay = nullptr;
    }
    // The owner may let go of this inside the call.
    if (const auto done = std::exchange(m_done, nullptr)) done(std::move(stream));
}

}  // namespace sekisho::gateway
