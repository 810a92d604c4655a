// The way of a packet through the engine:
//   1 feed: identification line, or PacketReader       2 the transition table (judge)       3 dispatch to a layer
//   4 after each packet: rekey limits, phase changes, what waited in channels
#include "ssh/engine.h"

#include <algorithm>

#include "base/assert.h"
#include "ssh/auth_client.h"
#include "ssh/auth_server.h"
#include "ssh/channels.h"
#include "ssh/core.h"
#include "ssh/exchange.h"
#include "ssh/global_requests.h"
#include "ssh/identification.h"
#include "ssh/msg_transport.h"
#include "ssh/transitions.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

static_assert(Engine::kTailroom == Outgoing::kRoomBehind);

/// More than most identification lines, and less than any with a KEXINIT behind it: 16 bytes of cookie and ten lists with one name each.
constexpr std::size_t kIdentificationAndMore = 128;
constexpr std::size_t kNewKeysSize = 1;
constexpr std::size_t kServiceAcceptSize = 1 + 4 + kUserauthService.size();

namespace {

template <class... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};

}  // namespace

class Engine::Impl {
public:
    Impl(Config config, TimePoint now)
        : m_core(std::move(config), now), m_identification(m_core.config.role), m_exchange(m_core, m_reader), m_server(m_core),
          m_client(m_core), m_channels(m_core), m_global(m_core), m_started(now) {
        m_core.writer.send_raw(base::view(m_core.config.software + "\r\n"));
        m_exchange.start();
    }

    Result<std::size_t> feed(MutableBytes input, TimePoint now) {
        if (m_over) return fail("the connection is over");
        m_core.now = now;
        auto consumed = m_core.peer_line.empty() ? feed_identification(input) : feed_packet(input);
        if (!consumed) return end(consumed.error());
        if (*consumed > 0) {
            if (auto bounded = after_packet(); !bounded) return end(bounded.error());
        }
        return consumed;
    }

    Result<void> submit(Command command) {
        if (m_over) return {};
        auto done = std::visit([this](auto&& c) { return carry_out(std::move(c)); }, std::move(command));
        if (!done) return end(done.error());
        if (!m_over) m_channels.pump();
        return {};
    }

    std::size_t write(ChannelId channel, DataStream stream, MutableBytes bytes, bool scribble) {
        if (m_over) return bytes.size();
        return m_channels.write(channel, stream, bytes, scribble);
    }

    void consume_output(std::size_t n) {
        m_core.writer.output().consume(n);
        if (m_over) return;
        if (m_exchange.wants_rekey()) m_exchange.start();
        m_channels.pump();
    }

    std::optional<TimePoint> next_deadline() const {
        if (m_over) return std::nullopt;
        TimePoint deadline = m_exchange.deadline();
        if (!m_core.authenticated) deadline = std::min(deadline, m_started + limits::kLoginGrace);
        return deadline;
    }

    void advance(TimePoint now) {
        if (m_over) return;
        m_core.now = now;
        if (!m_core.authenticated && now >= m_started + limits::kLoginGrace) {
            (void)end(Error{"not signed in in time", {}});
        } else if (m_exchange.under_way() && now >= m_exchange.deadline()) {
            (void)end(Error{"the key exchange took too long", {}});
        } else if (m_exchange.wants_rekey()) {
            m_exchange.start();
        }
    }

    std::size_t awaits() const {
        if (m_over || m_core.authenticated) return 1;
        if (!is_server() && m_core.peer_line.empty()) return kIdentificationAndMore;
        if (is_server() && !m_exchange.established() && m_exchange.peer_state() == ExchangeState::ExpectNewKeys)
            return m_reader.least_packet(kNewKeysSize) + 1;  // the request for a service
        if (!is_server() && m_phase == Phase::ExpectService && m_client.has_asked())
            return m_reader.least_packet(kServiceAcceptSize) + 1;  // the answer to what was asked with it
        return 1;
    }

    std::unexpected<Error> end(const Error& error) {
        if (!m_over) {
            if (m_reader.tag_failed()) m_core.end_reason = DisconnectReason::MacError;
            goodbye(m_core.end_reason, error.text, error.detail);
        }
        return std::unexpected(error);
    }

