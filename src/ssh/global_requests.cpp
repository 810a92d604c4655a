#include "ssh/global_requests.h"

#include <algorithm>

#include "base/assert.h"
#include "keys/certificate.h"
#include "ssh/host_key_proof.h"
#include "ssh/message_numbers.h"
#include "ssh/msg_channel.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

namespace {

/// Certificates are not announced: what a client remembers are keys.
bool is_plain(const HostKey& key) { return !key.algorithms.empty() && !keys::is_certificate_name(key.algorithms.front()); }

bool is_rsa(std::string_view algorithm) { return algorithm.starts_with("rsa-sha2-"); }

}  // namespace

Result<void> GlobalRequests::receive(BytesView payload) {
    return static_cast<Message>(payload[0]) == Message::GlobalRequest ? receive_request(payload) : receive_reply(payload);
}

// --- requests of the peer ----------------------------------------------------------------------------------------------

Result<void> GlobalRequests::receive_request(BytesView payload) {
    auto message = decode_global_request(payload);
    if (!message) return std::unexpected(message.error());
    if (message->want_reply) {
        if (m_owed.size() >= limits::kPendingReplies) return fail("too many unanswered requests");
        m_owed.emplace_back();
    }
    const bool server = m_core.config.role == Role::Server;
    if (server && m_core.config.announce_host_keys && message->type == kHostKeysProveRequest && message->want_reply) {
        receive_prove(message->payload);
    } else if (!server && m_core.config.learn_host_keys && message->type == kHostKeysRequest && !message->want_reply) {
        receive_host_keys(message->payload);
    } else {
        m_core.events.push(GlobalRequested{std::move(message->type), message->want_reply, message->payload});
    }
    return {};
}

Result<void> GlobalRequests::submit(const ReplyGlobal& command) {
    const auto next = std::ranges::find_if(m_owed, [](const Owed& one) { return one.owner && !one.message; });
    if (next == m_owed.end()) return {};
    next->message = encode_global_reply(command.success, command.payload);
    flush();
    return {};
}

void GlobalRequests::settle(std::uint64_t owed, Bytes message) {
    m_owed[owed - m_settled].message = std::move(message);
    flush();
}

void GlobalRequests::flush() {
    while (!m_owed.empty() && m_owed.front().message) {
        m_core.send(*m_owed.front().message);
        m_owed.erase(m_owed.begin());
        ++m_settled;
    }
}

// --- server: its host keys ---------------------------------------------------------------------------------------------

void GlobalRequests::announce_host_keys() {
    if (!m_core.config.announce_host_keys) return;
    std::vector<Bytes> blobs;
    for (const HostKey& key : m_core.config.host_keys) {
        if (is_plain(key) && std::ranges::find(blobs, key.blob) == blobs.end()) blobs.push_back(key.blob);
    }
    if (blobs.empty()) return;
    m_core.send(encode(GlobalRequestMessage{std::string(kHostKeysRequest), false, encode_strings(blobs)}));
}

std::optional<std::vector<std::size_t>> GlobalRequests::asked_keys(BytesView payload) const {
    const auto blobs = decode_strings(payload);
    if (!blobs || blobs->empty()) return std::nullopt;
    const auto& own = m_core.config.host_keys;
    std::vector<std::size_t> keys;
    for (const Bytes& blob : *blobs) {
        const auto key = std::ranges::find_if(own, [&](const HostKey& one) { return is_plain(one) && one.blob == blob; });
        if (key == own.end()) return std::nullopt;
        const auto index = static_cast<std::size_t>(key - own.begin());
        if (std::ranges::find(keys, index) != keys.end()) return std::nullopt;  // a signature each, and no more
        keys.push_back(index);
    }
    return keys;
}

void GlobalRequests::receive_prove(BytesView payload) {
    m_owed.back().owner = false;
    const std::uint64_t owed = m_settled + m_owed.size() - 1;
    auto keys = asked_keys(payload);
    if (!keys || m_proof) return settle(owed, encode_global_reply(false, {}));
    m_proof = Proof{owed, std::move(*keys), {}, {}};
    ask_signature();
}

