#include "gateway/linger.h"

#include <utility>

#include "net/timer.h"

namespace sekisho::gateway {

namespace {

constexpr std::chrono::seconds kMost{3};

class Linger final : public net::StreamHandler {
public:
    Linger(net::Loop& loop, std::unique_ptr<net::Stream> stream, BytesView unsent)
        : m_loop(loop), m_timer(loop), m_stream(std::move(stream)), m_unsent(unsent.begin(), unsent.end()) {}

    void begin() {
        m_timer.after(kMost, [this] { end(); });
        m_stream->resume();
        m_stream->start(*this);
        stream_writable();
    }

private:
    std::size_t stream_read(MutableBytes bytes) override { return bytes.size(); }
    void stream_writable() override {
        const auto sent = m_stream->send(m_unsent);
        if (!sent) return end();
        m_unsent.erase(m_unsent.begin(), m_unsent.begin() + static_cast<std::ptrdiff_t>(*sent));
        if (!m_unsent.empty()) return;
        m_stream->end_sending();
        if (m_peer_ended) end();
    }
    void stream_ended() override {
        m_peer_ended = true;
        if (m_unsent.empty()) end();
    }
    void stream_broken(const Error&) override { end(); }
    /// In a turn of its own, because the stream or the timer is calling.
    void end() {
        if (std::exchange(m_ended, true)) return;
        m_loop.post([&loop = m_loop, this] { loop.release(this); });
    }

    net::Loop& m_loop;
    net::Timer m_timer;
    std::unique_ptr<net::Stream> m_stream;
    Bytes m_unsent;
    bool m_peer_ended = false;
    bool m_ended = false;
};

}  // namespace

void linger(net::Loop& loop, std::unique_ptr<net::Stream> stream, BytesView unsent) {
    auto lingering = std::make_shared<Linger>(loop, std::move(stream), unsent);
    loop.keep(lingering);
    lingering->begin();
}

}  // namespace sekisho::gateway
