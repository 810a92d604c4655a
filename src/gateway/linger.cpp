#include "gateway/linger.h"

#include "net/timer.h"

namespace sekisho::gateway {

namespace {

constexpr std::chrono::seconds kMost{3};

class Linger final : public net::StreamHandler, public std::enable_shared_from_this<Linger> {
public:
    Linger(net::Loop& loop, std::unique_ptr<net::Stream> stream, BytesView unsent)
        : m_loop(loop), m_timer(loop), m_stream(std::move(stream)), m_unsent(unsent.begin(), unsent.end()) {}

    void begin() {
        // The timer keeps this object alive.
        m_timer.after(kMost, [self = shared_from_this()] { self->m_stream.reset(); });
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
        if (m_unsent.empty()) m_stream->end_sending();
    }
    void stream_ended() override { end(); }
    void stream_broken(const Error&) override { end(); }
    void end() {
        m_loop.post([self = shared_from_this()] {
            self->m_stream.reset();
            self->m_timer.cancel();
        });
    }

    net::Loop& m_loop;
    net::Timer m_timer;
    std::unique_ptr<net::Stream> m_stream;
    Bytes m_unsent;
};

}  // namespace

void linger(net::Loop& loop, std::unique_ptr<net::Stream> stream, BytesView unsent) {
    std::make_shared<Linger>(loop, std::move(stream), unsent)->begin();
}

}  // namespace sekisho::gateway
