// TargetQuestions: the sign-in to a target whose auth is `passthrough`: whatever it asks (keyboard-interactive, or a password) is put
// to the user, and the answers are handed back; nothing is kept. Owned by TargetSignIn; loop thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gateway/hop.h"
#include "gateway/sign_in_step.h"

namespace sekisho::gateway {

/// Who can put questions to the user; until the session has begun, nobody else.
class TargetAsker {
public:
    virtual void target_asks(Questions questions) = 0;
    /// The answers were wrong; the target may be asked to ask again.
    virtual void target_refused(const std::string& reason) = 0;
    virtual void target_says(const std::string& banner) = 0;

protected:
    ~TargetAsker() = default;
};

class TargetQuestions {
public:
    /// `failed`: text for the user, reason for the audit.
    TargetQuestions(Hop& target, std::string name, TargetAsker& asker,
        std::function<void(const std::string& text, const std::string& reason)> failed);

    // From the target.
    void methods_offered(const ssh::AuthMethodsOffered& offered);
    void prompts_received(const ssh::PromptsReceived& received);
    void password_change_wanted(const ssh::PasswordChangeWanted& wanted);
    // From the user.
    void answered(std::vector<Secret> answers);
    /// The client began another attempt, after a refusal or in place of an answer.
    void begin_again();

private:
    enum class State { Target, Prompts, Password, NewPassword, Refused };  // whose turn it is

    void start();
    void ask(State state, Questions questions);
    void ask_new_password(const std::string& prompt);

    Hop& m_target;
    std::string m_name;  // "admin@switch1"
    TargetAsker& m_asker;
    std::function<void(const std::string&, const std::string&)> m_failed;
    State m_state = State::Target;
    std::vector<std::string> m_methods;
    bool m_tried = false;
    bool m_interactive_asked = false;    // this attempt's questions came
    bool m_interactive_useless = false;  // offered, but nothing was ever asked
    ssh::Ticket m_ticket;
    Questions m_questions;  // with the user
    Secret m_password;      // while the target wants another one
};

}  // namespace sekisho::gateway
