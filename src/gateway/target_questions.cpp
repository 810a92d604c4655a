#include "gateway/target_questions.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/text.h"

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMostQuestion = 2048;

bool offers(const std::vector<std::string>& methods, std::string_view method) {
    return std::ranges::find(methods, method) != methods.end();
}

}  // namespace

TargetQuestions::TargetQuestions(Hop& target, std::string name, TargetAsker& asker,
    std::function<void(const std::string&, const std::string&)> failed)
    : m_target(target), m_name(std::move(name)), m_asker(asker), m_failed(std::move(failed)) {}

// --- from the target ---

void TargetQuestions::methods_offered(const ssh::AuthMethodsOffered& offered) {
    m_methods = offered.methods;
    m_password = Secret();
    const bool first = !m_tried;
    m_tried = true;
    if (first || offered.partial_success) return start();
    if (m_state == State::Target && !m_interactive_asked && !m_interactive_useless && offers(m_methods, "keyboard-interactive")) {
        // An sshd without PAM offers it and asks nothing.
        m_interactive_useless = true;
        return start();
    }
    m_state = State::Refused;
    m_asker.target_refused("the target did not accept the answers");
}

void TargetQuestions::start() {
    m_state = State::Target;
    m_interactive_asked = false;
    if (offers(m_methods, "keyboard-interactive") && !m_interactive_useless) {
        return m_target.submit(ssh::TryKeyboardInteractive{});
    }
    m_interactive_asked = true;
    if (offers(m_methods, "password")) return ask(State::Password, {{}, {}, {{fmt::format("{}'s password: ", m_name), false}}});
    m_failed(fmt::format("{} takes neither a password nor answers to questions.", m_name),
        "the target offers neither keyboard-interactive nor password");
}

void TargetQuestions::prompts_received(const ssh::PromptsReceived& received) {
    m_interactive_asked = true;
    m_ticket = received.ticket;
    Questions questions{shown(received.name), shown_lines(received.instruction, kMostQuestion), {}};
    for (const auto& prompt : received.prompts)
        questions.prompts.push_back({shown_lines(prompt.text, kMostQuestion), prompt.echo});
    ask(State::Prompts, std::move(questions));
}

void TargetQuestions::password_change_wanted(const ssh::PasswordChangeWanted& wanted) {
    ask_new_password(shown_lines(wanted.prompt, kMostQuestion));
}

void TargetQuestions::ask_new_password(const std::string& prompt) {
    ask(State::NewPassword,
        {{}, prompt,
            {{fmt::format("New password for {}: ", m_name), false}, {fmt::format("New password for {}, again: ", m_name), false}}});
}

// --- with the user ---

/// Everything is headed by who asks: a target must not be able to ask in the gateway's name.
void TargetQuestions::ask(State state, Questions questions) {
    m_state = state;
    const std::string own = std::move(questions.instruction);
    questions.instruction = fmt::format("{} asks:", m_name) + (own.empty() ? "" : "\n" + own);
    m_questions = questions;
    m_asker.target_asks(std::move(questions));
}

void TargetQuestions::answered(std::vector<Secret> answers) {
    if (answers.size() != m_questions.prompts.size()) return;
    const State asked = std::exchange(m_state, State::Target);
    if (asked == State::Prompts) return m_target.submit(ssh::AnswerPrompts{m_ticket, std::move(answers)});
    if (asked == State::Password) {
        m_password = answers[0].clone();
        return m_target.submit(ssh::TryPassword{std::move(answers[0]), std::nullopt});
    }
    if (asked != State::NewPassword) return;
    if (answers[0].empty() || !(answers[0] == answers[1])) return ask_new_password("The new password was not the same twice.");
    m_target.submit(ssh::TryPassword{m_password.clone(), std::move(answers[0])});
}

void TargetQuestions::begin_again() {
    switch (m_state) {
        case State::Target: return;  // its answer goes to the new attempt
        case State::Refused: return start();
        case State::Prompts:
        case State::Password:
        case State::NewPassword: return m_asker.target_asks(m_questions);
    }
}

}  // namespace sekisho::gateway
