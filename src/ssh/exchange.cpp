#include "ssh/exchange.h"

#include <algorithm>

#include "base/assert.h"
#include "keys/certificate.h"
#include "keys/public_key.h"
#include "ssh/msg_kex_ecdh.h"
#include "ssh/msg_transport.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

// --- 1: our KEXINIT ----------------------------------------------------------------------------------------------

namespace {

void append(std::vector<std::string>& names, const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
}

Algorithms with_legacy(Algorithms policy) {
    const Algorithms& legacy = legacy_additions();
    append(policy.kex, legacy.kex);
    append(policy.host_keys, legacy.host_keys);
    append(policy.ciphers, legacy.ciphers);
    append(policy.macs, legacy.macs);
    return policy;
}

}  // namespace

KexInit Exchange::own_offer() {
    const Config& config = m_core.config;
    const bool legacy = config.legacy && config.role == Role::Client;
    if (legacy) m_widened = with_legacy(*config.algorithms);
    const Algorithms& policy = legacy ? m_widened : *config.algorithms;
    const auto all = [](const std::vector<std::string>& names) { return KexInit::Names(names.begin(), names.end()); };
    KexInit offer;
    offer.kex.reserve(policy.kex.size() + 2);
    offer.host_keys.reserve(policy.host_keys.size());
    for (const std::string& name : policy.kex) {
        if (name == kGroupExchangeSha256 || crypto::key_agreement(name) != nullptr) offer.kex.push_back(name);
    }
    const bool server = config.role == Role::Server;
    if (server) {
        for (const std::string& name : policy.host_keys) {
            for (const HostKey& key : config.host_keys) {
                if (std::find(key.algorithms.begin(), key.algorithms.end(), name) != key.algorithms.end()) {
                    offer.host_keys.push_back(name);
                    break;
                }
            }
        }
    } else {
        offer.host_keys = all(config.host_key_algorithms.empty() ? policy.host_keys : config.host_key_algorithms);
        if (legacy && !config.host_key_algorithms.empty()) {
            for (const std::string& name : legacy_additions().host_keys) offer.host_keys.push_back(name);
        }
    }
    if (m_completed == 0) {
        // OpenSSH PROTOCOL §1.10: the markers count in the first KEXINIT only.
        offer.kex.emplace_back(server ? kExtInfoServer : kExtInfoClient);
        offer.kex.emplace_back(server ? kStrictServer : kStrictClient);
    }
    offer.ciphers_to_server = offer.ciphers_to_client = all(policy.ciphers);
    offer.macs_to_server = offer.macs_to_client = all(policy.macs);
    offer.compression_to_server = offer.compression_to_client = all(policy.compression);
    return offer;
}

void Exchange::start() {
    if (m_own_init_sent) return;
    m_own_offer = own_offer();
    m_own_init = encode(m_own_offer, *m_core.config.random);
    m_own_init_sent = true;
    m_started = m_core.now;
    m_core.send_now(m_own_init);
    m_core.hold();
}

// --- 2: theirs, agreement ----------------------------------------------------------------------------------------

Result<void> Exchange::receive(BytesView payload, std::uint32_t sequence) {
    switch (static_cast<Message>(payload[0])) {
        case Message::KexInit: return receive_init(payload, sequence);
        case Message::KexGroupRequest: return receive_group_request(payload);
        case Message::KexEcdhInit:
        case Message::KexGroupInit: return receive_share(payload);
        case Message::KexEcdhReply:  // or KexGroup
            return m_peer_state == ExchangeState::ExpectGroup ? receive_group(payload) : receive_reply(payload);
        case Message::KexGroupReply: return receive_reply(payload);
        case Message::NewKeys:
            if (payload.size() != 1) return fail("malformed NEWKEYS");
            return receive_new_keys();
        default: break;
    }
    SEKISHO_ASSERT(false && "the transition table lets only exchange messages through");
    return {};
}

Result<void> Exchange::receive_init(BytesView payload, std::uint32_t sequence) {
    auto theirs = decode_kexinit(payload);
    if (!theirs) return std::unexpected(theirs.error());
    if (m_new_keys_received) return fail("a key exchange began before the last one was finished");
    start();
    m_peer_init = base::to_bytes(payload);
    const bool server = m_core.config.role == Role::Server;
    if (m_completed == 0) {
        m_core.strict = theirs->offers(server ? kStrictClient : kStrictServer);
        m_core.peer_wants_ext_info = theirs->offers(server ? kExtInfoClient : kExtInfoServer);
        m_strict_decided = true;
        // A message slipped in before KEXINIT would shift every later sequence number unseen (prefix truncation).
        if (m_core.strict && sequence != 0) return fail("KEXINIT was not the first packet of a strict key exchange");
    }
    auto agreement = server ? agree(*theirs, m_own_offer, *theirs) : agree(m_own_offer, *theirs, *theirs);
    if (!agreement) return m_core.end(DisconnectReason::KeyExchangeFailed, agreement.error().text, agreement.error().detail);
    m_agreement = std::move(*agreement);
    m_core.host_key_algorithm = keys::plain_name(m_agreement.host_key);
    m_drop_guess = m_agreement.guess_was_wrong;
    begin_shares();
    return {};
}

