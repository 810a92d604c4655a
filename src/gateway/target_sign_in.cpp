#include "gateway/target_sign_in.h"

#include <algorithm>

#include <fmt/format.h>

#include "keys/certificate.h"

namespace sekisho::gateway {

namespace {

/// The best algorithm for this key that the target's server-sig-algs names (RFC 8308); without that list, the first.
std::string algorithm_for(const keys::PublicKey& key, const std::vector<std::string>& permitted) {
    const auto algorithms = key.algorithms();
    for (const auto& name : algorithms) {
        if (permitted.empty() || std::ranges::find(permitted, name) != permitted.end()) return name;
    }
    return {};
}

}  // namespace

TargetSignIn::TargetSignIn(Hop& target, Hop& front, keyholder::Signer& signer, Facts facts, Tell tell)
    : m_target(target), m_front(front), m_signer(signer), m_facts(std::move(facts)), m_tell(std::move(tell)) {
    if (m_facts.asker != nullptr) m_questions.emplace(target, m_facts.login + "@" + m_facts.target, *m_facts.asker, m_tell.failed);
}

Result<void> TargetSignIn::possible(const Facts& facts) {
    switch (facts.auth) {
        case model::TargetAuth::Certificate: return {};
        case model::TargetAuth::Agent:
            if (facts.agent_offered) return {};
            return fail(fmt::format(
                "{} is signed in to with the keys of your own agent, and your client does not forward it. Connect "
                "with -A (ForwardAgent yes).",
                facts.target));
        case model::TargetAuth::Passthrough:
            if (facts.asker != nullptr) return {};
            return fail(fmt::format("{0} asks for a password of its own, which the gateway passes on while you sign in. Name it when you "
                                    "connect: ssh {1}@{0}@GATEWAY.",
                facts.target, facts.login));
        case model::TargetAuth::Key:
        case model::TargetAuth::Password: return {};  // what is stored is read next
    }
    return fail("The gateway does not know how to sign in there.");
}

void TargetSignIn::methods_offered(const ssh::AuthMethodsOffered& offered) {
    if (m_questions) return m_questions->methods_offered(offered);
    if (!offered.signature_algorithms.empty()) m_signature_algorithms = offered.signature_algorithms;
    if (m_facts.auth == model::TargetAuth::Password) return m_tried ? refused() : send_stored_password(offered.methods);
    if (std::ranges::find(offered.methods, "publickey") == offered.methods.end()) {
        return m_tell.failed(fmt::format("{} does not let {} sign in with a key.", m_facts.target, m_facts.login),
            "the target does not offer publickey");
    }
    if (offered.partial_success) {
        return m_tell.failed(
            fmt::format("{} wants more than a key for {}, which the gateway does not have.", m_facts.target, m_facts.login),
            "the target wants another method after publickey");
    }
    const bool first = !m_tried;
    m_tried = true;
    if (m_facts.auth == model::TargetAuth::Certificate) {
        if (!first) return refused();
        m_certificate_wanted = true;
        return show_certificate();
    }
    if (m_facts.auth == model::TargetAuth::Key) return first ? show_stored_key() : refused();
    first ? begin_agent() : try_next_identity();
}

void TargetSignIn::prepare() {
    if (m_facts.auth != model::TargetAuth::Certificate) return;
    m_key = keys::PrivateKey::generate(keys::KeyKind::Ed25519);
    keyholder::CertificateWish wish;
    wish.key = base::to_bytes(m_key->public_key().blob());
    wish.principals = m_facts.principals;
    wish.key_id = m_facts.key_id;
    wish.ahead = m_facts.life;
    // What the session may do was decided before; the certificate must not stand in its way.
    wish.extensions = {{"permit-X11-forwarding", ""}, {"permit-agent-forwarding", ""}, {"permit-port-forwarding", ""},
        {"permit-pty", ""}, {"permit-user-rc", ""}};
    m_signer.certify(wish, [this, alive = std::weak_ptr(m_alive)](Result<Bytes> blob) {
        if (alive.lock()) certified(std::move(blob));
    });
}

void TargetSignIn::certified(Result<Bytes> blob) {
    if (!blob) {
        return m_tell.failed(
            fmt::format("There is no certificate for {}: {}.", m_facts.target, blob.error().text), blob.error().full());
    }
    m_tell.certified(
        fmt::format("for {} s, key {}, {}", m_facts.life.count(), m_key->public_key().fingerprint(), m_facts.key_id));
    m_certificate = std::move(*blob);
    show_certificate();
}

void TargetSignIn::show_certificate() {
    if (!m_certificate_wanted || m_certificate.empty()) return;
    m_target.submit(ssh::TryPublicKey{keys::certificate_name("ssh-ed25519"), std::exchange(m_certificate, {})});
}

void TargetSignIn::begin_agent() {
    m_agent = std::make_unique<AgentClient>(m_front);
    m_agent->identities([this](Result<std::vector<AgentClient::Identity>> identities) {
        if (!identities) {
            return m_tell.failed(
                fmt::format("The sign-in to {} needs your agent: {}.", m_facts.target, identities.error().text),
                identities.error().full());
        }
        m_identities = std::move(*identities);
        try_next_identity();
    });
}

void TargetSignIn::try_next_identity() {
    while (m_next_identity < m_identities.size()) {
        const auto& identity = m_identities[m_next_identity++];
        std::string algorithm;
        if (auto key = keys::PublicKey::from_blob(identity.blob)) {
            algorithm = algorithm_for(*key, m_signature_algorithms);
        } else if (auto certificate = keys::Certificate::from_blob(identity.blob)) {
            algorithm = algorithm_for(certificate->key(), m_signature_algorithms);
            if (!algorithm.empty()) algorithm = keys::certificate_name(algorithm);
        }
        if (algorithm.empty()) continue;
        // Each signature may be a question on the user's screen, or a touch.
        m_target.submit(ssh::TryPublicKey{std::move(algorithm), identity.blob, true});
        return;
    }
    refused();
}

// --- what is stored ---

void TargetSignIn::show_stored_key() {
    const auto key = keys::PublicKey::from_line(m_facts.secret->public_key);
    const std::string algorithm = key ? algorithm_for(*key, m_signature_algorithms) : std::string();
    if (algorithm.empty()) {
        return m_tell.failed(
            fmt::format("{} takes no signature that the key stored for {} could make.", m_facts.target, m_facts.login),
            "no algorithm of the stored key is permitted by the target");
    }
    m_target.submit(ssh::TryPublicKey{algorithm, base::to_bytes(key->blob())});
}

/// Once, whatever comes of it: a target may lock an account that is tried again and again.
void TargetSignIn::send_stored_password(const std::vector<std::string>& methods) {
    m_tried = true;
    const auto offers = [&](std::string_view method) { return std::ranges::find(methods, method) != methods.end(); };
    if (offers("password")) {
        return open_password(
            [this](Secret password) { m_target.submit(ssh::TryPassword{std::move(password), std::nullopt}); });
    }
    if (offers("keyboard-interactive")) return m_target.submit(ssh::TryKeyboardInteractive{});
    m_tell.failed(fmt::format("{} does not let {} sign in with a password.", m_facts.target, m_facts.login),
        "the target offers neither password nor keyboard-interactive");
}

/// What asks for one answer and does not show it asks for the password. The question itself is the target's, and is not believed.
void TargetSignIn::prompts_received(const ssh::PromptsReceived& received) {
    if (m_facts.auth != model::TargetAuth::Password) return;
    if (received.prompts.empty()) return m_target.submit(ssh::AnswerPrompts{received.ticket, {}});
    if (m_password_sent || received.prompts.size() != 1 || received.prompts.front().echo) {
        return m_tell.failed(
            fmt::format("{} asks for more than the password that is stored for {}.", m_facts.target, m_facts.login),
            "the target asks for something else than a password");
    }
    open_password([this, ticket = received.ticket](Secret password) {
        std::vector<Secret> answers;
        answers.push_back(std::move(password));
        m_target.submit(ssh::AnswerPrompts{ticket, std::move(answers)});
    });
}

void TargetSignIn::password_change_wanted() {
    m_tell.failed(
        fmt::format(
            "{} wants another password for {}: the stored one has expired. An administrator changes it there, and then "
            "here: sekisho target secret set {} --login {} --password-stdin",
            m_facts.target, m_facts.login, m_facts.target, m_facts.login),
        "the stored password has expired");
}

void TargetSignIn::open_password(std::function<void(Secret password)> send) {
    m_password_sent = true;
    const keyholder::StoredCredential credential{m_facts.target, m_facts.login, m_facts.secret->wrapped};
    m_signer.open_password(credential, [this, alive = std::weak_ptr(m_alive), send = std::move(send)](Result<Bytes> opened) {
        std::optional<Secret> password;
        if (opened) {
            password.emplace(BytesView(*opened));
            base::wipe(*opened);
        }
        if (!alive.lock()) return;
        if (password) return send(std::move(*password));
        m_tell.failed(fmt::format("The password stored for {}@{} cannot be used: {}.", m_facts.login, m_facts.target,
                          opened.error().text),
            opened.error().full());
    });
}

void TargetSignIn::refused() {
    if (m_facts.auth == model::TargetAuth::Key || m_facts.auth == model::TargetAuth::Password) {
        const std::string_view kind = model::name(m_facts.auth);
        return m_tell.failed(
            fmt::format("{} did not accept the {} that is stored for the login {}. An administrator stores the right one "
                        "(sekisho target secret set {} --login {}).",
                m_facts.target, kind, m_facts.login, m_facts.target, m_facts.login),
            fmt::format("the target refused the stored {}", kind));
    }
    if (m_facts.auth == model::TargetAuth::Certificate) {
        return m_tell.failed(
            fmt::format("{0} did not accept the gateway's certificate for the login {1}. Its administrator checks that {1} "
                        "exists there, that it is open to {2}, and that TrustedUserCAKeys names this gateway's CA (sekisho ca show).",
                m_facts.target, m_facts.login, fmt::join(m_facts.principals, " or ")),
            "the target refused the certificate");
    }
    m_tell.failed(fmt::format("{} accepted none of the {} keys in your agent for the login {}.", m_facts.target,
                      m_identities.size(), m_facts.login),
        "the target refused every key of the user's agent");
}

void TargetSignIn::signature_wanted(const ssh::UserSignatureWanted& wanted) {
    const std::string algorithm =
        keys::is_certificate_name(wanted.algorithm) ? keys::plain_name(wanted.algorithm) : wanted.algorithm;
    if (m_key) {
        auto signature = m_key->sign(algorithm, wanted.data);
        if (!signature) return m_target.submit(ssh::SkipSignature{wanted.ticket});
        return m_target.submit(ssh::ProvideSignature{wanted.ticket, std::move(*signature)});
    }
    if (m_facts.auth == model::TargetAuth::Key) {
        const keyholder::StoredCredential credential{m_facts.target, m_facts.login, m_facts.secret->wrapped};
        return m_signer.sign_as_stored(credential, algorithm, wanted.data,
            [this, alive = std::weak_ptr(m_alive), ticket = wanted.ticket](Result<Bytes> signature) {
                if (!alive.lock()) return;
                if (signature) return m_target.submit(ssh::ProvideSignature{ticket, std::move(*signature)});
                m_tell.failed(fmt::format("The key stored for {}@{} cannot be used: {}.", m_facts.login, m_facts.target,
                                  signature.error().text),
                    signature.error().full());
            });
    }
    if (!m_agent || m_next_identity == 0) return m_target.submit(ssh::SkipSignature{wanted.ticket});
    m_agent->sign(m_identities[m_next_identity - 1].blob, wanted.data, algorithm,
        [this, ticket = wanted.ticket](Result<Bytes> signature) {
            if (!signature) return m_target.submit(ssh::SkipSignature{ticket});
            m_target.submit(ssh::ProvideSignature{ticket, std::move(*signature)});
        });
}

void TargetSignIn::front_gone() {
    if (m_agent) m_agent->front_gone();
}

}  // namespace sekisho::gateway