    Core m_core;
    PacketReader m_reader;
    Identification m_identification;
    Exchange m_exchange;
    AuthServer m_server;
    AuthClient m_client;
    Channels m_channels;
    GlobalRequests m_global;
    TimePoint m_started;
    Phase m_phase = Phase::FirstExchange;
    unsigned m_service_requests = 0;
    bool m_over = false;

private:
    bool is_server() const { return m_core.config.role == Role::Server; }

    // --- 1: bytes ----------------------------------------------------------------------------------------------------

    Result<std::size_t> feed_identification(MutableBytes input) {
        auto consumed = m_identification.feed(input);
        if (consumed && m_identification.line()) {
            m_core.peer_line = *m_identification.line();
            m_core.events.push(PeerIdentified{m_core.peer_line});
        }
        return consumed;
    }

    Result<std::size_t> feed_packet(MutableBytes input) {
        // A client in the middle of an exchange says its NEWKEYS before it hears that it is signed in.
        if (m_core.compression_begun() && m_exchange.peer_state() == ExchangeState::Quiet) m_reader.begin_compression();
        auto packet = m_reader.next(input, m_core.authenticated ? limits::kPacket : limits::kPacketBeforeAuth);
        if (!packet) return std::unexpected(packet.error());
        if (!*packet) return std::size_t{0};
        if (!m_core.authenticated && m_reader.total_bytes() > limits::kBytesBeforeAuth) return fail("too much before sign-in");
        if (auto done = receive((*packet)->payload, (*packet)->sequence); !done) return std::unexpected(done.error());
        return (*packet)->consumed;
    }

    // --- 2: the table --------------------------------------------------------------------------------------------------

    Result<void> receive(MutableBytes payload, std::uint32_t sequence) {
        const auto number = std::to_integer<std::uint8_t>(payload[0]);
        // RFC 4253 §7: a wrong guess is ignored. Only a method's own message can be one; another in its place is judged as ever.
        if (is_method_message(number) && m_exchange.take_wrong_guess()) return {};
        const Verdict verdict =
            judge(m_core.config.role, m_phase, m_exchange.peer_state(), m_exchange.strict_or_undecided(), number);
        switch (verdict) {
            case Verdict::Legal: return dispatch(static_cast<Message>(number), payload, sequence);
            case Verdict::Unknown: m_core.send(encode_unimplemented(sequence)); return {};
            case Verdict::Illegal: break;
        }
        return fail("unexpected message " + std::to_string(number));
    }

    // --- 3: dispatch -----------------------------------------------------------------------------------------------------

    Result<void> dispatch(Message message, MutableBytes payload, std::uint32_t sequence) {
        switch (message) {
            case Message::Disconnect: return receive_disconnect(payload);
            case Message::Ignore:
            case Message::Unimplemented:
            case Message::Debug:
            case Message::Pong: return {};
            case Message::ServiceRequest: return receive_service_request(payload);
            case Message::ServiceAccept:
                m_phase = Phase::Authenticating;
                return m_client.receive_service_accept(payload);
            case Message::ExtInfo: return is_server() ? m_server.receive_ext_info(payload) : m_client.receive_ext_info(payload);
            case Message::KexInit:
            case Message::NewKeys:
            case Message::KexEcdhInit:
            case Message::KexEcdhReply:
            case Message::KexGroupInit:
            case Message::KexGroupReply:
            case Message::KexGroupRequest: return m_exchange.receive(payload, sequence);
            case Message::UserauthRequest:
                // RFC 4252 §5.1: requests after success are ignored.
                return m_phase == Phase::Connected ? Result<void>{}
                                                   : m_server.receive_request(payload, m_exchange.host_key_blob());
            case Message::UserauthFailure: return m_client.receive_failure(payload);
            case Message::UserauthSuccess:
                m_core.begin_compression();
                return m_client.receive_success(payload);
            case Message::UserauthBanner: return m_client.receive_banner(payload);
            case Message::UserauthPkOk: return m_client.receive_method_message(payload);
            case Message::UserauthInfoResponse: return m_server.receive_answers(payload);
            case Message::Ping: return receive_ping(payload);
            case Message::GlobalRequest:
            case Message::RequestSuccess:
            case Message::RequestFailure: return m_global.receive(payload);
            default: return m_channels.receive(payload);
        }
    }