// --- 3: a group, and shares ----------------------------------------------------------------------------------------

namespace {
constexpr KexGroupRequest kGroupRequest{limits::kGroupBitsLeast, limits::kGroupBitsWanted, limits::kGroupBitsMost};
}

void Exchange::begin_shares() {
    const bool server = m_core.config.role == Role::Server;
    if (in_group_exchange()) {
        if (!server) m_core.send_now(encode(kGroupRequest));
        m_peer_state = server ? ExchangeState::ExpectGroupRequest : ExchangeState::ExpectGroup;
        return;
    }
    m_method = crypto::key_agreement(m_agreement.kex);
    SEKISHO_ASSERT(m_method != nullptr);
    if (server) {
        m_peer_state = ExchangeState::ExpectInit;
    } else {
        send_share();
    }
}

void Exchange::send_share() {
    const bool group = in_group_exchange();
    m_client_share = m_method->start(*m_core.config.random);
    m_core.send_now(encode_kex_ecdh_init(m_client_share->init(), group ? Message::KexGroupInit : Message::KexEcdhInit));
    m_peer_state = group ? ExchangeState::ExpectGroupReply : ExchangeState::ExpectReply;
}

Result<void> Exchange::receive_group_request(BytesView payload) {
    auto request = decode_kex_group_request(payload);
    if (!request) return std::unexpected(request.error());
    auto known = crypto::choose_known_group(request->least, request->wanted, request->most);
    if (!known) return m_core.end(DisconnectReason::KeyExchangeFailed, known.error().text, known.error().detail);
    m_method = &known->method;
    m_group_for_hash = kex_group_for_hash(*request, known->group);
    m_core.send_now(encode_kex_group(known->group));
    m_peer_state = ExchangeState::ExpectGroupInit;
    return {};
}

Result<void> Exchange::receive_group(BytesView payload) {
    auto group = decode_kex_group(payload);
    if (!group) return std::unexpected(group.error());
    auto method = crypto::diffie_hellman_sha256(*group, kGroupRequest.least, kGroupRequest.most);
    if (!method) return m_core.end(DisconnectReason::KeyExchangeFailed, method.error().text, method.error().detail);
    m_server_group = std::move(*method);
    m_method = m_server_group.get();
    m_group_for_hash = kex_group_for_hash(kGroupRequest, *group);
    if (!m_core.config.judge_groups || crypto::is_known_group(*group)) {
        send_share();
        return {};
    }
    m_ticket = m_core.new_ticket();
    m_peer_state = ExchangeState::ExpectDecision;
    m_core.events.push(GroupOffered{*m_ticket, std::move(group->prime), std::move(group->generator)});
    return {};
}

Result<void> Exchange::submit(const AcceptGroup& command) {
    if (!m_ticket || *m_ticket != command.ticket) return {};
    SEKISHO_ASSERT(m_peer_state == ExchangeState::ExpectDecision);
    m_ticket.reset();
    send_share();
    return {};
}

// --- 3 and 4, server: our share and signature ------------------------------------------------------------------------

Bytes Exchange::hash_with(BytesView host_key, BytesView client_share, BytesView server_share) {
    const bool server = m_core.config.role == Role::Server;
    return exchange_hash(m_method->hash(), {
                                               .client_line = server ? m_core.peer_line : m_core.config.software,
                                               .server_line = server ? m_core.config.software : m_core.peer_line,
                                               .client_init = server ? m_peer_init : m_own_init,
                                               .server_init = server ? m_own_init : m_peer_init,
                                               .host_key = host_key,
                                               .group = m_group_for_hash,
                                               .client_share = client_share,
                                               .server_share = server_share,
                                               .secret = m_encoded_secret.bytes(),
                                           });
}

Result<void> Exchange::receive_share(BytesView payload) {
    auto share = decode_kex_ecdh_init(payload);
    if (!share) return std::unexpected(share.error());
    if (m_core.config.agree_elsewhere && m_method->slow()) return ask_for_agreement(*share);
    return share_agreed(*share, m_method->respond(*share, *m_core.config.random));
}

/// What an agreement on another thread works on, alone until it is done.
struct Exchange::SlowAgreement {
    const crypto::KeyAgreement* method;  // one of the standard groups: they live as long as the program
    Bytes client_share;
    crypto::Random* random;
    std::optional<Result<crypto::KeyAgreementReply>> reply{};
};

