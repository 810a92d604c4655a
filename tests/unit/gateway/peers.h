// The two ends of a gateway under test, in the same process: a client and a server made of the gateway's own Hop and Engine,
// on loops of their own, over loopback sockets. For the runtime tests (also under TSan).
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "gateway/hop.h"
#include "gateway/services.h"
#include "keyholder/descriptors.h"
#include "keyholder/serve.h"
#include "keys/certificate.h"
#include "net/listener.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::gateway::test {

inline Bytes string_payload(std::string_view text) { return wire::Writer().string(text).take(); }

/// Runs `work` on the loop and waits for it.
template <class Work>
void on(net::Loop& loop, Work work) {
    std::promise<void> done;
    loop.post([&] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

/// A target: signs in whoever has a certificate, and runs five commands: "echo" sends back its input, "fail" writes to stderr and
/// exits with 7, "zeros N" sends N bytes, "drop" breaks the connection, "open N TYPE" opens N channels towards the client and says
/// how many it got and how many were refused. Listens wherever it is asked to.
class FakeTarget {
public:
    FakeTarget() : m_ticker(m_loop), m_key(keys::PrivateKey::generate(keys::KeyKind::Ed25519)) {
        auto listener = net::Listener::open(m_loop, "127.0.0.1", 0);
        m_listener = std::move(*listener);
        m_listener->start([this](int fd, const net::Endpoint&) {
            ++connections;
            m_hops.push_back(std::make_unique<Connection>(*this, fd));
        });
        m_loop.start();
    }
    ~FakeTarget() {
        on(m_loop, [this] {
            m_listener->stop();
            m_ticker.stop();
        });
        m_loop.stop();
        m_loop.join();
    }

    std::string address() const { return m_listener->local().text(); }
    std::string host_key() const { return m_key.public_key().line(); }

    std::atomic<int> connections = 0;
    std::atomic<int> sign_ins = 0;

private:
    struct Connection final : public HopOwner, public ChannelSink {
        Connection(FakeTarget& owner, int fd) : target(owner) {
            ssh::Config config;
            config.host_keys = {{base::to_bytes(owner.m_key.public_key().blob()), owner.m_key.public_key().algorithms()}};
            hop = std::make_unique<Hop>(owner.m_loop, owner.m_ticker, net::make_socket_stream(owner.m_loop, fd),
                std::move(config), HopTimes{}, *this);
            hop->start();
        }

        void hop_event(Hop&, ssh::Event& event) override {
            if (auto* sign = std::get_if<ssh::HostSignatureWanted>(&event)) {
                hop->submit(ssh::ProvideSignature{sign->ticket, *target.m_key.sign(sign->algorithm, sign->data)});
            } else if (auto* auth = std::get_if<ssh::AuthRequested>(&event)) {
                const bool signed_request = auth->method == ssh::AuthRequested::Method::PublicKey;
                if (!signed_request) return hop->submit(ssh::RejectAuth{auth->ticket, {"publickey"}, false});
                const auto certificate = keys::Certificate::from_blob(auth->key_blob);
                if (certificate && certificate->fields().principals == std::vector<std::string>{auth->user})
                    ++target.sign_ins;
                hop->submit(ssh::AcceptAuth{auth->ticket});
            } else if (auto* open = std::get_if<ssh::ChannelOpenRequested>(&event)) {
                hop->route(open->channel, *this);
                hop->submit(ssh::AcceptChannel{open->channel, {}});
            } else if (auto* global = std::get_if<ssh::GlobalRequested>(&event)) {
                if (global->want_reply) hop->submit(ssh::ReplyGlobal{global->type.ends_with("tcpip-forward"), {}});
            }
        }
        void hop_over(Hop&, const std::string&) override {}

        void channel_event(Hop&, ssh::Event& event) override {
            if (std::holds_alternative<ssh::ChannelOpened>(event)) {
                ++opened;
                tell_opened();
            } else if (std::holds_alternative<ssh::ChannelOpenFailed>(event)) {
                ++refused;
                tell_opened();
            } else if (auto* request = std::get_if<ssh::ChannelRequested>(&event)) {
                if (request->want_reply) hop->submit(ssh::ReplyRequest{request->channel, true});
                if (request->type == "exec") run(request->channel, base::to_text(request->payload).substr(4));
            } else if (auto* data = std::get_if<ssh::Data>(&event)) {
                const std::size_t sent = hop->write(data->channel, ssh::DataStream::Main, data->bytes, true);
                hop->submit(ssh::Credit{data->channel, sent});
            } else if (auto* sent = std::get_if<ssh::Sent>(&event)) {
                if (echoes[sent->channel]) hop->submit(ssh::Credit{sent->channel, sent->count});
            } else if (auto* eof = std::get_if<ssh::EofReceived>(&event)) {
                if (echoes[eof->channel]) finish(eof->channel, 0);
            } else if (auto* close = std::get_if<ssh::CloseReceived>(&event)) {
                hop->submit(ssh::CloseChannel{close->channel});
            }
        }

        void run(ssh::ChannelId channel, const std::string& command) {
            echoes[channel] = command == "echo";
            if (command == "fail") {
                hop->write(channel, ssh::DataStream::Stderr, base::view("it failed\n"));
                finish(channel, 7);
            } else if (command.starts_with("zeros ")) {
                hop->write(channel, ssh::DataStream::Main, BytesView(Bytes(std::stoul(command.substr(6)))));
                finish(channel, 0);
            } else if (command == "drop") {
                hop->disconnect(ssh::DisconnectReason::ByApplication, "going away");
            } else if (command.starts_with("open ")) {
                open(channel, std::stoi(command.substr(5)), command.substr(command.rfind(' ') + 1));
            }
        }

        /// With what each type has behind its name: x11 the originator, a forward also the place that listens.
        void open(ssh::ChannelId channel, int count, const std::string& type) {
            asker = channel;
            wanted = count;
            opened = refused = 0;
            wire::Writer payload;
            if (type == "forwarded-tcpip") payload.string("127.0.0.1").u32(8000);
            if (type != "auth-agent@openssh.com") payload.string("127.0.0.1").u32(40000);
            const Bytes bytes = payload.take();
            for (int i = 0; i < count; ++i) {
                const auto inward = hop->new_channel();
                if (!inward) std::abort();
                hop->route(*inward, *this);
                hop->submit(ssh::OpenChannel{*inward, type, bytes});
            }
        }
        void tell_opened() {
            if (opened + refused != wanted) return;
            hop->write(asker, ssh::DataStream::Main, base::view(fmt::format("{} open, {} refused", opened, refused)));
            finish(asker, 0);
        }

        void finish(ssh::ChannelId channel, std::uint32_t status) {
            hop->submit(ssh::SendRequest{channel, "exit-status", false, wire::Writer().u32(status).take(), false});
            hop->submit(ssh::SendEof{channel});
            hop->submit(ssh::CloseChannel{channel});
        }

        FakeTarget& target;
        std::unique_ptr<Hop> hop;
        std::map<ssh::ChannelId, bool> echoes;
        ssh::ChannelId asker{};
        int wanted = 0, opened = 0, refused = 0;
    };

    net::Loop m_loop;
    HopTicker m_ticker;
    keys::PrivateKey m_key;
    std::unique_ptr<net::Listener> m_listener;
    std::vector<std::unique_ptr<Connection>> m_hops;
};

/// The keyholder's own code on threads of this process, one for each link.
class FakeKeyholder {
public:
    ~FakeKeyholder() {
        hang_up();
        for (auto& thread : m_threads) thread.join();
    }

    keyholder::PublicParts public_parts() const { return m_keys.public_parts(); }

    /// The gateway's end of a new link.
    int link() {
        auto ends = keyholder::socket_pair(SOCK_STREAM);
        if (!ends) std::abort();
        const std::lock_guard lock(m_mutex);
        m_links.push_back(std::move(ends->first));
        m_threads.emplace_back([this, fd = m_links.back().fd()] {
            keyholder::serve_link(m_keys, fd);
            ::shutdown(fd, SHUT_RDWR);
        });
        return ends->second.release();
    }
    /// As if the process had died: every link ends.
    void hang_up() {
        const std::lock_guard lock(m_mutex);
        for (auto& one : m_links) ::shutdown(one.fd(), SHUT_RDWR);
    }

private:
    keyholder::Keyring m_keys{
        {keys::PrivateKey::generate(keys::KeyKind::Ed25519)}, keys::PrivateKey::generate(keys::KeyKind::Ed25519)};
    std::mutex m_mutex;
    std::vector<keyholder::Descriptor> m_links;
    std::vector<std::thread> m_threads;
};

/// What a client saw of one channel.
struct Outcome {
    std::size_t granted = 0, denied = 0;  // requests with an answer
    std::string output, errors, refusal;
    int status = -1;
    bool closed = false;
};

/// A client with one key, on a loop that it shares with other clients.
class TestClient final : public HopOwner, public ChannelSink {
public:
    TestClient(net::Loop& loop, HopTicker& ticker, std::uint16_t port, std::string user, keys::PrivateKey key)
        : m_loop(loop), m_key(std::move(key)) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
        const int flags = ::fcntl(fd, F_GETFL);
        ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        on(m_loop, [&] {
            ssh::Config config;
            config.role = ssh::Role::Client;
            config.user = std::move(user);
            m_hop = std::make_unique<Hop>(
                m_loop, ticker, net::make_socket_stream(m_loop, fd), std::move(config), HopTimes{}, *this);
            m_hop->start();
        });
    }
    ~TestClient() {
        on(m_loop, [this] { m_hop.reset(); });
    }

    /// True when signed in, false when the connection ended instead.
    bool signed_in() {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_signed_in || m_over; });
        return m_signed_in;
    }
    std::string ended() {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_over; });
        return m_reason;
    }
    std::string banner() {
        const std::lock_guard lock(m_mutex);
        return m_banner;
    }

    void rekey() {
        m_loop.post([this] { m_hop->submit(ssh::Rekey{}); });
    }

    /// Starts `command` on a session channel; `input` and EOF follow. With `reading` false, nothing is credited.
    int exec(const std::string& command, std::string input = {}, bool reading = true) {
        const int number = ++m_last;
        m_loop.post([this, number, command, input = std::move(input), reading] {
            const auto channel = m_hop->new_channel();
            if (!channel) std::abort();
            m_channels[*channel] = {number, "exec", string_payload(command), input, reading, 0};
            m_hop->route(*channel, *this);
            m_hop->submit(ssh::OpenChannel{*channel, "session", {}});
        });
        return number;
    }
    struct Request {
        std::string type;
        Bytes payload;
    };
    /// `command` behind these requests.
    int exec_with(std::vector<Request> before, const std::string& command) {
        const int number = ++m_last;
        m_loop.post([this, number, command, before = std::move(before)] {
            const auto channel = m_hop->new_channel();
            if (!channel) std::abort();
            m_channels[*channel] = {number, "exec", string_payload(command), {}, true, 0, before};
            m_hop->route(*channel, *this);
            m_hop->submit(ssh::OpenChannel{*channel, "session", {}});
        });
        return number;
    }
    /// A global request's answer.
    bool ask(const std::string& type, const Bytes& payload) {
        std::promise<bool> answer;
        m_loop.post([&] { m_hop->ask(type, payload, [&](bool success, BytesView) { answer.set_value(success); }); });
        return answer.get_future().get();
    }
    int open(const std::string& type, Bytes payload, std::string input) {
        const int number = ++m_last;
        m_loop.post([this, number, type, payload = std::move(payload), input = std::move(input)] {
            const auto channel = m_hop->new_channel();
            if (!channel) std::abort();
            m_channels[*channel] = {number, "", {}, input, true, 0};
            m_hop->route(*channel, *this);
            m_hop->submit(ssh::OpenChannel{*channel, type, payload});
        });
        return number;
    }
    void read_on() {
        m_loop.post([this] {
            for (auto& [id, channel] : m_channels) {
                channel.reading = true;
                m_hop->submit(ssh::Credit{id, std::exchange(channel.unread, 0)});
            }
        });
    }
    Outcome wait(int number) {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [&] { return m_outcomes[number].closed || m_over; });
        return m_outcomes[number];
    }
    std::size_t received(int number) {
        const std::lock_guard lock(m_mutex);
        return m_outcomes[number].output.size();
    }

