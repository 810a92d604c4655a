#include "gateway/loop_home.h"

#include <algorithm>
#include <vector>

namespace sekisho::gateway {

void LoopHome::adopt(int fd, net::Endpoint peer) {
    ++m_connections;
    m_loop.post_patiently([this, fd, peer = std::move(peer)] {
        auto hop = std::make_shared<FrontHop>(*this, net::make_socket_stream(m_loop, fd), peer);
        m_hops.insert(hop);
        hop->start();
    });
}

/// In a turn of its own: the outer connection is in the middle of an event.
void LoopHome::adopt_inside(std::unique_ptr<net::Stream> stream, net::Endpoint peer, Inside inside) {
    ++m_connections;
    auto hop = std::make_shared<FrontHop>(*this, std::move(stream), std::move(peer), std::move(inside));
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