Result<void> Exchange::ask_for_agreement(BytesView client_share) {
    m_slow = std::make_shared<SlowAgreement>(SlowAgreement{m_method, base::to_bytes(client_share), m_core.config.random});
    m_ticket = m_core.new_ticket();
    m_peer_state = ExchangeState::ExpectDecision;
    m_core.events.push(AgreementWanted{
        *m_ticket, [slow = m_slow] { slow->reply.emplace(slow->method->respond(slow->client_share, *slow->random)); }});
    return {};
}

Result<void> Exchange::submit(const AgreementDone& command) {
    if (!m_ticket || *m_ticket != command.ticket) return {};
    SEKISHO_ASSERT(m_slow != nullptr && m_slow->reply.has_value());
    m_ticket.reset();
    const auto slow = std::move(m_slow);
    return share_agreed(slow->client_share, std::move(*slow->reply));
}

Result<void> Exchange::share_agreed(BytesView client_share, Result<crypto::KeyAgreementReply> reply) {
    if (!reply) return m_core.end(DisconnectReason::KeyExchangeFailed, reply.error().text, reply.error().detail);
    m_encoded_secret = encode_shared_secret(reply->shared, m_method->secret_is_string());
    m_server_share = std::move(reply->reply);

    const auto& host_keys = m_core.config.host_keys;
    const auto key = std::find_if(host_keys.begin(), host_keys.end(), [&](const HostKey& candidate) {
        return std::find(candidate.algorithms.begin(), candidate.algorithms.end(), m_agreement.host_key) !=
               candidate.algorithms.end();
    });
    SEKISHO_ASSERT(key != host_keys.end());
    m_host_key_blob = key->blob;
    m_exchange_hash = hash_with(m_host_key_blob, client_share, m_server_share);
    m_ticket = m_core.new_ticket();
    m_peer_state = ExchangeState::ExpectDecision;
    m_core.events.push(HostSignatureWanted{*m_ticket, static_cast<std::size_t>(key - host_keys.begin()),
                                           keys::plain_name(m_agreement.host_key), m_exchange_hash});
    return {};
}

Result<void> Exchange::submit(ProvideSignature command) {
    if (!m_ticket || *m_ticket != command.ticket) return {};
    m_ticket.reset();
    const Message number = in_group_exchange() ? Message::KexGroupReply : Message::KexEcdhReply;
    m_core.send_now(encode(KexEcdhReply{m_host_key_blob, m_server_share, command.signature}, number));
    make_keys();
    m_peer_state = ExchangeState::ExpectNewKeys;
    send_new_keys();
    return {};
}

// --- 4, client: the host key -------------------------------------------------------------------------------------

namespace {
// Nobody stands beside a server to touch its key.
constexpr keys::SignatureNeeds kHostNeeds{.touch = false, .pin = false};
}  // namespace

Result<void> Exchange::verify_host_signature(BytesView host_key, BytesView signature) const {
    const std::string plain = keys::plain_name(m_agreement.host_key);
    if (keys::is_certificate_name(m_agreement.host_key)) {
        auto certificate = keys::Certificate::from_blob(host_key);
        if (!certificate) return std::unexpected(certificate.error());
        return certificate->key().verify(plain, m_exchange_hash, signature, kHostNeeds);
    }
    auto key = keys::PublicKey::from_blob(host_key);
    if (!key) return std::unexpected(key.error());
    if (plain == "ssh-rsa") return key->verify_rsa_sha1(m_exchange_hash, signature);  // offered to legacy targets only
    return key->verify(plain, m_exchange_hash, signature, kHostNeeds);
}

Result<void> Exchange::receive_reply(BytesView payload) {
    auto reply = decode_kex_ecdh_reply(payload);
    if (!reply) return std::unexpected(reply.error());
    auto shared = m_client_share->finish(reply->share);
    if (!shared) return m_core.end(DisconnectReason::KeyExchangeFailed, shared.error().text, shared.error().detail);
    m_encoded_secret = encode_shared_secret(*shared, m_method->secret_is_string());
    m_exchange_hash = hash_with(reply->host_key, m_client_share->init(), reply->share);
    m_client_share.reset();
    if (auto verified = verify_host_signature(reply->host_key, reply->signature); !verified) {
        return m_core.end(DisconnectReason::KeyExchangeFailed, "the server's host key signature is wrong",
                          verified.error().full());
    }
    make_keys();
    m_peer_state = ExchangeState::ExpectNewKeys;
    if (m_completed > 0 && std::ranges::equal(m_host_key_blob, reply->host_key)) {
        send_new_keys();
        return {};
    }
    m_host_key_blob = base::to_bytes(reply->host_key);
    m_ticket = m_core.new_ticket();
    m_core.events.push(HostKeyOffered{*m_ticket, m_agreement.host_key, m_host_key_blob});
    return {};
}

