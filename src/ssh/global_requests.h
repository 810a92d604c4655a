// Global requests (RFC 4254 §4) in both roles: answers in the order of the questions, whoever gives them — the owner, or this
// class for the host keys of OpenSSH PROTOCOL §2.5, which it announces, proves, takes and verifies. Owned by the engine.
#pragma once

#include <optional>
#include <vector>

#include "ssh/commands.h"
#include "ssh/core.h"

namespace sekisho::ssh {

class GlobalRequests {
public:
    explicit GlobalRequests(Core& core) : m_core(core) {}

    /// GLOBAL_REQUEST, REQUEST_SUCCESS or REQUEST_FAILURE.
    Result<void> receive(BytesView payload);
    /// Server, after sign-in: tells the host keys where Config::announce_host_keys says so.
    void announce_host_keys();

    Result<void> submit(const SendGlobalRequest& command);
    Result<void> submit(const ReplyGlobal& command);
    Result<void> submit(ProveHostKeys command);
    Result<void> submit(ProvideSignature command);
    /// The ticket is of a signature that proves a host key.
    bool wants(Ticket ticket) const { return m_proof && m_proof->ticket == ticket; }

private:
    /// A reply that we owe; those behind it wait.
    struct Owed {
        bool owner = true;  // the owner gives it
        std::optional<Bytes> message;
    };
    /// Server: host keys being proven, one signature after the other.
    struct Proof {
        std::uint64_t owed;  // number of the reply
        std::vector<std::size_t> keys;  // in Config::host_keys
        std::vector<Bytes> signatures;
        Ticket ticket;
    };

    Result<void> receive_request(BytesView payload);
    Result<void> receive_reply(BytesView payload);
    HostKeysProven proven(std::vector<Bytes>& blobs, BytesView payload) const;
    void receive_host_keys(BytesView payload);
    void receive_prove(BytesView payload);
    std::optional<std::vector<std::size_t>> asked_keys(BytesView payload) const;
    void ask_signature();
    void settle(std::uint64_t owed, Bytes message);
    void flush();

    Core& m_core;
    std::vector<Owed> m_owed;  // vectors, not deques: nearly always empty, and one connection is one of thousands
    std::uint64_t m_settled = 0;  // replies sent: the number of m_owed's front
    std::optional<Proof> m_proof;
    /// Replies that we wait for: empty for the owner's, the blobs for a proof of host keys.
    std::vector<std::vector<Bytes>> m_expected;
};

}  // namespace sekisho::ssh
