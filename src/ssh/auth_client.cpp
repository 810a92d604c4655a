#include "ssh/auth_client.h"

#include <algorithm>

#include "base/assert.h"
#include "ssh/msg_userauth_interactive.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

void AuthClient::start() {
    if (m_service_requested) return;
    m_service_requested = true;
    m_core.send(encode_service_request(kUserauthService));
    if (m_core.config.begin_early && !m_core.config.ask_methods) begin_with_key();
}

/// The answer to a key names the methods as well, and "none" costs a round trip.
void AuthClient::begin_with_key() {
    m_last_failure.methods = {"publickey"};
    m_core.events.push(AuthMethodsOffered{m_last_failure.methods, false, m_peer_info.signature_algorithms});
}

Result<void> AuthClient::receive_service_accept(BytesView payload) {
    auto service = decode_service(payload);
    if (!service) return std::unexpected(service.error());
    if (!m_service_requested || *service != kUserauthService) {
        return fail("the server accepted a service that was not asked for");
    }
    if (!m_core.config.ask_methods) {
        if (!m_core.config.begin_early) begin_with_key();
        return {};
    }
    m_core.send(encode_userauth_none(m_core.config.user));
    sent("none");
    return {};
}

void AuthClient::sent(std::string_view method) {
    m_method = method;
    m_request_outstanding = true;
}

void AuthClient::begin_attempt() {
    SEKISHO_ASSERT(!m_attempt && !m_request_outstanding);
    m_prompting.reset();
    m_rounds = 0;
}

Result<void> AuthClient::receive_ext_info(BytesView payload) {
    auto info = decode_ext_info(payload, m_peer_info);
    if (!info) return std::unexpected(info.error());
    m_peer_info = std::move(*info);
    return {};
}

Result<void> AuthClient::receive_failure(BytesView payload) {
    auto failure = decode_userauth_failure(payload);
    if (!failure) return std::unexpected(failure.error());
    if (!m_request_outstanding) return fail("an authentication answer without a question");
    m_request_outstanding = false;
    m_attempt.reset();
    m_last_failure = *failure;
    m_core.events.push(AuthMethodsOffered{failure->methods, failure->partial_success, m_peer_info.signature_algorithms});
    return {};
}

Result<void> AuthClient::receive_success(BytesView payload) {
    if (payload.size() != 1) return fail("malformed USERAUTH_SUCCESS");
    if (!m_request_outstanding) return fail("an authentication answer without a question");
    m_request_outstanding = false;
    m_attempt.reset();
    m_core.authenticated = true;
    m_core.events.push(AuthSucceeded{});
    return {};
}

Result<void> AuthClient::receive_banner(BytesView payload) {
    auto text = decode_userauth_banner(payload);
    if (!text) return std::unexpected(text.error());
    if (++m_banners > limits::kBanners) return fail("too many banners");
    m_core.events.push(BannerReceived{std::move(*text)});
    return {};
}

Result<void> AuthClient::submit(TryPublicKey command, const Bytes& host_key) {
    begin_attempt();
    Attempt attempt;
    attempt.method = m_peer_info.hostbound ? kHostboundMethod : kPublicKeyMethod;
    attempt.algorithm = std::move(command.algorithm);
    attempt.key_blob = std::move(command.key_blob);
    if (m_peer_info.hostbound) attempt.host_key = host_key;
    m_attempt = std::move(attempt);
    if (!command.ask_first) {
        want_signature();
        return {};
    }
    m_attempt->ticket.reset();
    m_attempt->asked_first = true;
    m_core.send(encode_public_key_query(
        m_core.config.user, m_attempt->method, m_attempt->algorithm, m_attempt->key_blob, m_attempt->host_key));
    sent(kPublicKeyMethod);
    return {};
}

void AuthClient::want_signature() {
    m_attempt->ticket = m_core.new_ticket();
    m_core.events.push(UserSignatureWanted{*m_attempt->ticket, m_attempt->algorithm,
                                           public_key_signed_data(m_core.session_id, m_core.config.user, m_attempt->method,
                                                                  m_attempt->algorithm, m_attempt->key_blob, m_attempt->host_key)});
}