    Result<void> receive_disconnect(BytesView payload) {
        auto message = decode_disconnect(payload);
        if (!message) return std::unexpected(message.error());
        m_over = true;
        m_core.events.push(Disconnected{true, message->reason, std::move(message->text), {}});
        return {};
    }

    Result<void> receive_ping(BytesView payload) {
        auto pong = answer_ping(payload);
        if (!pong) return std::unexpected(pong.error());
        m_core.send(*pong);
        return {};
    }

    Result<void> receive_service_request(BytesView payload) {
        auto service = decode_service(payload);
        if (!service) return std::unexpected(service.error());
        if (*service != kUserauthService) {
            return m_core.end(DisconnectReason::ServiceNotAvailable, "only ssh-userauth can be asked for first");
        }
        if (++m_service_requests > wire::limits::kAuthAttempts) {
            return m_core.end(DisconnectReason::NoMoreAuthMethods, "too many authentication attempts");
        }
        m_core.send(encode_service_accept(kUserauthService));
        m_phase = Phase::Authenticating;
        return {};
    }

    // --- 4: after each packet ----------------------------------------------------------------------------------------------

    Result<void> after_packet() {
        if (m_over) return {};
        if (m_phase == Phase::FirstExchange && m_exchange.peer_encrypted()) m_phase = Phase::ExpectService;
        if (!is_server() && m_exchange.established()) m_client.start();
        if (m_core.authenticated && m_phase == Phase::Authenticating) m_phase = Phase::Connected;
        if (m_exchange.wants_rekey()) m_exchange.start();
        if (m_core.held_bytes() > limits::kHeldBytes || m_core.writer.output().size() > limits::kUnsentBytes) {
            return fail("the peer does not read what it asks for");
        }
        m_channels.pump();
        return {};
    }

    void goodbye(DisconnectReason reason, const std::string& text, const std::string& detail) {
        if (!m_core.peer_line.empty()) {
            m_core.send_now(encode(DisconnectMessage{static_cast<std::uint32_t>(reason), text}));
        }
        m_over = true;
        m_core.events.push(Disconnected{false, static_cast<std::uint32_t>(reason), text, detail});
    }

    // --- commands --------------------------------------------------------------------------------------------------------

    Result<void> carry_out(ProvideSignature command) {
        if (m_global.wants(command.ticket)) return m_global.submit(std::move(command));
        if (!m_exchange.wants(command.ticket)) return m_client.submit(command);
        auto done = m_exchange.submit(std::move(command));
        return done ? after_packet() : done;
    }
    Result<void> carry_out(const AgreementDone& command) { return m_exchange.submit(command); }
    Result<void> carry_out(const SkipSignature& command) { return m_client.submit(command); }
    Result<void> carry_out(const AcceptHostKey& command) {
        auto done = m_exchange.submit(command);
        return done ? after_packet() : done;
    }
    Result<void> carry_out(const AcceptGroup& command) { return m_exchange.submit(command); }
    Result<void> carry_out(const Disconnect& command) {
        goodbye(command.reason, command.text, {});
        return {};
    }
    Result<void> carry_out(const SendDebug& command) {
        SEKISHO_ASSERT(m_exchange.established());
        m_core.send(encode_debug(command.text));
        return {};
    }
    Result<void> carry_out(const SendBanner& command) {
        SEKISHO_ASSERT(is_server());
        if (!m_core.authenticated) m_core.send(encode_userauth_banner(command.text));
        return {};
    }
    Result<void> carry_out(const AcceptAuth& command) {
        auto done = m_server.submit(command);
        if (m_core.authenticated && m_phase != Phase::Connected) {
            m_phase = Phase::Connected;
            m_global.announce_host_keys();
        }
        return done;
    }
    Result<void> carry_out(const AcceptKeyQuery& command) { return m_server.submit(command, m_exchange.host_key_blob()); }
    Result<void> carry_out(const RejectAuth& command) { return m_server.submit(command, m_exchange.host_key_blob()); }
    Result<void> carry_out(const LimitUserSignatures& command) {
        // Before the first request the client may not be ready for it.
        SEKISHO_ASSERT(is_server() && m_phase >= Phase::Authenticating);
        return m_server.submit(command);
    }
    Result<void> carry_out(const SendPrompts& command) { return m_server.submit(command, m_exchange.host_key_blob()); }
    Result<void> carry_out(const TryKeyboardInteractive& command) { return m_client.submit(command); }
    Result<void> carry_out(const AnswerPrompts& command) { return m_client.submit(command); }
    Result<void> carry_out(const TryPassword& command) { return m_client.submit(command); }
    Result<void> carry_out(TryHostBased command) { return m_client.submit(std::move(command)); }
    Result<void> carry_out(TryPublicKey command) { return m_client.submit(std::move(command), m_exchange.host_key_blob()); }
    Result<void> carry_out(const SendGlobalRequest& command) { return m_global.submit(command); }
    Result<void> carry_out(const ReplyGlobal& command) { return m_global.submit(command); }
    Result<void> carry_out(ProveHostKeys command) { return m_global.submit(std::move(command)); }
    Result<void> carry_out(const Rekey&) {
        if (m_exchange.established() && !m_exchange.under_way()) m_exchange.start();
        return {};
    }
    template <class ChannelCommand>
    Result<void> carry_out(ChannelCommand command) {
        return m_channels.submit(std::move(command));
    }
};

