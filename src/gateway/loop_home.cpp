#include "gateway/loop_home.h"

#include <algorithm>
#include <vector>

#include "gateway/farewell.h"
#include "gateway/proxy_greeting.h"

namespace sekisho::gateway {

void LoopHome::adopt(int fd, net::Endpoint peer, Stranger stranger) {
    ++m_connections;
    // What is posted can be copied, a Stranger cannot.
    m_loop.post_patiently([this, fd, peer = std::move(peer), stranger = std::make_shared<Stranger>(std::move(stranger))] {
        begin(net::make_socket_stream(m_loop, fd), peer, std::move(*stranger));
    });
}

void LoopHome::begin(std::unique_ptr<net::Stream> stream, const net::Endpoint& peer, Stranger stranger) {
    auto hop = std::make_shared<FrontHop>(*this, std::move(stream), peer, std::move(stranger));
    m_hops.insert(hop);
    hop->start();
}

void LoopHome::adopt_proxied(int fd, net::Endpoint proxy) {
    ++m_connections;
    m_loop.post_patiently([this, fd, proxy = std::move(proxy)] {
        await_proxy_header(m_loop, net::make_socket_stream(m_loop, fd), proxy,
            [this, proxy](std::unique_ptr<net::Stream> stream, const std::optional<net::Endpoint>& source) {
                greeted(std::move(stream), proxy, source);
            });
    });
}

/// A proxy that speaks for itself (a health check) earns no penalty.
void LoopHome::greeted(
    std::unique_ptr<net::Stream> stream, const net::Endpoint& proxy, const std::optional<net::Endpoint>& source) {
    if (stream && !source) return begin(std::move(stream), proxy, {});
    if (stream) {
        auto admitted = m_services.doorkeeper.admit(*source, m_loop.now());
        if (auto* stranger = std::get_if<Stranger>(&admitted))
            return begin(std::move(stream), *source, std::move(*stranger));
        const auto why = std::get<TurnedAway>(admitted);
        note_turned_away(*source, why);
        (void)stream->send(farewell_words(why));
    }
    --m_connections;
}

/// In a turn of its own: the outer connection is in the middle of an event.
void LoopHome::adopt_inside(std::unique_ptr<net::Stream> stream, net::Endpoint peer, Inside inside) {
    ++m_connections;
    auto hop = std::make_shared<FrontHop>(*this, std::move(stream), std::move(peer), Stranger(), std::move(inside));
    m_hops.insert(hop);
    m_loop.post([hop] { hop->start(); });
}

void LoopHome::leave(std::shared_ptr<FrontHop> hop) {
    m_loop.post([this, hop = std::move(hop)] {
        m_hops.erase(hop);
        --m_connections;
    });
}

void LoopHome::say_goodbye(const std::string& text) {
    m_loop.post([this, text] {
        const std::vector<std::shared_ptr<FrontHop>> hops(m_hops.begin(), m_hops.end());
        for (const auto& hop : hops) hop->end(text);
    });
}

}  // namespace sekisho::gateway
