// A peer without manners: it speaks the transport of SSH well enough to agree on keys with an Engine, in either role, and then
// seals whatever payload the test gives it. It exchanges keys by itself, step by step, so that a test can stop or lie anywhere.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "crypto/key_agreement.h"
#include "keys/private_key.h"
#include "ssh/message_numbers.h"
#include "ssh/msg_kex_ecdh.h"
#include "ssh/msg_kexinit.h"
#include "ssh/packet.h"

namespace sekisho::support {

class RawPeer {
public:
    struct Options {
        ssh::Role role = ssh::Role::Client;  // of this peer; the engine has the other one
        std::string kex = "curve25519-sha256";
        std::string cipher = "aes128-gcm@openssh.com";
        std::string mac = "hmac-sha2-256";
        bool strict = true;
        bool ext_info = true;
        bool guess = false;  // says that a guessed packet follows its KEXINIT
    };

    RawPeer(Options options, const keys::PrivateKey& host_key, crypto::Random& random)
        : m_options(std::move(options)), m_host_key(host_key), m_random(random), m_writer(random) {}

    // --- towards the engine ---

    void say(std::string_view text) { m_writer.send_raw(base::view(text)); }
    void say_line() { say(m_line + "\r\n"); }
    /// Under the keys of now, whatever a peer may say now.
    void send(BytesView payload) { m_writer.send(payload); }
    Bytes take_output() {
        Bytes out = base::to_bytes(m_writer.output().bytes());
        m_writer.output().consume(out.size());
        return out;
    }
    /// The number that the next packet will have.
    std::uint32_t next_sequence() const { return m_sent_sequence(); }

    Bytes make_kexinit() {
        const bool server = m_options.role == ssh::Role::Server;
        ssh::KexInit offer;
        offer.kex = {m_options.kex};
        if (m_options.ext_info) offer.kex.emplace_back(server ? ssh::kExtInfoServer : ssh::kExtInfoClient);
        if (m_options.strict) offer.kex.emplace_back(server ? ssh::kStrictServer : ssh::kStrictClient);
        offer.host_keys = {"ssh-ed25519"};
        offer.ciphers_to_server = offer.ciphers_to_client = {m_options.cipher};
        offer.macs_to_server = offer.macs_to_client = {m_options.mac};
        offer.compression_to_server = offer.compression_to_client = {"none"};
        offer.first_packet_follows = m_options.guess;
        return ssh::encode(offer, m_random);
    }
    void send_kexinit() { own_init(make_kexinit()); }
    void own_init(Bytes payload) {
        m_own_init = std::move(payload);
        send(m_own_init);
    }
    /// Client: KEX_ECDH_INIT. Its payload alone, to be sent by whoever likes to.
    Bytes make_share() {
        if (!m_share) m_share = method().start(m_random);
        return ssh::encode_kex_ecdh_init(m_share->init());
    }
    void send_share() { send(make_share()); }
    /// Server: answers the client's share that was heard; keys are known from here on.
    Bytes make_reply() {
        SEKISHO_ASSERT(!m_their_share.empty());
        auto answer = method().respond(m_their_share, m_random);
        SEKISHO_ASSERT(answer.has_value());
        const BytesView blob = m_host_key.public_key().blob();
        m_hash = hash(blob, m_their_share, answer->reply, answer->shared);
        const Bytes signature = *m_host_key.sign("ssh-ed25519", m_hash);
        m_secret = ssh::encode_shared_secret(answer->shared, method().secret_is_string());
        return encode(ssh::KexEcdhReply{blob, answer->reply, signature});
    }
    void send_reply() { send(make_reply()); }
    void send_new_keys() {
        const std::byte message{21};
        send(BytesView(&message, 1));
        switch_sending();
    }
    /// After a NEWKEYS that went out by send().
    void switch_sending() {
        if (m_session_id.empty()) m_session_id = m_hash;
        const bool server = m_options.role == ssh::Role::Server;
        const auto keys = derive(server ? 'B' : 'A', server ? 'D' : 'C', server ? 'F' : 'E');
        m_writer.new_keys(
            crypto::make_sealer(m_options.cipher, m_options.mac, keys.key, keys.iv, keys.mac), strict_in_force());
    }

    // --- from the engine ---

