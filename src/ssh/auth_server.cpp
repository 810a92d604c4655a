#include "ssh/auth_server.h"

#include <algorithm>

#include "base/assert.h"
#include "keys/certificate.h"
#include "keys/public_key.h"
#include "ssh/msg_transport.h"
#include "ssh/msg_userauth_interactive.h"

namespace sekisho::ssh {

namespace limits = wire::limits;

namespace {

// The key that must have signed with this algorithm: the plain key, or the one inside a certificate.
Result<keys::PublicKey> signing_key(const std::string& algorithm, BytesView blob) {
    auto key = keys::PublicKey::from_blob(blob);
    if (keys::is_certificate_name(algorithm)) {
        auto certificate = keys::Certificate::from_blob(blob);
        if (!certificate) return std::unexpected(certificate.error());
        key = certificate->key();
    }
    if (!key) return key;
    const auto algorithms = key->algorithms();
    if (std::ranges::find(algorithms, keys::plain_name(algorithm)) == algorithms.end()) {
        return fail("the signature algorithm does not fit the key", algorithm);
    }
    return key;
}

}  // namespace

Result<void> AuthServer::receive_request(BytesView payload, const Bytes& host_key) {
    if (m_prompts) {  // the client gave up answering (RFC 4252 §5.1)
        m_prompts.reset();
        m_question.reset();
    }
    if (m_question) {
        if (m_waiting.size() >= limits::kWaitingAuthRequests) return fail("too many authentication requests at once");
        m_waiting.push_back(base::to_bytes(payload));
        return {};
    }
    return ask(payload, host_key);
}

Result<void> AuthServer::ask(BytesView payload, const Bytes& host_key) {
    auto request = decode_userauth_request(payload);
    if (!request) return std::unexpected(request.error());
    if (request->service != kConnectionService) {
        return m_core.end(DisconnectReason::ServiceNotAvailable, "only ssh-connection can be asked for");
    }
    // What an attempt may do belongs to one user name; a change in mid-sequence is how restrictions get lost elsewhere.
    if (m_attempts == 0) {
        m_user = request->user;
    } else if (m_user != request->user) {
        return fail("the user name changed during authentication");
    }
    if (++m_attempts > limits::kAuthAttempts) {
        return m_core.end(DisconnectReason::NoMoreAuthMethods, "too many authentication attempts");
    }
    AuthRequested question;
    question.user = request->user;
    question.method_name = request->method;
    question.hostbound = request->method == kHostboundMethod;
    if (request->method == kPublicKeyMethod || question.hostbound) return ask_public_key(std::move(question), *request, host_key);
    if (request->method == kHostBasedMethod) return ask_host_based(std::move(question), *request);
    question.method = request->method == "none" ? AuthRequested::Method::None : AuthRequested::Method::Other;
    if (request->method == kInteractiveMethod) {
        auto submethods = decode_interactive_part(request->method_data);
        if (!submethods) return std::unexpected(submethods.error());
        question.method = AuthRequested::Method::KeyboardInteractive;
        question.submethods = std::move(*submethods);
    }
    return put(std::move(question));
}

Result<void> AuthServer::put(AuthRequested question) {
    question.ticket = m_core.new_ticket();
    m_question = question;
    m_core.events.push(std::move(question));
    return {};
}

bool AuthServer::accepts(std::string_view algorithm) const {
    const auto& accepted = m_limited_to ? *m_limited_to : m_core.config.algorithms->user_signatures;
    return std::ranges::find(accepted, algorithm) != accepted.end();
}

Result<void> AuthServer::receive_ext_info(BytesView payload) {
    auto info = decode_ext_info(payload);
    if (!info) return std::unexpected(info.error());
    m_core.ext_info_in_auth = info->in_auth;
    return {};
}

Result<void> AuthServer::submit(const LimitUserSignatures& command) {
    if (m_core.authenticated) return {};
    std::vector<std::string> left;
    for (const std::string& name : m_core.config.algorithms->user_signatures) {
        if (std::ranges::find(command.algorithms, name) != command.algorithms.end() && accepts(name)) left.push_back(name);
    }
    if (m_core.ext_info_in_auth) m_core.send(encode_user_ext_info(left));
    m_limited_to = std::move(left);
    return {};
}

Result<void> AuthServer::ask_public_key(AuthRequested question, const UserauthRequest& request, const Bytes& host_key) {
    auto part = decode_public_key_part(request.method_data, question.hostbound);
    if (!part) return std::unexpected(part.error());
    if (question.hostbound && !std::ranges::equal(part->host_key, host_key)) {
        return fail("host-bound signature for another host key");
    }
    question.algorithm = part->algorithm;
    question.key_blob = base::to_bytes(part->key_blob);
    if (!accepts(part->algorithm)) return refuse_now();
    auto key = signing_key(part->algorithm, part->key_blob);
    if (!key) return refuse_now();

    question.method = AuthRequested::Method::PublicKeyQuery;
    if (part->has_signature) {
        const Bytes signed_data = public_key_signed_data(m_core.session_id, request.user, request.method, part->algorithm,
                                                         part->key_blob, part->host_key);
        verify(question, AuthRequested::Method::PublicKey, *key, part->algorithm, signed_data, part->signature);
    }
    return put(std::move(question));
}

void AuthServer::verify(AuthRequested& question, AuthRequested::Method method, const keys::PublicKey& key,
                        std::string_view algorithm, BytesView signed_data, BytesView signature) const {
    const auto details = key.verify_details(keys::plain_name(algorithm), signed_data, signature);
    const bool untouched = details && keys::is_security_key(key.kind()) && !details->touched;
    if (!details || (untouched && !m_core.config.accept_untouched)) {
        question.method = AuthRequested::Method::BadSignature;
        return;
    }
    question.method = method;
    question.proof = *details;
}

Result<void> AuthServer::ask_host_based(AuthRequested question, const UserauthRequest& request) {
    auto part = decode_host_based_part(request.method_data);
    if (!part) return std::unexpected(part.error());
    if (!accepts(part->algorithm)) return refuse_now();
    auto key = signing_key(part->algorithm, part->key_blob);
    if (!key) return refuse_now();
    const Bytes signed_data = host_based_signed_data(m_core.session_id, request.user, *part);
    verify(question, AuthRequested::Method::HostBased, *key, part->algorithm, signed_data, part->signature);
    question.algorithm = std::move(part->algorithm);
    question.key_blob = base::to_bytes(part->key_blob);
    question.client_host = std::move(part->client_host);
    question.client_user = std::move(part->client_user);
    return put(std::move(question));
}

Result<void> AuthServer::receive_answers(MutableBytes payload) {
    auto answers = decode_info_response(payload);
    base::wipe(payload);
    if (!answers) return std::unexpected(answers.error());
    if (!m_prompts) return fail("answers that nobody asked for");
    const std::size_t wanted = *m_prompts;
    m_prompts.reset();
    if (answers->size() != wanted) {
        // RFC 4256 §3.4: "the server MUST send a failure message."
        m_question.reset();
        return refuse_now();
    }
    m_question->ticket = m_core.new_ticket();
    m_core.events.push(PromptsAnswered{m_question->ticket, std::move(*answers)});
    return {};
}

Result<void> AuthServer::submit(const SendPrompts& command, const Bytes& host_key) {
    if (!is_current(command.ticket)) return {};
    SEKISHO_ASSERT(m_question->method == AuthRequested::Method::KeyboardInteractive && !m_prompts);
    SEKISHO_ASSERT(command.prompts.size() <= limits::kPrompts);
    m_core.send(encode(InfoRequest{command.name, command.instruction, command.prompts}));
    m_prompts = command.prompts.size();
    if (m_waiting.empty()) return {};
    // The client has already gone on to another attempt.
    m_prompts.reset();
    m_question.reset();
    return next_waiting(host_key);
}

Result<void> AuthServer::refuse_now() {
    m_core.send(encode(UserauthFailure{m_methods, false}));
    if (++m_failures > limits::kAuthFailures) {
        return m_core.end(DisconnectReason::NoMoreAuthMethods, "too many authentication failures");
    }
    return {};
}

bool AuthServer::is_current(Ticket ticket) const { return m_question && m_question->ticket == ticket; }

Result<void> AuthServer::submit(const AcceptAuth& command) {
    if (!is_current(command.ticket)) return {};
    SEKISHO_ASSERT(m_question->method != AuthRequested::Method::PublicKeyQuery);
    SEKISHO_ASSERT(m_question->method != AuthRequested::Method::BadSignature && !m_prompts);
    m_question.reset();
    m_waiting.clear();
    m_core.send(encode_userauth_success());
    m_core.authenticated = true;
    return {};
}

Result<void> AuthServer::submit(const AcceptKeyQuery& command, const Bytes& host_key) {
    if (!is_current(command.ticket)) return {};
    SEKISHO_ASSERT(m_question->method == AuthRequested::Method::PublicKeyQuery);
    m_core.send(encode_userauth_pk_ok(m_question->algorithm, m_question->key_blob));
    m_question.reset();
    return next_waiting(host_key);
}

Result<void> AuthServer::submit(const RejectAuth& command, const Bytes& host_key) {
    if (!is_current(command.ticket)) return {};
    const bool counts = m_question->method != AuthRequested::Method::None;
    m_prompts.reset();
    m_question.reset();
    m_methods = command.methods;
    m_core.send(encode(UserauthFailure{command.methods, command.partial_success}));
    if (counts && !command.partial_success && ++m_failures > limits::kAuthFailures) {
        return m_core.end(DisconnectReason::NoMoreAuthMethods, "too many authentication failures");
    }
    return next_waiting(host_key);
}

Result<void> AuthServer::next_waiting(const Bytes& host_key) {
    while (!m_question && !m_waiting.empty()) {
        const Bytes payload = std::move(m_waiting.front());
        m_waiting.erase(m_waiting.begin());
        if (auto asked = ask(payload, host_key); !asked) return asked;
    }
    return {};
}

}  // namespace sekisho::ssh
