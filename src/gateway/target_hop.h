// TargetHop: the gateway's own SSH connection to one login on one target, for one front connection: route, host key, sign-in.
// All channels of that front connection share it, so that a second session costs no handshake. Owned by FrontHop, on its loop.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/hop.h"
#include "gateway/inward_channel.h"
#include "gateway/route_dial.h"
#include "gateway/services.h"
#include "gateway/target_sign_in.h"
#include "gateway/target_user.h"

namespace sekisho::gateway {

class FrontHop;

class TargetHop final : public HopOwner {
public:
    /// `target.route`: the way that this hop goes. `behind`: targets that wait for it.
    TargetHop(FrontHop& front, model::Target target, std::string login, std::vector<std::string> behind);
    ~TargetHop();

    void start();
    /// `target_ready` is called at once when the hop is ready already.
    void join(TargetUser& user);
    void leave(TargetUser& user);

    Hop& hop() { return *m_hop; }
    const model::Target& target() const { return m_target; }
    const std::string& login() const { return m_login; }
    /// "ubuntu@web1"
    std::string name() const { return m_login + "@" + m_target.name; }
    bool over() const { return m_over; }

    /// Passthrough: who puts the target's questions to the user while it signs in; nullptr: nobody any more.
    void asker(TargetAsker* asker) { m_asker = asker; }
    void answer(std::vector<Secret> answers);
    /// Passthrough: the user begins to answer anew.
    void ask_again();

    /// A session that may use the user's agent (or display) on the target begins or ends. Without one, such channels are refused and
    /// closed.
    void inward_wanted(InwardKind kind, bool wanted);
    /// It needs no other target on its way any more.
    void stop_dialing() { m_dial.reset(); }
    /// The front hop ended: this one ends too, silently.
    void front_gone();
    void credit_released();
    void inward_ended(InwardChannel& channel);

private:
    void hop_event(Hop& hop, ssh::Event& event) override;
    void hop_over(Hop& hop, const std::string& reason) override;

    /// What the certificate will name: an error is a text for the user.
    Result<void> find_principals();
    TargetSignIn::Facts sign_in_facts() const;
    /// Host keys that were learned, and what is stored to sign in with.
    void load_stored();
    bool has_stored_auth() const {
        return m_target.auth == model::TargetAuth::Key || m_target.auth == model::TargetAuth::Password;
    }
    void dial();
    void dialed(Result<std::unique_ptr<net::Stream>> stream);
    void host_key_offered(const ssh::HostKeyOffered& offered);
    void learn(ssh::Ticket ticket, const std::string& line);
    model::AuditRecord learned_record(const std::string& reason) const;
    void group_offered(ssh::GroupOffered group);
    void host_keys_announced(const ssh::HostKeysAnnounced& announced);
    void host_keys_proven(const ssh::HostKeysProven& proven);
    void ready();
    void channel_requested(const ssh::ChannelOpenRequested& request);
    Result<InwardChannel::Plan> plan(const ssh::ChannelOpenRequested& request);
    std::size_t inward_count(InwardKind kind) const;
    /// Ends before or after it was ready: `text` for users, `reason` for audit.
    void fail(const std::string& text, const std::string& reason, std::string kind);

    FrontHop& m_front;
    model::Target m_target;
    std::string m_login;
    std::vector<std::string> m_principals;  // of the certificate
    std::vector<std::string> m_behind;
    std::vector<std::string> m_learned;
    std::optional<model::TargetSecret> m_secret;  // wrapped
    std::unique_ptr<RouteDial> m_dial;
    std::unique_ptr<Hop> m_hop;
    std::unique_ptr<TargetSignIn> m_sign_in;
    std::vector<TargetUser*> m_users;
    TargetAsker* m_asker = nullptr;
    std::vector<std::unique_ptr<InwardChannel>> m_inward;
    std::array<int, kInwardKinds> m_wanted{};  // sessions, by kind
    bool m_ready = false;
    bool m_over = false;
    std::shared_ptr<bool> m_alive = std::make_shared<bool>(true);  // told to answers that come from other threads
};

}  // namespace sekisho::gateway
