// FrontAuth: who is this? Answers the authentication requests of one client. What a login rests on is the signed request alone:
// a key that was only offered proves nothing, and the Grant is made from the key that signed. The answers do not tell an unknown
// user from a wrong key. Owned by FrontHop until the session begins; loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/hop.h"
#include "gateway/services.h"
#include "gateway/sign_in_step.h"
#include "identity/key_owner.h"
#include "policy/decide.h"

namespace sekisho::gateway {

class FrontAuth final : public SignInAsker {
public:
    /// A signed request of a key with an owner: the session may begin → AcceptAuth, or Disconnect.
    using SignedIn = std::function<void(ssh::Ticket, std::shared_ptr<const identity::Grant>, policy::Destination)>;

    /// What this user must answer beside the key, in order. Called once, when the key was accepted; often nothing.
    using StepsFor = std::function<std::vector<std::unique_ptr<SignInStep>>(
        const std::shared_ptr<const identity::Grant>&, const policy::Destination&)>;

    /// Inside a channel of a connection that is signed in already: who that is, and the target that it leads to. The SSH user name is
    /// the login there.
    struct Known {
        std::shared_ptr<const identity::Grant> grant;
        std::string target;
    };

    /// `stranger` is counted until this goes.
    FrontAuth(Services& services, Hop& hop, net::Endpoint peer, Stranger stranger, const model::SshConfig& config,
        std::optional<Known> known, StepsFor steps_for, SignedIn signed_in);

    void requested(const ssh::AuthRequested& request);
    void answered(ssh::PromptsAnswered answered);
    /// The connection ended before it was signed in: one audit record, when anything was tried, and what its network earns.
    void closed();
    /// It will end by our own doing: its network earns nothing.
    void excuse() { m_excused = true; }

private:
    struct Owner {
        identity::KeyOwner key;
        policy::Destination destination;
    };

    // SignInAsker
    void ask(Questions questions) override;
    void passed() override;
    void refused(const std::string& reason, const std::string& text) override;

    void step_requested(const ssh::AuthRequested& request);
    void root_refused(const ssh::AuthRequested& request);
    void key_offered(const ssh::AuthRequested& request);
    void key_signed(const ssh::AuthRequested& request);
    void known_requested(const ssh::AuthRequested& request);
    Result<Owner> owner(
        const model::Access& access, std::vector<identity::KeyOwner> owners, const ssh::AuthRequested& request);
    void granted(const ssh::AuthRequested& request, std::shared_ptr<const identity::Grant> grant, policy::Destination destination);
    void host_signed(const ssh::AuthRequested& request);
    void refuse_host(const ssh::AuthRequested& request, const std::string& reason);
    void refuse(const ssh::AuthRequested& request, const std::string& reason, bool counts);
    void refuse_attempt(ssh::Ticket ticket, const std::string& reason);
    void explain(const std::string& key, const std::string& reason);
    void reject(ssh::Ticket ticket);
    SourcePenalties::Why why_penalised() const;
    void audit(const std::string& reason);

    Services& m_services;
    Hop& m_hop;
    net::Endpoint m_peer;
    Stranger m_stranger;
    TimePoint m_must_be_done;
    std::uint64_t m_attempts_left;
    std::optional<Known> m_known;
    StepsFor m_steps_for;
    SignedIn m_signed_in;
    // From the accepted key on; nothing that comes later changes them.
    std::shared_ptr<const identity::Grant> m_grant;
    policy::Destination m_destination;
    std::vector<std::unique_ptr<SignInStep>> m_steps;
    std::size_t m_step = 0;
    ssh::Ticket m_ticket;  // of the steps' keyboard-interactive
    bool m_waiting = false;  // the client waits for an answer to it
    std::string m_user;
    std::string m_reason;
    std::vector<std::string> m_tried;  // refused keys, as told
    std::vector<std::string> m_hosts_tried;  // what hostbased requests stated, and why they were refused
    std::vector<std::pair<std::string, std::string>> m_untold;  // of those: key, and why
    std::size_t m_told = 0;
    bool m_root_refused = false;
    bool m_asked = false;
    bool m_refused = false;  // an attempt, or the offer of one
    bool m_excused = false;
    bool m_done = false;
};

}  // namespace sekisho::gateway
