// An engine and a RawPeer in front of it, brought to any state of a connection step by step. For the state-machine tests, the bit
// flips and the fuzzers, which then let the peer say what no honest peer says.
#pragma once

#include <algorithm>
#include <functional>

#include "ssh/engine.h"
#include "ssh/msg_channel.h"
#include "ssh/msg_transport.h"
#include "ssh/msg_userauth.h"
#include "ssh/msg_userauth_interactive.h"
#include "tests/support/raw_peer.h"
#include "tests/support/told_events.h"
#include "wire/writer.h"

namespace sekisho::support {

/// How far a connection is. The same names for both roles of the engine; what they mean to it stands beside them.
enum class Step {
    Fresh,  // nothing was said
    Identified,  // the peer's identification line was taken
    Offered,  // the peer's KEXINIT was taken: a share (server) or an answer to ours (client) is expected
    Undecided,  // the owner has to sign (server) or to judge a host key (client)
    Decided,  // NEWKEYS is expected
    Encrypted,  // server: a service request is expected; client: the service was asked for
    Authenticating,  // server: nothing asked yet; client: "none" was sent, or with ask_methods = false the owner decides
    Connected,
};

class RawSession : public ToldEvents {
public:
    static const keys::PrivateKey& host_key() {
        static const keys::PrivateKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
        return key;
    }
    static const keys::PrivateKey& user_key() {
        static const keys::PrivateKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
        return key;
    }
    static ssh::Config with_defaults(ssh::Config config, crypto::Random& random) {
        config.random = &random;
        if (config.user.empty()) config.user = "alice";
        if (config.host_keys.empty()) {
            const keys::PublicKey& key = host_key().public_key();
            config.host_keys = {{base::to_bytes(key.blob()), key.algorithms()}};
        }
        return config;
    }

    explicit RawSession(ssh::Config config, RawPeer::Options options = {}, std::uint64_t seed = 1)
        : m_server(config.role == ssh::Role::Server), m_random(seed), m_peer_random(seed + 1),
          m_engine(with_defaults(std::move(config), m_random), m_now),
          m_peer(with_role(std::move(options)), host_key(), m_peer_random) {}
    RawSession(const RawSession&) = delete;

    ssh::Engine& engine() { return m_engine; }
    RawPeer& peer() { return m_peer; }
    bool server() const { return m_server; }
    TimePoint now() const { return m_now; }
    void pass(Duration time) { m_now += time; }

    /// Carries what the peer has to say to the engine, and what it answers back. False: the engine gave the connection up.
    bool carry() {
        Bytes bytes = m_peer.take_output();
        if (tamper) tamper(bytes);
        const bool good = feed(std::move(bytes));
        hear();
        return good;
    }
    /// Sees each event while its views are good, and may submit to the engine.
    std::function<void(ssh::Event&)> owner;
    /// Somebody on the way, who may change what the peer says.
    std::function<void(MutableBytes)> tamper;
    bool feed(Bytes bytes) {
        m_input.insert(m_input.end(), bytes.begin(), bytes.end());
        bool good = true;
        std::size_t used = 0;
        while (used < m_input.size() && !m_engine.over()) {
            const auto consumed = m_engine.feed(MutableBytes(m_input).subspan(used), m_now);
            drain();
            good = consumed.has_value();
            if (!good || *consumed == 0) break;
            used += *consumed;
        }
        m_input.erase(m_input.begin(), m_input.begin() + static_cast<std::ptrdiff_t>(used));
        return good;
    }
    void hear() {
        const Bytes out = base::to_bytes(m_engine.output());
        m_engine.consume_output(out.size());
        drain();
        m_peer.hear(out);
    }
    Result<void> submit(ssh::Command command) {
        auto done = m_engine.submit(std::move(command));
        drain();
        hear();
        return done;
    }
    bool say(BytesView payload) {
        m_peer.send(payload);
        return carry();
    }

    // --- the steps ---

    void advance_to(Step step) {
        while (m_step < step) {
            m_step = static_cast<Step>(static_cast<int>(m_step) + 1);
            take_step();
        }
    }
    void provide_host_signature() {
        const auto* wanted = last<ssh::HostSignatureWanted>();
        SEKISHO_ASSERT(wanted != nullptr);
        (void)submit(ssh::ProvideSignature{wanted->ticket, *host_key().sign(wanted->algorithm, wanted->data)});
    }
    void accept_host_key() { (void)submit(ssh::AcceptHostKey{last<ssh::HostKeyOffered>()->ticket}); }
    /// The peer's part of an exchange once both KEXINITs are there, as far as its share or reply.
    void send_peer_share() {
        m_server ? m_peer.send_share() : m_peer.send_reply();
        carry();
    }

    // --- messages that an honest peer would send ---

    Bytes signed_request(std::string_view user = "alice") const {
        const keys::PublicKey& key = user_key().public_key();
        const Bytes data =
            ssh::public_key_signed_data(m_peer.session_id(), user, "publickey", "ssh-ed25519", key.blob(), {});
        return ssh::encode_public_key_request(
            user, "publickey", "ssh-ed25519", key.blob(), {}, *user_key().sign("ssh-ed25519", data));
    }
    static Bytes key_query(std::string_view user = "alice") {
        return wire::Writer()
            .byte(50)
            .string(user)
            .string("ssh-connection")
            .string("publickey")
            .boolean(false)
            .string("ssh-ed25519")
            .string(user_key().public_key().blob())
            .take();
    }
    static Bytes open_channel(std::uint32_t sender, std::uint32_t window = 1 << 20) {
        return encode(ssh::ChannelOpenMessage{"session", sender, window, 32768, {}});
    }

private:
    RawPeer::Options with_role(RawPeer::Options options) const {
        options.role = m_server ? ssh::Role::Client : ssh::Role::Server;
        return options;
    }
    void drain() {
        while (auto event = m_engine.next_event()) {
            if (owner) owner(*event);
            told.push_back(std::move(*event));
        }
    }

    void take_step() {
        switch (m_step) {
            case Step::Fresh: break;
            case Step::Identified:
                hear();
                m_peer.say_line();
                carry();
                break;
            case Step::Offered:
                m_peer.send_kexinit();
                carry();
                break;
            case Step::Undecided: send_peer_share(); break;
            case Step::Decided: m_server ? provide_host_signature() : accept_host_key(); break;
            case Step::Encrypted:
                m_peer.send_new_keys();
                carry();
                break;
            case Step::Authenticating:
                say(m_server ? ssh::encode_service_request("ssh-userauth") : ssh::encode_service_accept("ssh-userauth"));
                break;
            case Step::Connected: m_server ? sign_in() : be_signed_in(); break;
        }
    }
    void sign_in() {
        say(signed_request());
        (void)submit(ssh::AcceptAuth{last<ssh::AuthRequested>()->ticket});
    }
    void be_signed_in() {
        if (m_engine.authenticated()) return;
        if (last<ssh::AuthMethodsOffered>() != nullptr) (void)submit(ssh::TryPassword{Secret(base::view("x")), {}});
        say(ssh::encode_userauth_success());
    }

    bool m_server;
    TimePoint m_now{std::chrono::hours(1000)};
    crypto::TestRandom m_random, m_peer_random;
    ssh::Engine m_engine;
    RawPeer m_peer;
    Bytes m_input;
    Step m_step = Step::Fresh;
};

}  // namespace sekisho::support