private:
    struct Channel {
        int number = 0;
        std::string request;
        Bytes payload;
        std::string input;
        bool reading = true;
        std::size_t unread = 0;
        std::vector<Request> before = {};
    };

    void hop_event(Hop&, ssh::Event& event) override {
        if (auto* offered = std::get_if<ssh::HostKeyOffered>(&event)) {
            m_hop->submit(ssh::AcceptHostKey{offered->ticket});
        } else if (std::holds_alternative<ssh::AuthMethodsOffered>(event)) {
            if (m_tried) return m_hop->disconnect(ssh::DisconnectReason::NoMoreAuthMethods, "no more keys");
            m_tried = true;
            m_hop->submit(
                ssh::TryPublicKey{m_key.public_key().algorithms().front(), base::to_bytes(m_key.public_key().blob())});
        } else if (auto* wanted = std::get_if<ssh::UserSignatureWanted>(&event)) {
            m_hop->submit(ssh::ProvideSignature{wanted->ticket, *m_key.sign(wanted->algorithm, wanted->data)});
        } else if (std::holds_alternative<ssh::AuthSucceeded>(event)) {
            change([&] { m_signed_in = true; });
        } else if (auto* banner = std::get_if<ssh::BannerReceived>(&event)) {
            change([&] { m_banner += banner->text; });
        } else if (auto* global = std::get_if<ssh::GlobalRequested>(&event)) {
            if (global->want_reply) m_hop->submit(ssh::ReplyGlobal{false, {}});
        } else if (auto* open = std::get_if<ssh::ChannelOpenRequested>(&event)) {
            m_hop->route(open->channel, *this);
            m_hop->submit(ssh::AcceptChannel{open->channel, {}});
        }
    }
    void hop_over(Hop&, const std::string& reason) override {
        change([&] {
            m_over = true;
            m_reason = reason;
        });
    }

    void channel_event(Hop&, ssh::Event& event) override {
        if (auto* opened = std::get_if<ssh::ChannelOpened>(&event)) {
            Channel& channel = m_channels[opened->channel];
            for (const auto& [type, payload] : channel.before) {
                m_hop->submit(ssh::SendRequest{opened->channel, type, true, payload, false});
            }
            if (!channel.request.empty()) {
                m_hop->submit(ssh::SendRequest{opened->channel, channel.request, true, channel.payload, false});
            }
            m_hop->write(opened->channel, ssh::DataStream::Main, base::view(channel.input));
            if (!channel.input.empty()) m_hop->submit(ssh::SendEof{opened->channel});
        } else if (auto* replied = std::get_if<ssh::RequestReplied>(&event)) {
            change([&] {
                auto& outcome = m_outcomes[m_channels[replied->channel].number];
                ++(replied->success ? outcome.granted : outcome.denied);
            });
        } else if (auto* failed = std::get_if<ssh::ChannelOpenFailed>(&event)) {
            change([&] {
                auto& outcome = m_outcomes[m_channels[failed->channel].number];
                outcome.refusal = failed->text;
                outcome.closed = true;
            });
        } else if (auto* data = std::get_if<ssh::Data>(&event)) {
            Channel& channel = m_channels[data->channel];
            change([&] {
                auto& outcome = m_outcomes[channel.number];
                (data->stream == ssh::DataStream::Main ? outcome.output : outcome.errors) += base::text_view(data->bytes);
            });
            channel.unread += data->bytes.size();
            if (channel.reading) m_hop->submit(ssh::Credit{data->channel, std::exchange(channel.unread, 0)});
        } else if (auto* request = std::get_if<ssh::ChannelRequested>(&event)) {
            if (request->type != "exit-status") return;
            wire::Reader reader(request->payload);
            const int status = static_cast<int>(reader.u32());
            change([&] { m_outcomes[m_channels[request->channel].number].status = status; });
        } else if (auto* close = std::get_if<ssh::CloseReceived>(&event)) {
            m_hop->submit(ssh::CloseChannel{close->channel});
        } else if (auto* ended = std::get_if<ssh::ChannelEnded>(&event)) {
            const int number = m_channels[ended->channel].number;
            m_channels.erase(ended->channel);
            change([&] { m_outcomes[number].closed = true; });
        }
    }

    template <class Work>
    void change(Work work) {
        {
            const std::lock_guard lock(m_mutex);
            work();
        }
        m_changed.notify_all();
    }

    net::Loop& m_loop;
    keys::PrivateKey m_key;
    std::unique_ptr<Hop> m_hop;
    std::map<ssh::ChannelId, Channel> m_channels;
    bool m_tried = false;
    std::atomic<int> m_last = 0;

    std::mutex m_mutex;
    std::condition_variable m_changed;
    bool m_signed_in = false;
    bool m_over = false;
    std::string m_reason, m_banner;
    std::map<int, Outcome> m_outcomes;
};

}  // namespace sekisho::gateway::test