Engine::Engine(Config config, TimePoint now) : m_impl(std::make_unique<Impl>(std::move(config), now)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Result<std::size_t> Engine::feed(MutableBytes input, TimePoint now) { return m_impl->feed(input, now); }
std::optional<Event> Engine::next_event() {
    auto event = m_impl->m_core.events.pop();
    if (event) m_impl->m_channels.told(*event);
    if (!event) m_impl->m_reader.drop_payload();
    return event;
}
Result<void> Engine::submit(Command command) { return m_impl->submit(std::move(command)); }
std::size_t Engine::write(ChannelId channel, DataStream stream, MutableBytes bytes, bool scribble) {
    return m_impl->write(channel, stream, bytes, scribble);
}
std::size_t Engine::write(ChannelId channel, DataStream stream, BytesView bytes) {
    // Without scribble the bytes are only read.
    return m_impl->write(channel, stream, MutableBytes(const_cast<std::byte*>(bytes.data()), bytes.size()), false);
}
BytesView Engine::output() const { return m_impl->m_core.writer.output().bytes(); }
void Engine::consume_output(std::size_t n) { m_impl->consume_output(n); }
std::optional<TimePoint> Engine::next_deadline() const { return m_impl->next_deadline(); }
void Engine::advance(TimePoint now) { m_impl->advance(now); }
Result<ChannelId> Engine::new_channel() { return m_impl->m_channels.new_channel(); }
bool Engine::over() const { return m_impl->m_over; }
bool Engine::authenticated() const { return m_impl->m_core.authenticated; }
bool Engine::owes_answer() const { return m_impl->m_exchange.asks() || m_impl->m_server.asks(); }
std::size_t Engine::awaits() const { return m_impl->awaits(); }
const std::string& Engine::peer_identification() const { return m_impl->m_core.peer_line; }
std::size_t Engine::writable(ChannelId id) const {
    const Channel* channel = m_impl->m_channels.find(id);
    return channel == nullptr ? 0 : channel->peer_window;
}
std::size_t Engine::queued(ChannelId id) const {
    const Channel* channel = m_impl->m_channels.find(id);
    return channel == nullptr ? 0 : channel->waiting_data;
}
BytesView Engine::session_id() const { return m_impl->m_core.session_id; }
std::uint64_t Engine::rekeys() const {
    const std::uint64_t completed = m_impl->m_exchange.completed();
    return completed == 0 ? 0 : completed - 1;
}
std::uint64_t Engine::bytes_received() const { return m_impl->m_reader.total_bytes(); }
std::uint64_t Engine::bytes_sent() const { return m_impl->m_core.writer.total_bytes(); }

}  // namespace sekisho::ssh
