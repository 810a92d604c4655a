// Server side of authentication (RFC 4252): parses attempts, verifies signatures over this connection's session id, asks
// the owner, answers. One question at a time; the client's further requests wait, bounded. Owned by the engine.
#pragma once

#include <optional>
#include <vector>

#include "ssh/commands.h"
#include "ssh/core.h"
#include "ssh/msg_userauth.h"

namespace sekisho::ssh {

class AuthServer {
public:
    explicit AuthServer(Core& core) : m_core(core) {}

    /// `host_key`: what we presented, for host-bound signatures.
    Result<void> receive_request(BytesView payload, const Bytes& host_key);
    Result<void> receive_ext_info(BytesView payload);
    /// The client's answers to SendPrompts; wiped here.
    Result<void> receive_answers(MutableBytes payload);
    Result<void> submit(const AcceptAuth& command);
    Result<void> submit(const SendPrompts& command, const Bytes& host_key);
    Result<void> submit(const AcceptKeyQuery& command, const Bytes& host_key);
    Result<void> submit(const RejectAuth& command, const Bytes& host_key);
    Result<void> submit(const LimitUserSignatures& command);
    /// The owner was asked something, and the client waits for the answer.
    bool asks() const { return m_question && !m_prompts; }

private:
    Result<void> ask(BytesView payload, const Bytes& host_key);
    Result<void> ask_public_key(AuthRequested question, const UserauthRequest& request, const Bytes& host_key);
    Result<void> ask_host_based(AuthRequested question, const UserauthRequest& request);
    Result<void> put(AuthRequested question);
    bool accepts(std::string_view algorithm) const;
    /// Sets the question's method and proof from the signature.
    void verify(AuthRequested& question, AuthRequested::Method method, const keys::PublicKey& key, std::string_view algorithm,
                BytesView signed_data, BytesView signature) const;
    Result<void> refuse_now();
    Result<void> next_waiting(const Bytes& host_key);
    bool is_current(Ticket ticket) const;

    Core& m_core;
    std::optional<AuthRequested> m_question;
    std::optional<std::vector<std::string>> m_limited_to;  // signature algorithms, of the policy's
    std::optional<std::size_t> m_prompts;  // the question is with the client: answers wanted
    std::vector<Bytes> m_waiting;
    std::vector<std::string> m_methods{std::string(kPublicKeyMethod)};  // as the owner last said
    std::string m_user;
    unsigned m_attempts = 0;
    unsigned m_failures = 0;
};

}  // namespace sekisho::ssh
