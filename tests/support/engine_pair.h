// Two engines, client and server, joined in memory: bytes are carried over in pieces of any size, ordinary questions are
// answered as a plain owner would, everything else is kept for the test to look at.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "keys/private_key.h"
#include "ssh/engine.h"
#include "tests/support/told_events.h"

namespace sekisho::support {

using namespace std::chrono_literals;

/// One end: an engine, what it told (all events but Data, whose bytes are gathered), and the keys it may use.
struct End : ToldEvents {
    explicit End(ssh::Config config, TimePoint now) : engine(std::move(config), now) {}

    ssh::Engine engine;
    std::map<std::uint32_t, std::string> main, stderr_text;  // by channel number
    std::map<std::uint32_t, std::size_t> sent;
    bool credit = true;                 // give received bytes back at once
    std::optional<Error> error;
    Bytes input;
};

class EnginePair {
public:
    static ssh::HostKey as_host_key(const keys::PrivateKey& key) {
        return {base::to_bytes(key.public_key().blob()), key.public_key().algorithms()};
    }

    explicit EnginePair(ssh::Config client = {}, ssh::Config server = {},
                        keys::PrivateKey host = keys::PrivateKey::generate(keys::KeyKind::Ed25519),
                        keys::PrivateKey user = keys::PrivateKey::generate(keys::KeyKind::Ed25519))
        : m_host_key(std::move(host)), m_user_key(std::move(user)), m_client(make_client(std::move(client))),
          m_server(make_server(std::move(server))) {}

    End& client() { return m_client; }
    End& server() { return m_server; }
    keys::PrivateKey& user_key() { return m_user_key; }
    /// The second of Config::host_keys, which the exchange does not use.
    void sign_proofs_with(keys::PrivateKey key) { m_second_host_key = std::move(key); }
    void piece(std::size_t bytes) { m_piece = bytes; }
    void pass(Duration time) { m_now += time; }
    TimePoint now() const { return m_now; }

    /// Carries bytes until nothing moves any more.
    void run() {
        bool moved = true;
        while (moved) {
            moved = carry(m_client, m_server);
            moved = carry(m_server, m_client) || moved;
        }
    }

    /// Both ends signed in.
    bool sign_in() {
        run();
        return m_client.engine.authenticated() && m_server.engine.authenticated();
    }

    /// A session channel that the server accepted; our numbers on both ends.
    std::pair<ssh::ChannelId, ssh::ChannelId> open_session() {
        const ssh::ChannelId ours = *m_client.engine.new_channel();
        submit(m_client, ssh::OpenChannel{ours, "session", {}});
        run();
        const auto* asked = m_server.last<ssh::ChannelOpenRequested>();
        SEKISHO_ASSERT(asked != nullptr);
        const ssh::ChannelId theirs = asked->channel;
        submit(m_server, ssh::AcceptChannel{theirs, {}});
        run();
        return {ours, theirs};
    }

    void submit(End& end, ssh::Command command) {
        if (auto done = end.engine.submit(std::move(command)); !done) end.error = done.error();
        drain(end);
    }
    std::size_t write(End& end, ssh::ChannelId channel, std::string_view text, ssh::DataStream stream = ssh::DataStream::Main) {
        const std::size_t now = end.engine.write(channel, stream, base::view(text));
        drain(end);
        return now;
    }

    /// Moves what `from` has to say into `to`, a piece at a time. True when something moved.
    bool carry(End& from, End& to) {
        const BytesView out = from.engine.output();
        if (out.empty()) return false;
        const std::size_t n = std::min(m_piece, out.size());
        to.input.insert(to.input.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(n));
        from.engine.consume_output(n);
        drain(from);
        feed(to);
        return true;
    }

    /// Gives an end nothing before it has what it awaits (Engine::awaits).
    void patiently() { m_patiently = true; }
    unsigned withheld() const { return m_withheld; }

