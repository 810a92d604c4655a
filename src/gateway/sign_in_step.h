// SignInStep: what a user must answer after the key was accepted and before the session begins ("key, then a code"). FrontAuth runs
// the steps in order within keyboard-interactive, the rounds of one behind those of the other; what the key's Grant says does not
// change by them. One class for each kind of step: a target's own password (passthrough_step), codes. Owned by FrontAuth; loop thread only.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "ssh/types.h"

namespace sekisho::gateway {

struct Questions {
    std::string name, instruction;
    std::vector<ssh::Prompt> prompts;  // none: the instruction is shown, and answered without answers
};

/// FrontAuth, as a step sees it. For each begin() and answered(), exactly one of these, now or later.
class SignInAsker {
public:
    virtual void ask(Questions questions) = 0;
    virtual void passed() = 0;
    /// `reason` is for the audit. `text`, if not empty: it makes no sense to try again, the user reads this and the connection ends.
    virtual void refused(const std::string& reason, const std::string& text) = 0;

protected:
    ~SignInAsker() = default;
};

class SignInStep {
public:
    virtual ~SignInStep() = default;
    /// The client begins to answer; again after refused(), or when it gave up in between.
    virtual void begin(SignInAsker& asker) = 0;
    /// As many as there were prompts.
    virtual void answered(std::vector<Secret> answers) = 0;
};

}  // namespace sekisho::gateway
