#include "gateway/proxy_greeting.h"

#include <utility>

#include "base/log.h"
#include "net/timer.h"

namespace sekisho::gateway {

namespace {

class Greeting final : public net::StreamHandler {
public:
    Greeting(net::Loop& loop, std::unique_ptr<net::Stream> stream, net::Endpoint proxy, ProxyGreeted done)
        : m_loop(loop), m_timer(loop), m_stream(std::move(stream)), m_proxy(std::move(proxy)), m_done(std::move(done)) {}

    void begin() {
        m_timer.after(kProxyHeaderTime, [this] { refuse("it did not come in time"); });
        m_stream->start(*this);
    }

private:
    /// What is not used comes again, in front of the next: to whoever then handles the stream.
    std::size_t stream_read(MutableBytes bytes) override {
        if (m_ended) return bytes.size();
        auto header = net::decode_proxy_header(bytes);
        if (!header) {
            refuse(header.error().full());
            return bytes.size();
        }
        if (!*header) return 0;
        end();
        m_done(std::move(m_stream), std::move((*header)->source));
        return (*header)->size;
    }
    void stream_writable() override {}
    void stream_ended() override { refuse("the connection ended before it"); }
    void stream_broken(const Error& error) override { refuse(error.full()); }
    std::size_t stream_room() override { return net::kMostProxyHeader; }

    void refuse(const std::string& reason) {
        if (m_ended) return;
        log::warn_limited("proxy_header.refused", {{"source", m_proxy.address}, {"reason", reason}});
        end();
        m_done(nullptr, std::nullopt);
    }
    /// Freed in a turn of its own, because the stream or the timer is calling.
    void end() {
        m_ended = true;
        m_timer.cancel();
        m_loop.post([&loop = m_loop, this] { loop.release(this); });
    }

    net::Loop& m_loop;
    net::Timer m_timer;
    std::unique_ptr<net::Stream> m_stream;
    net::Endpoint m_proxy;
    ProxyGreeted m_done;
    bool m_ended = false;
};

}  // namespace

void await_proxy_header(net::Loop& loop, std::unique_ptr<net::Stream> stream, net::Endpoint proxy, ProxyGreeted done) {
    auto greeting = std::make_shared<Greeting>(loop, std::move(stream), std::move(proxy), std::move(done));
    loop.keep(greeting);
    greeting->begin();
}

}  // namespace sekisho::gateway
