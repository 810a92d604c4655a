// LoopHome: one event loop with what lives on it: the ticker, the link to the keyholder and the front hops. Made by
// gateway/serve, one for each core.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <unordered_set>

#include "gateway/front_hop.h"
#include "gateway/hop_ticker.h"
#include "gateway/host_certificates.h"
#include "gateway/key_link.h"
#include "net/loop.h"

namespace sekisho::gateway {

class LoopHome {
public:
    explicit LoopHome(Services& services)
        : m_services(services), m_ticker(m_loop), m_keys(m_loop, services.store), m_host_certificates(m_loop, m_keys, services) {}

    net::Loop& loop() { return m_loop; }
    HopTicker& ticker() { return m_ticker; }
    Services& services() { return m_services; }
    KeyLink& keys() { return m_keys; }
    HostCertificates& host_certificates() { return m_host_certificates; }

    /// Any thread: connections that were adopted and have not left.
    std::size_t connections() const { return m_connections.load(std::memory_order_relaxed); }
    /// Any thread: a connection begins its life here.
    void adopt(int fd, net::Endpoint peer, Stranger stranger = {});
    /// Any thread: a connection from a load balancer, which says first for whom it is; the doorkeeper hears of it then.
    void adopt_proxied(int fd, net::Endpoint proxy);
    /// Loop thread: the same for one inside a channel of another.
    void adopt_inside(std::unique_ptr<net::Stream> stream, net::Endpoint peer, Inside inside);
    /// Loop thread: the front hop is over; it is freed in a later turn.
    void leave(std::shared_ptr<FrontHop> hop);
    /// Any thread: every session is told `text` and ends.
    void say_goodbye(const std::string& text);

private:
    void begin(std::unique_ptr<net::Stream> stream, const net::Endpoint& peer, Stranger stranger);
    void greeted(
        std::unique_ptr<net::Stream> stream, const net::Endpoint& proxy, const std::optional<net::Endpoint>& source);

    Services& m_services;
    net::Loop m_loop;
    HopTicker m_ticker;
    KeyLink m_keys;
    HostCertificates m_host_certificates;
    std::unordered_set<std::shared_ptr<FrontHop>> m_hops;
    std::atomic<std::size_t> m_connections{0};
};

}  // namespace sekisho::gateway
