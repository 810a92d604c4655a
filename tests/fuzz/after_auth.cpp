// A whole engine in either role after sign-in: the input is a play of messages of the peer, sealed here, acts of the owner, key
// exchanges and time. The owner answers what it is asked; what it relies on (event_checker.h) must hold whatever the peer says.
#include <cstdlib>

#include "tests/fuzz/fuzz_input.h"
#include "tests/support/event_checker.h"
#include "tests/support/raw_session.h"

namespace {

using namespace sekisho;
using support::RawSession;
using support::Step;

class Play {
public:
    Play(ssh::Config config, support::RawPeer::Options peer, bool greedy, bool slow)
        : m_session(std::move(config), std::move(peer)), m_greedy(greedy), m_slow(slow) {
        m_session.advance_to(Step::Connected);
        m_session.told.clear();
        m_session.owner = [this](ssh::Event& event) {
            m_checker.check(event);
            answer(event);
        };
    }

    void go(fuzz::Input& input) {
        while (!input.empty() && !m_session.engine().over() && !m_session.peer().deaf()) {
            const unsigned op = input.byte();
            switch (op % 8) {
                case 5: act(input); break;
                case 6: exchange(op / 8); break;
                case 7: m_session.pass(std::chrono::seconds(op)); m_session.engine().advance(m_session.now()); m_session.hear(); break;
                default: {
                    const Bytes payload = input.piece();
                    if (!payload.empty()) m_session.say(payload);
                }
            }
            must(m_session.engine().output().size() <= wire::limits::kUnsentBytes);
            must(m_checker.channels() <= wire::limits::kChannels);
            m_session.told.clear();
            m_session.peer().heard.clear();
        }
    }

private:
    static void must(bool condition) {
        if (!condition) std::abort();
    }
    ssh::Engine& engine() { return m_session.engine(); }

    void answer(ssh::Event& event) {
        if (const auto* opened = std::get_if<ssh::ChannelOpenRequested>(&event)) {
            if (m_greedy) {
                m_checker.accepted(opened->channel);
                (void)engine().submit(ssh::AcceptChannel{opened->channel, {}});
            } else {
                m_checker.rejected(opened->channel);
                (void)engine().submit(ssh::RejectChannel{opened->channel, ssh::OpenFailure::ConnectFailed, "no"});
            }
        } else if (const auto* data = std::get_if<ssh::Data>(&event)) {
            if (m_slow) return;
            engine().write(data->channel, data->stream, BytesView(data->bytes));
            m_checker.credited(data->channel, data->bytes.size());
            (void)engine().submit(ssh::Credit{data->channel, data->bytes.size()});
        } else if (const auto* request = std::get_if<ssh::ChannelRequested>(&event)) {
            if (request->want_reply && !m_slow) (void)engine().submit(ssh::ReplyRequest{request->channel, true});
        } else if (const auto* closed = std::get_if<ssh::CloseReceived>(&event)) {
            (void)engine().submit(ssh::CloseChannel{closed->channel});
        } else if (const auto* global = std::get_if<ssh::GlobalRequested>(&event)) {
            if (global->want_reply && !m_slow) (void)engine().submit(ssh::ReplyGlobal{true, Bytes(4)});
        } else if (const auto* wanted = std::get_if<ssh::HostSignatureWanted>(&event)) {
            m_signatures.push_back(*wanted);
        } else if (const auto* keys = std::get_if<ssh::HostKeysAnnounced>(&event)) {
            (void)engine().submit(ssh::ProveHostKeys{keys->blobs});
        } else if (const auto* offered = std::get_if<ssh::HostKeyOffered>(&event)) {
            (void)engine().submit(ssh::AcceptHostKey{offered->ticket});
        }
    }

    /// The owner does something of its own.
    void act(fuzz::Input& input) {
        const unsigned what = input.byte();
        const ssh::ChannelId channel{what / 16};
        switch (what % 16) {
            case 0:
                if (const auto id = engine().new_channel()) {
                    m_checker.opening(*id);
                    (void)m_session.submit(ssh::OpenChannel{*id, "session", {}});
                }
                break;
            case 1: (void)m_session.submit(ssh::SendEof{channel}); break;
            case 2: (void)m_session.submit(ssh::CloseChannel{channel}); break;
            case 3: write(channel, std::size_t{input.byte()} * 512, ssh::DataStream::Main); break;
            case 4: write(channel, std::size_t{input.byte()}, ssh::DataStream::Stderr); break;
            case 5: (void)m_session.submit(ssh::SendRequest{channel, "exit-status", false, Bytes(4)}); break;
            case 6: (void)m_session.submit(ssh::SendRequest{channel, "keepalive", true, {}}); break;
            case 7: (void)m_session.submit(ssh::SendRequest{channel, "signal", false, Bytes(8), true}); break;
            case 8: (void)m_session.submit(ssh::SendGlobalRequest{"keepalive", true, {}}); break;
            case 9: (void)m_session.submit(ssh::ReplyGlobal{false, {}}); break;
            case 10: (void)m_session.submit(ssh::ReplyRequest{channel, false}); break;
            case 11: (void)m_session.submit(ssh::Rekey{}); break;
            case 12:
                for (const auto& wanted : std::exchange(m_signatures, {})) {
                    (void)m_session.submit(ssh::ProvideSignature{wanted.ticket, Bytes(83)});
                }
                break;
            case 13: (void)m_session.submit(ssh::Disconnect{ssh::DisconnectReason::ByApplication, "over"}); break;
            default: break;
        }
    }

    void write(ssh::ChannelId channel, std::size_t size, ssh::DataStream stream) {
        if (!m_checker.open(channel) || engine().queued(channel) > 2 * wire::limits::kWindowMost) return;
        const Bytes bytes(size);
        engine().write(channel, stream, BytesView(bytes));
        m_session.hear();
    }

    /// The peer's steps of a key exchange, in any order that the input likes; honest ones when it likes that.
    void exchange(unsigned what) {
        support::RawPeer& peer = m_session.peer();
        switch (what % 4) {
            case 0:
                peer.send_kexinit();
                m_session.carry();
                break;
            case 1:
                if (m_session.server() || peer.can_reply()) m_session.send_peer_share();
                break;
            case 2:
                if (peer.has_keys()) {
                    peer.send_new_keys();
                    m_session.carry();
                }
                break;
            case 3:
                for (const auto& wanted : std::exchange(m_signatures, {})) {
                    (void)m_session.submit(
                        ssh::ProvideSignature{wanted.ticket, *RawSession::host_key().sign("ssh-ed25519", wanted.data)});
                }
                break;
        }
    }

    RawSession m_session;
    support::EventChecker m_checker;
    std::vector<ssh::HostSignatureWanted> m_signatures;
    bool m_greedy, m_slow;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const unsigned how = input.byte();
    ssh::Config config;
    config.role = (how & 1) != 0 ? ssh::Role::Client : ssh::Role::Server;
    config.announce_host_keys = config.learn_host_keys = (how & 2) != 0;
    if ((how & 4) != 0) config.rekey.packets = 12;
    Play play(config, {.strict = (how & 8) == 0}, (how & 16) == 0, (how & 32) != 0);
    play.go(input);
    return 0;
}