/// What is signed is what we asked about, and the answer has to be about the same.
Result<void> AuthClient::receive_key_answer(BytesView payload) {
    // RFC 4252 §7: PK_OK answers a query, and a signed request is none.
    if (!m_attempt || !m_attempt->asked_first) return fail("an authentication answer to another question");
    auto answer = decode_userauth_pk_ok(payload);
    if (!answer) return std::unexpected(answer.error());
    if (answer->algorithm != m_attempt->algorithm || !std::ranges::equal(answer->key_blob, m_attempt->key_blob)) {
        return fail("the server accepts a key that it was not asked about");
    }
    m_attempt->asked_first = false;
    m_request_outstanding = false;
    want_signature();
    return {};
}

Result<void> AuthClient::submit(TryHostBased command) {
    begin_attempt();
    Attempt attempt;
    attempt.ticket = m_core.new_ticket();
    attempt.method = kHostBasedMethod;
    attempt.algorithm = std::move(command.algorithm);
    attempt.key_blob = std::move(command.key_blob);
    attempt.client_host = std::move(command.client_host);
    attempt.client_user = std::move(command.client_user);
    const HostBasedPart part{attempt.algorithm, attempt.key_blob, attempt.client_host, attempt.client_user, {}};
    m_core.events.push(UserSignatureWanted{
        *attempt.ticket, attempt.algorithm, host_based_signed_data(m_core.session_id, m_core.config.user, part)});
    m_attempt = std::move(attempt);
    return {};
}

Result<void> AuthClient::submit(const ProvideSignature& command) {
    if (!m_attempt || m_attempt->ticket != command.ticket) return {};
    m_attempt->ticket.reset();
    const Attempt& attempt = *m_attempt;
    if (attempt.method == kHostBasedMethod) {
        m_core.send(encode_host_based_request(m_core.config.user,
            {attempt.algorithm, attempt.key_blob, attempt.client_host, attempt.client_user, command.signature}));
        sent(kHostBasedMethod);
        return {};
    }
    m_core.send(encode_public_key_request(m_core.config.user, attempt.method, attempt.algorithm, attempt.key_blob,
                                          attempt.host_key, command.signature));
    sent(kPublicKeyMethod);
    return {};
}

Result<void> AuthClient::submit(const SkipSignature& command) {
    if (!m_attempt || m_attempt->ticket != command.ticket) return {};
    m_attempt.reset();
    m_core.events.push(
        AuthMethodsOffered{m_last_failure.methods, m_last_failure.partial_success, m_peer_info.signature_algorithms});
    return {};
}

// --- passwords and questions ---------------------------------------------------------------------------------------

Result<void> AuthClient::submit(const TryPassword& command) {
    begin_attempt();
    Bytes request = encode_password_request(m_core.config.user, command.password,
                                            command.new_password ? &*command.new_password : nullptr);
    m_core.send(request);
    base::wipe(request);
    sent(kPasswordMethod);
    return {};
}

Result<void> AuthClient::submit(const TryKeyboardInteractive& command) {
    begin_attempt();
    m_core.send(encode_interactive_request(m_core.config.user, command.submethods));
    sent(kInteractiveMethod);
    return {};
}

Result<void> AuthClient::receive_method_message(BytesView payload) {
    if (!m_request_outstanding) return fail("an authentication answer without a question");
    if (m_method == kInteractiveMethod) return receive_info_request(payload);
    if (m_method == kPasswordMethod) {
        auto prompt = decode_password_change(payload);
        if (!prompt) return std::unexpected(prompt.error());
        m_request_outstanding = false;
        m_core.events.push(PasswordChangeWanted{std::move(*prompt)});
        return {};
    }
    return receive_key_answer(payload);
}

Result<void> AuthClient::receive_info_request(BytesView payload) {
    auto request = decode_info_request(payload);
    if (!request) return std::unexpected(request.error());
    if (++m_rounds > limits::kPromptRounds) return fail("the server does not stop asking");
    m_request_outstanding = false;
    m_prompting = Prompting{m_core.new_ticket(), request->prompts.size()};
    m_core.events.push(PromptsReceived{m_prompting->ticket, std::move(request->name), std::move(request->instruction),
                                       std::move(request->prompts)});
    return {};
}

Result<void> AuthClient::submit(const AnswerPrompts& command) {
    if (!m_prompting || m_prompting->ticket != command.ticket) return {};
    SEKISHO_ASSERT(command.answers.size() == m_prompting->prompts);
    m_prompting.reset();
    Bytes response = encode_info_response(command.answers);
    m_core.send(response);
    base::wipe(response);
    sent(kInteractiveMethod);
    return {};
}

}  // namespace sekisho::ssh
