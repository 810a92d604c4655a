// PassthroughStep: the sign-in step of users who go to a target whose auth is `passthrough`: the session's record begins, the target
// hop is made, and what the target asks is put to the client before its own sign-in is accepted (docs/adr/0007). Owned by FrontAuth;
// loop thread only.
#pragma once

#include <memory>

#include "gateway/sign_in_step.h"
#include "gateway/target_hop.h"

namespace sekisho::gateway {

class FrontHop;

class PassthroughStep final : public SignInStep, public TargetUser, public TargetAsker {
public:
    /// Begins the session's record, then calls the function, or ends the connection.
    using BeginRecord = std::function<void(std::function<void()> begun)>;

    PassthroughStep(FrontHop& front, BeginRecord begin_record) : m_front(front), m_begin_record(std::move(begin_record)) {}
    ~PassthroughStep() override;

    void begin(SignInAsker& asker) override;
    void answered(std::vector<Secret> answers) override;

private:
    void target_ready() override;
    void target_lost(const std::string& text) override;
    void target_asks(Questions questions) override;
    void target_refused(const std::string& reason) override;
    void target_says(const std::string& banner) override;

    void connect();

    FrontHop& m_front;
    BeginRecord m_begin_record;
    SignInAsker* m_asker = nullptr;
    TargetHop* m_target = nullptr;
    bool m_beginning = false;
    std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);
};

}  // namespace sekisho::gateway