    /// Takes what the engine sent; every payload lands in `heard`.
    void hear(BytesView bytes) {
        m_input.insert(m_input.end(), bytes.begin(), bytes.end());
        while (!m_deaf && hear_one()) {
        }
    }
    /// Something came that could not be opened; nothing is heard any more.
    bool deaf() const { return m_deaf; }
    /// Both KEXINITs and the client's share are there.
    bool can_reply() const { return !m_own_init.empty() && !m_their_init.empty() && !m_their_share.empty(); }
    /// Keys are agreed on, and NEWKEYS can be sent.
    bool has_keys() const { return !m_hash.empty(); }
    std::vector<Bytes> heard;
    bool heard_message(std::uint8_t number) const {
        for (const Bytes& payload : heard) {
            if (std::to_integer<std::uint8_t>(payload[0]) == number) return true;
        }
        return false;
    }
    const Bytes* last_heard(std::uint8_t number) const {
        for (auto it = heard.rbegin(); it != heard.rend(); ++it) {
            if (std::to_integer<std::uint8_t>((*it)[0]) == number) return &*it;
        }
        return nullptr;
    }
    BytesView session_id() const { return m_session_id; }
    const Options& options() const { return m_options; }

private:
    struct Keys {
        Secret key, iv, mac;
    };

    const crypto::KeyAgreement& method() const {
        const auto* found = crypto::key_agreement(m_options.kex);
        SEKISHO_ASSERT(found != nullptr);
        return *found;
    }
    bool strict_in_force() const { return m_options.strict; }  // our engines always want it
    std::uint32_t m_sent_sequence() const { return static_cast<std::uint32_t>(m_writer.use().packets); }

    bool hear_one() {
        if (m_their_line.empty()) {
            const auto end = std::find(m_input.begin(), m_input.end(), std::byte{'\n'});
            if (end == m_input.end()) return false;
            m_their_line = base::to_text(BytesView(m_input.data(), static_cast<std::size_t>(end - m_input.begin())));
            if (m_their_line.ends_with('\r')) m_their_line.pop_back();
            m_input.erase(m_input.begin(), end + 1);
            return true;
        }
        auto packet = m_reader.next(m_input, wire::limits::kPacket);
        if (!packet) m_deaf = true;  // the keys differ, because somebody changed what was said before
        if (!packet || !*packet) return false;
        Bytes payload = base::to_bytes((*packet)->payload);
        m_input.erase(m_input.begin(), m_input.begin() + static_cast<std::ptrdiff_t>((*packet)->consumed));
        take_exchange_message(payload);
        heard.push_back(std::move(payload));
        return true;
    }

    void take_exchange_message(const Bytes& payload) {
        switch (std::to_integer<std::uint8_t>(payload[0])) {
            case 20: m_their_init = payload; break;
            case 21: {
                if (m_session_id.empty()) m_session_id = m_hash;
                const bool server = m_options.role == ssh::Role::Server;
                const auto keys = derive(server ? 'A' : 'B', server ? 'C' : 'D', server ? 'E' : 'F');
                m_reader.new_keys(
                    crypto::make_opener(m_options.cipher, m_options.mac, keys.key, keys.iv, keys.mac), strict_in_force());
                break;
            }
            case 30: {
                const auto share = ssh::decode_kex_ecdh_init(payload);
                if (share) m_their_share = base::to_bytes(*share);
                break;
            }
            case 31: {
                const auto reply = ssh::decode_kex_ecdh_reply(payload);
                if (!reply || !m_share) break;
                auto shared = m_share->finish(reply->share);
                if (!shared) break;
                m_hash = hash(reply->host_key, m_share->init(), reply->share, *shared);
                m_secret = ssh::encode_shared_secret(*shared, method().secret_is_string());
                m_share.reset();
                break;
            }
            default: break;
        }
    }

    Bytes hash(BytesView host_key, BytesView client_share, BytesView server_share, const Secret& shared) const {
        const bool server = m_options.role == ssh::Role::Server;
        const Secret secret = ssh::encode_shared_secret(shared, method().secret_is_string());
        return ssh::exchange_hash(method().hash(), {.client_line = server ? m_their_line : m_line,
                                                       .server_line = server ? m_line : m_their_line,
                                                       .client_init = server ? m_their_init : m_own_init,
                                                       .server_init = server ? m_own_init : m_their_init,
                                                       .host_key = host_key,
                                                       .group = {},
                                                       .client_share = client_share,
                                                       .server_share = server_share,
                                                       .secret = secret.bytes()});
    }

    Keys derive(char iv, char key, char mac) const {
        const crypto::CipherSizes sizes = crypto::cipher_sizes(m_options.cipher, m_options.mac);
        const auto one = [&](char letter, std::size_t size) {
            return ssh::derive_key(method().hash(), m_secret, m_hash, letter, m_session_id, size);
        };
        return {one(key, sizes.key), one(iv, sizes.iv), one(mac, sizes.mac_key)};
    }

    Options m_options;
    const keys::PrivateKey& m_host_key;
    crypto::Random& m_random;
    ssh::PacketWriter m_writer;
    ssh::PacketReader m_reader;
    const std::string m_line = "SSH-2.0-Raw";
    std::string m_their_line;
    Bytes m_input;
    bool m_deaf = false;
    Bytes m_own_init, m_their_init, m_their_share, m_hash, m_session_id;
    Secret m_secret;
    std::unique_ptr<crypto::KeyAgreementClient> m_share;
};

}  // namespace sekisho::support
