// Exchange: the key exchange, first and again, in either role (RFC 4253 §7–9, RFC 4419, RFC 5656, strict kex of OpenSSH PROTOCOL §1.10).
//   1 our KEXINIT   2 theirs, agreement   3 (a group, and) shares   4 host key: signed (server) or verified and offered (client)
//   5 NEWKEYS both ways, new ciphers
// Owned by the engine, which calls it for messages 20–49 and asks `wants_rekey` after each packet.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "crypto/key_agreement.h"
#include "ssh/commands.h"
#include "ssh/core.h"
#include "ssh/msg_kex_group.h"
#include "ssh/msg_kexinit.h"
#include "ssh/transitions.h"

namespace sekisho::ssh {

class Exchange {
public:
    Exchange(Core& core, PacketReader& reader) : m_core(core), m_reader(reader) {}

    /// Sends our KEXINIT unless an exchange is under way.
    void start();
    Result<void> receive(BytesView payload, std::uint32_t sequence);
    Result<void> submit(ProvideSignature command);
    Result<void> submit(const AgreementDone& command);
    Result<void> submit(const AcceptHostKey& command);
    Result<void> submit(const AcceptGroup& command);

    /// The ticket is this exchange's open question.
    bool wants(Ticket ticket) const { return m_ticket == ticket; }
    /// The owner was asked something, and the peer waits for the answer.
    bool asks() const { return m_ticket.has_value(); }
    /// What the peer may send now (transitions.h).
    ExchangeState peer_state() const { return m_peer_state; }
    /// The peer has sent its first NEWKEYS: what it says is encrypted.
    bool peer_encrypted() const { return m_completed > 0 || m_new_keys_received; }
    /// The first exchange is finished in both directions.
    bool established() const { return m_completed > 0; }
    std::uint64_t completed() const { return m_completed; }
    /// Group exchange was agreed on: the messages of the shares have other numbers.
    bool in_group_exchange() const { return m_agreement.kex == kGroupExchangeSha256; }
    bool under_way() const { return m_own_init_sent || m_peer_state != ExchangeState::Quiet; }
    /// True once when the peer's guessed packet must be dropped (RFC 4253 §7).
    bool take_wrong_guess() { return std::exchange(m_drop_guess, false); }
    bool wants_rekey() const;
    /// When an exchange under way has taken too long; when the next one is due otherwise.
    TimePoint deadline() const { return under_way() ? m_started + wire::limits::kLoginGrace : next_rekey(); }
    TimePoint next_rekey() const { return m_keys_since + m_core.config.rekey.time; }
    /// A strict first exchange is possible or agreed: nothing else is legal before NEWKEYS.
    bool strict_or_undecided() const { return !m_strict_decided || m_core.strict; }
    /// Our host key in the current session (server), for host-bound signatures.
    const Bytes& host_key_blob() const { return m_host_key_blob; }

private:
    struct Keys {
        std::unique_ptr<crypto::PacketSealer> sealer;
        std::unique_ptr<crypto::PacketOpener> opener;
    };

    struct SlowAgreement;

    KexInit own_offer();
    Result<void> receive_init(BytesView payload, std::uint32_t sequence);
    void begin_shares();
    void send_share();
    Result<void> receive_group_request(BytesView payload);
    Result<void> receive_group(BytesView payload);
    Result<void> receive_share(BytesView payload);
    Result<void> ask_for_agreement(BytesView client_share);
    Result<void> share_agreed(BytesView client_share, Result<crypto::KeyAgreementReply> reply);
    Result<void> receive_reply(BytesView payload);
    Result<void> receive_new_keys();
    Result<void> verify_host_signature(BytesView host_key, BytesView signature) const;
    Bytes hash_with(BytesView host_key, BytesView client_share, BytesView server_share);
    void make_keys();
    void send_new_keys();
    void finish_if_done();

    Core& m_core;
    PacketReader& m_reader;

    ExchangeState m_peer_state = ExchangeState::Quiet;
    bool m_own_init_sent = false;    // and our NEWKEYS not yet
    bool m_new_keys_received = false;
    bool m_strict_decided = false;
    bool m_drop_guess = false;
    std::uint64_t m_completed = 0;
    TimePoint m_keys_since{};
    TimePoint m_started{};
    std::uint64_t m_rekey_bytes = wire::limits::kRekeyBytes;

    // Of the exchange under way.
    Algorithms m_widened;  // the policy with its legacy additions, where they are offered
    KexInit m_own_offer;
    Bytes m_own_init, m_peer_init;
    Agreement m_agreement;
    const crypto::KeyAgreement* m_method = nullptr;
    std::unique_ptr<crypto::KeyAgreement> m_server_group;  // client: m_method in a group that the server chose
    Bytes m_group_for_hash;                                // group exchange only
    std::unique_ptr<crypto::KeyAgreementClient> m_client_share;
    std::shared_ptr<SlowAgreement> m_slow;  // server: with the owner at the moment
    Secret m_encoded_secret;
    Bytes m_exchange_hash;
    Bytes m_server_share;
    std::optional<Ticket> m_ticket;
    Keys m_keys;

    Bytes m_host_key_blob;  // accepted (client) or presented (server)
};

}  // namespace sekisho::ssh