void GlobalRequests::ask_signature() {
    const std::size_t index = m_proof->keys[m_proof->signatures.size()];
    const HostKey& key = m_core.config.host_keys[index];
    // OpenSSH wants RSA keys proven with the algorithm of the exchange, where that was RSA.
    const bool same = is_rsa(m_core.host_key_algorithm) &&
                      std::ranges::find(key.algorithms, m_core.host_key_algorithm) != key.algorithms.end();
    m_proof->ticket = m_core.new_ticket();
    m_core.events.push(HostSignatureWanted{m_proof->ticket, index, same ? m_core.host_key_algorithm : key.algorithms.front(),
                                           host_key_proof_data(m_core.session_id, key.blob)});
}

Result<void> GlobalRequests::submit(ProvideSignature command) {
    SEKISHO_ASSERT(wants(command.ticket));
    m_proof->signatures.push_back(std::move(command.signature));
    if (m_proof->signatures.size() < m_proof->keys.size()) {
        ask_signature();
        return {};
    }
    const Proof proof = std::move(*m_proof);
    m_proof.reset();
    settle(proof.owed, encode_global_reply(true, encode_strings(proof.signatures)));
    return {};
}

// --- client: the server's host keys, and replies -------------------------------------------------------------------------

void GlobalRequests::receive_host_keys(BytesView payload) {
    const auto blobs = decode_strings(payload);
    if (!blobs) return;  // nothing depends on it
    HostKeysAnnounced announced;
    for (const Bytes& blob : *blobs) {
        // Kinds that we do not know are left out (OpenSSH PROTOCOL §2.5: "ignore").
        if (keys::PublicKey::from_blob(blob)) announced.blobs.push_back(blob);
    }
    if (!announced.blobs.empty()) m_core.events.push(std::move(announced));
}

Result<void> GlobalRequests::submit(ProveHostKeys command) {
    SEKISHO_ASSERT(!command.blobs.empty() && command.blobs.size() <= limits::kHostKeys);
    m_core.send(encode(GlobalRequestMessage{std::string(kHostKeysProveRequest), true, encode_strings(command.blobs)}));
    m_expected.push_back(std::move(command.blobs));
    return {};
}

Result<void> GlobalRequests::submit(const SendGlobalRequest& command) {
    if (command.want_reply) m_expected.emplace_back();
    m_core.send(encode(GlobalRequestMessage{command.type, command.want_reply, command.payload}));
    return {};
}

Result<void> GlobalRequests::receive_reply(BytesView payload) {
    if (m_expected.empty()) return fail("an answer to a request that was not made");
    std::vector<Bytes> blobs = std::move(m_expected.front());
    m_expected.erase(m_expected.begin());
    const bool success = static_cast<Message>(payload[0]) == Message::RequestSuccess;
    if (blobs.empty()) {
        m_core.events.push(GlobalReplied{success, payload.subspan(1)});
        return {};
    }
    m_core.events.push(success ? proven(blobs, payload.subspan(1)) : HostKeysProven{{}, "the server did not prove its host keys"});
    return {};
}

/// Each key by itself: one that is proven badly does not speak against the others.
HostKeysProven GlobalRequests::proven(std::vector<Bytes>& blobs, BytesView payload) const {
    const auto signatures = decode_strings(payload);
    if (!signatures) return {{}, signatures.error().text};
    if (signatures->size() != blobs.size()) return {{}, "the server proved another number of host keys than it was asked for"};
    HostKeysProven out;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
        if (auto good = verify_host_key_proof(m_core.session_id, blobs[i], (*signatures)[i]); good) {
            out.blobs.push_back(std::move(blobs[i]));
        } else {
            out.problem = good.error().text;
        }
    }
    return out;
}

}  // namespace sekisho::ssh