Result<void> Exchange::submit(const AcceptHostKey& command) {
    if (!m_ticket || *m_ticket != command.ticket) return {};
    SEKISHO_ASSERT(m_peer_state != ExchangeState::ExpectDecision);
    m_ticket.reset();
    send_new_keys();
    finish_if_done();
    return {};
}

// --- 5: new keys ---------------------------------------------------------------------------------------------------

void Exchange::make_keys() {
    if (m_core.session_id.empty()) m_core.session_id = m_exchange_hash;
    const bool server = m_core.config.role == Role::Server;
    const auto derive = [&](char letter, std::size_t size) {
        return derive_key(m_method->hash(), m_encoded_secret, m_exchange_hash, letter, m_core.session_id, size);
    };
    const crypto::CipherSizes to_server = crypto::cipher_sizes(m_agreement.cipher_to_server, m_agreement.mac_to_server);
    const crypto::CipherSizes to_client = crypto::cipher_sizes(m_agreement.cipher_to_client, m_agreement.mac_to_client);
    const Secret iv_to_server = derive('A', to_server.iv), iv_to_client = derive('B', to_client.iv);
    const Secret key_to_server = derive('C', to_server.key), key_to_client = derive('D', to_client.key);
    const Secret mac_to_server = derive('E', to_server.mac_key), mac_to_client = derive('F', to_client.mac_key);
    const Agreement& a = m_agreement;
    if (server) {
        m_keys.opener = crypto::make_opener(a.cipher_to_server, a.mac_to_server, key_to_server, iv_to_server, mac_to_server);
        m_keys.sealer = crypto::make_sealer(a.cipher_to_client, a.mac_to_client, key_to_client, iv_to_client, mac_to_client);
    } else {
        m_keys.sealer = crypto::make_sealer(a.cipher_to_server, a.mac_to_server, key_to_server, iv_to_server, mac_to_server);
        m_keys.opener = crypto::make_opener(a.cipher_to_client, a.mac_to_client, key_to_client, iv_to_client, mac_to_client);
    }
    m_encoded_secret = Secret();
    m_rekey_bytes = m_core.config.rekey.bytes;
    for (const crypto::CipherSizes& sizes : {to_server, to_client}) {
        if (sizes.rekey_bytes != 0) m_rekey_bytes = std::min(m_rekey_bytes, sizes.rekey_bytes);
    }
}

void Exchange::send_new_keys() {
    const bool server = m_core.config.role == Role::Server;
    const std::byte message{static_cast<unsigned char>(Message::NewKeys)};
    m_core.send_now(BytesView(&message, 1));
    m_core.writer.new_keys(std::move(m_keys.sealer), m_core.strict,
        (server ? m_agreement.compression_to_client : m_agreement.compression_to_server) == kDelayedZlib);
    m_own_init_sent = false;
    // RFC 8308 §2.4: EXT_INFO is the very next packet after our first NEWKEYS.
    if (m_completed == 0 && m_core.peer_wants_ext_info) {
        m_core.send_now(server ? encode_ext_info(m_core.config.algorithms->user_signatures) : encode_client_ext_info());
    }
    m_core.release();
}

Result<void> Exchange::receive_new_keys() {
    const bool server = m_core.config.role == Role::Server;
    m_reader.new_keys(std::move(m_keys.opener), m_core.strict,
        (server ? m_agreement.compression_to_server : m_agreement.compression_to_client) == kDelayedZlib);
    m_peer_state = ExchangeState::Quiet;
    m_new_keys_received = true;
    finish_if_done();
    return {};
}

void Exchange::finish_if_done() {
    if (!m_new_keys_received || m_own_init_sent) return;
    m_new_keys_received = false;
    m_keys_since = m_core.now;
    const bool first = m_completed++ == 0;
    m_own_init = m_peer_init = m_server_share = m_exchange_hash = m_group_for_hash = Bytes();
    m_server_group.reset();
    m_own_offer = KexInit();
    m_core.events.push(ExchangeCompleted{first, m_agreement.kex, m_agreement.host_key, m_agreement.cipher_to_server,
                                         m_agreement.mac_to_server, m_agreement.compression_to_server});
}

bool Exchange::wants_rekey() const {
    if (m_completed == 0 || under_way()) return false;
    const std::uint64_t packets = m_core.config.rekey.packets;
    const KeyUse& out = m_core.writer.use();
    const KeyUse& in = m_reader.use();
    return out.bytes >= m_rekey_bytes || in.bytes >= m_rekey_bytes || out.packets >= packets || in.packets >= packets ||
           m_core.now >= next_rekey();
}

}  // namespace sekisho::ssh
