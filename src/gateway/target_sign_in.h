// TargetSignIn: how the gateway proves to a target that it may act as this login: with a certificate that its CA signs for
// this session (fresh key, one minute; the signature is asked of the keyholder), with the keys in the user's own agent, by what the user
// answers to the target's questions (target_questions), or with a stored key or password, which the keyholder uses or opens for this one
// sign-in. Owned by TargetHop while it signs in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/agent_client.h"
#include "gateway/hop.h"
#include "gateway/services.h"
#include "gateway/target_questions.h"
#include "keyholder/signer.h"
#include "keys/private_key.h"
#include "model/target_secret.h"

namespace sekisho::gateway {

class TargetSignIn {
public:
    struct Facts {
        model::TargetAuth auth = model::TargetAuth::Certificate;
        std::string login;
        std::vector<std::string> principals;  // of the certificate
        std::string target;
        std::string key_id;  // of the certificate
        std::chrono::seconds life{60};
        bool agent_offered = false;  // the client forwards its agent
        TargetAsker* asker = nullptr;  // passthrough: who can put questions to the user now
        std::optional<model::TargetSecret> secret;  // key, password: what is stored for the login
    };

    struct Tell {
        /// A text for the user and a reason for audit; it may be called inside the other functions.
        std::function<void(const std::string& text, const std::string& reason)> failed;
        /// A certificate was signed: what is in it, for audit.
        std::function<void(const std::string& contents)> certified;
    };

    TargetSignIn(Hop& target, Hop& front, keyholder::Signer& signer, Facts facts, Tell tell);

    /// Tells early what cannot work, before anything is dialled.
    static Result<void> possible(const Facts& facts);

    /// The target is connected: what can be had before it asks for it is asked for now.
    void prepare();
    void methods_offered(const ssh::AuthMethodsOffered& offered);
    void signature_wanted(const ssh::UserSignatureWanted& wanted);
    void prompts_received(const ssh::PromptsReceived& received);
    void password_change_wanted();
    /// Questions and answers of passthrough; nullptr for every other way.
    TargetQuestions* questions() { return m_questions ? &*m_questions : nullptr; }
    void front_gone();

private:
    void show_certificate();
    void certified(Result<Bytes> blob);
    void begin_agent();
    void try_next_identity();
    void show_stored_key();
    void send_stored_password(const std::vector<std::string>& methods);
    /// The password, for `send` to give away at once.
    void open_password(std::function<void(Secret password)> send);
    void refused();

    Hop& m_target;
    Hop& m_front;
    keyholder::Signer& m_signer;
    Facts m_facts;
    Tell m_tell;
    std::optional<TargetQuestions> m_questions;
    std::optional<keys::PrivateKey> m_key;
    Bytes m_certificate;  // of m_key; empty: not signed yet
    bool m_certificate_wanted = false;
    std::unique_ptr<AgentClient> m_agent;
    std::vector<AgentClient::Identity> m_identities;
    std::size_t m_next_identity = 0;
    std::vector<std::string> m_signature_algorithms;
    std::string m_last_text;
    bool m_tried = false;
    bool m_password_sent = false;
    std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);  // watched by answers that come later
};

}  // namespace sekisho::gateway
