// Client side of authentication (RFC 4252): asks for the service, then "none" to learn the methods (where the owner wants to), then
// what the owner tries. Owned by the engine of a target hop.
#pragma once

#include <optional>

#include "ssh/commands.h"
#include "ssh/core.h"
#include "ssh/msg_transport.h"
#include "ssh/msg_userauth.h"

namespace sekisho::ssh {

class AuthClient {
public:
    explicit AuthClient(Core& core) : m_core(core) {}

    /// Encrypted both ways: SERVICE_REQUEST, once.
    void start();
    /// A request is with the server.
    bool has_asked() const { return m_request_outstanding; }
    Result<void> receive_service_accept(BytesView payload);
    Result<void> receive_ext_info(BytesView payload);
    Result<void> receive_failure(BytesView payload);
    Result<void> receive_success(BytesView payload);
    Result<void> receive_banner(BytesView payload);
    /// Number 60, whose meaning is a matter of the method that was tried.
    Result<void> receive_method_message(BytesView payload);

    Result<void> submit(TryPublicKey command, const Bytes& host_key);
    Result<void> submit(TryHostBased command);
    Result<void> submit(const ProvideSignature& command);
    Result<void> submit(const SkipSignature& command);
    Result<void> submit(const TryKeyboardInteractive& command);
    Result<void> submit(const AnswerPrompts& command);
    Result<void> submit(const TryPassword& command);

private:
    struct Attempt {
        std::optional<Ticket> ticket;  // waits for the signature
        std::string method, algorithm;
        Bytes key_blob, host_key;
        bool asked_first = false;              // the query is with the server
        std::string client_host, client_user;  // hostbased
    };
    struct Prompting {
        Ticket ticket;
        std::size_t prompts;
    };

    Result<void> receive_key_answer(BytesView payload);
    void want_signature();
    Result<void> receive_info_request(BytesView payload);
    /// The request has left, or waits for the exchange; `method` decides what the answer may be.
    void sent(std::string_view method);
    /// A new attempt ends the server's questions of the last one (RFC 4252 §5.1).
    void begin_with_key();
    void begin_attempt();

    Core& m_core;
    ExtInfo m_peer_info;
    UserauthFailure m_last_failure;
    std::optional<Attempt> m_attempt;
    std::optional<Prompting> m_prompting;
    std::string_view m_method;  // of the request that is outstanding
    unsigned m_rounds = 0;
    bool m_service_requested = false;
    bool m_request_outstanding = false;
    unsigned m_banners = 0;
};

}  // namespace sekisho::ssh