    void feed(End& end) {
        if (m_patiently && end.input.size() < end.engine.awaits()) {
            ++m_withheld;
            return;
        }
        std::size_t used = 0;
        while (used < end.input.size() && !end.engine.over()) {
            auto consumed = end.engine.feed(MutableBytes(end.input).subspan(used), m_now);
            drain(end);
            if (!consumed) {
                end.error = consumed.error();
                break;
            }
            if (*consumed == 0) break;
            used += *consumed;
        }
        end.input.erase(end.input.begin(), end.input.begin() + static_cast<std::ptrdiff_t>(used));
    }

    bool answer_auth = true;
    bool agree = true;
    bool accept_host_key = true;

private:
    End make_client(ssh::Config config) {
        config.role = ssh::Role::Client;
        config.software = "SSH-2.0-TestClient";
        if (config.user.empty()) config.user = "alice";
        return End(std::move(config), m_now);
    }
    End make_server(ssh::Config config) {
        config.role = ssh::Role::Server;
        if (config.host_keys.empty()) config.host_keys = {as_host_key(m_host_key)};
        return End(std::move(config), m_now);
    }

    void drain(End& end) {
        while (auto event = end.engine.next_event()) {
            if (auto* data = std::get_if<ssh::Data>(&*event)) {
                auto& sink = data->stream == ssh::DataStream::Main ? end.main : end.stderr_text;
                sink[data->channel.value] += base::text_view(data->bytes);
                if (end.credit) (void)end.engine.submit(ssh::Credit{data->channel, data->bytes.size()});
                continue;
            }
            if (auto* sent = std::get_if<ssh::Sent>(&*event)) end.sent[sent->channel.value] += sent->count;
            answer(end, *event);
            end.told.push_back(std::move(*event));
        }
    }

    void answer(End& end, const ssh::Event& event) {
        if (const auto* slow = std::get_if<ssh::AgreementWanted>(&event)) {
            if (!agree) return;
            std::thread(slow->work).join();
            (void)end.engine.submit(ssh::AgreementDone{slow->ticket});
        } else if (const auto* e = std::get_if<ssh::HostSignatureWanted>(&event)) {
            const keys::PrivateKey& key = e->host_key > 0 && m_second_host_key ? *m_second_host_key : m_host_key;
            (void)end.engine.submit(ssh::ProvideSignature{e->ticket, *key.sign(e->algorithm, e->data)});
        } else if (const auto* offered = std::get_if<ssh::HostKeyOffered>(&event)) {
            if (accept_host_key) (void)end.engine.submit(ssh::AcceptHostKey{offered->ticket});
        } else if (const auto* methods = std::get_if<ssh::AuthMethodsOffered>(&event)) {
            if (answer_auth && !m_tried) {
                m_tried = true;
                const keys::PublicKey& key = m_user_key.public_key();
                (void)end.engine.submit(ssh::TryPublicKey{key.algorithms().front(), base::to_bytes(key.blob())});
            }
            (void)methods;
        } else if (const auto* wanted = std::get_if<ssh::UserSignatureWanted>(&event)) {
            if (answer_auth) {
                (void)end.engine.submit(ssh::ProvideSignature{wanted->ticket, *m_user_key.sign(wanted->algorithm, wanted->data)});
            }
        } else if (const auto* asked = std::get_if<ssh::AuthRequested>(&event)) {
            if (answer_auth) answer_auth_request(end, *asked);
        }
    }

    void answer_auth_request(End& end, const ssh::AuthRequested& asked) {
        using Method = ssh::AuthRequested::Method;
        if (asked.method == Method::PublicKey) {
            (void)end.engine.submit(ssh::AcceptAuth{asked.ticket});
        } else if (asked.method == Method::PublicKeyQuery) {
            (void)end.engine.submit(ssh::AcceptKeyQuery{asked.ticket});
        } else {
            (void)end.engine.submit(ssh::RejectAuth{asked.ticket, {"publickey"}, false});
        }
    }

    TimePoint m_now{1000h};
    keys::PrivateKey m_host_key;
    std::optional<keys::PrivateKey> m_second_host_key;
    keys::PrivateKey m_user_key;
    End m_client;
    End m_server;
    std::size_t m_piece = SIZE_MAX;
    bool m_patiently = false;
    unsigned m_withheld = 0;
    bool m_tried = false;
};

}  // namespace sekisho::support
