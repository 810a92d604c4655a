// FrontHop: one client's connection to the gateway, from accept to goodbye: its hop, its authentication, its record, its
// channels, and the target hops that they share. Lives on one loop; shared only so that answers from other threads can find
// out that it is gone.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/front_auth.h"
#include "gateway/front_channel.h"
#include "gateway/hop.h"
#include "gateway/inside.h"
#include "gateway/refusal_budget.h"
#include "gateway/remote_forwards.h"
#include "gateway/services.h"
#include "gateway/session_limits.h"
#include "gateway/session_record.h"
#include "gateway/target_hop.h"
#include "keyholder/signer.h"
#include "policy/decide.h"

namespace sekisho::gateway {

class LoopHome;

class FrontHop final : public std::enable_shared_from_this<FrontHop>, public HopOwner {
public:
    /// `inside`: the connection runs in a channel of another one.
    FrontHop(LoopHome& home, std::unique_ptr<net::Stream> stream, net::Endpoint peer, Stranger stranger,
        std::optional<Inside> inside = std::nullopt);
    ~FrontHop();

    void start();
    /// Tells the user `text`, in every session first, and ends the connection.
    void end(const std::string& text);

    // --- for channels and target hops ---
    LoopHome& home() { return m_home; }
    Services& services() { return m_services; }
    net::Loop& loop();
    HopTicker& ticker();
    Hop& hop() { return *m_hop; }
    keyholder::Signer& signer();
    /// From the first AcceptAuth on.
    SessionRecord& record() { return *m_record; }
    const identity::Grant& grant() const { return *m_grant; }
    std::shared_ptr<const identity::Grant> shared_grant() const { return m_grant; }
    const policy::Destination& destination() const { return m_destination; }
    const model::Config& config() const { return *m_config; }
    const net::Endpoint& peer() const { return m_peer; }

    /// The policy's word on the access of this moment.
    policy::Decision decide(policy::Request request);
    /// The target's logins that are there for this user, the default first; whether a rule permits them is another question.
    std::vector<std::string> logins_for(const model::Access& access, const model::Target& target) const;
    /// Empty: there is none, or no such target.
    std::string default_login(const model::Access& access, const std::string& target) const;
    /// Whether any rule lets this user run something on the target, under one of its logins.
    bool permits_session(const model::Access& access, const model::Target& target);
    bool permits_session(const model::Target& target, const std::string& login);
    model::OnFailure on_failure(const policy::Decision& decision) const;
    /// May a channel begin by this decision, as far as evidence and the limits of its rule go? From then on the limits bind the session.
    Result<void> may_begin(const policy::Decision& decision);
    /// Whether a session at the destination may begin, as far as rules and evidence are concerned.
    bool may_begin_anything();
    /// The shared hop to this login; connects at its first use. nullptr when the target is unknown.
    TargetHop* target_hop(const std::string& target, const std::string& login);
    /// The same by `route`, for a target on the way to another one, for which those `behind` it wait.
    TargetHop* target_hop(const model::Target& target, const std::string& login, const std::vector<std::string>& route,
        std::vector<std::string> behind);

    RemoteForwards& remote_forwards() { return m_remote_forwards; }
    /// Whether one more channel may be on this connection, and one that somebody else than the client began.
    bool has_room() const { return m_channels.size() < m_config->ssh.max_channels; }
    void add(std::unique_ptr<FrontChannel> channel) { m_channels.push_back(std::move(channel)); }

    /// Sessions whose client offered its agent.
    void agent_offer(bool offered) { m_agents += offered ? 1 : -1; }
    bool agent_offered() const { return m_agents > 0; }

    /// Refusals of single requests within channels, which this client may cause without end.
    RefusalBudget& refusals() { return m_refusals; }

    /// Freed in a later turn.
    void channel_over(FrontChannel& channel);
    void target_over(TargetHop& target);

private:
    void hop_event(Hop& hop, ssh::Event& event) override;
    void hop_over(Hop& hop, const std::string& reason) override;

    void agree(const ssh::AgreementWanted& wanted);
    struct Unsigned {
        ssh::HostSignatureWanted wanted;
        unsigned asked = 0;  // so often
    };
    void sign(Unsigned one);
    void cannot_sign(Unsigned one, const Error& error);
    void key_accepted(std::shared_ptr<const identity::Grant> grant, policy::Destination destination);
    void signed_in(ssh::Ticket ticket, std::shared_ptr<const identity::Grant> grant, policy::Destination destination);
    std::vector<std::unique_ptr<SignInStep>> steps_for(
        const std::shared_ptr<const identity::Grant>& grant, const policy::Destination& destination);
    void begin_record(std::function<void()> begun);
    void record_begun(std::shared_ptr<SessionRecord> record, const std::function<void()>& begun);
    void accept(ssh::Ticket ticket);
    model::Session session_facts() const;
    model::RecordLevel most_level() const;
    void channel_requested(const ssh::ChannelOpenRequested& request);
    void global_requested(const ssh::GlobalRequested& request);
    void credit_released();

    LoopHome& m_home;
    Services& m_services;
    std::shared_ptr<const model::Config> m_config;
    net::Endpoint m_peer;
    std::string m_client;
    std::vector<std::size_t> m_signers;  // inside: which of the gateway's host keys signs for the one that was shown
    std::unique_ptr<Hop> m_hop;
    std::unique_ptr<FrontAuth> m_auth;  // until the session begins
    std::shared_ptr<const identity::Grant> m_grant;
    policy::Destination m_destination;
    std::shared_ptr<SessionRecord> m_record;
    std::vector<std::unique_ptr<TargetHop>> m_targets;
    std::vector<std::unique_ptr<FrontChannel>> m_channels;
    RemoteForwards m_remote_forwards{*this};
    std::string m_end_text;  // not empty: the gateway is ending this connection
    std::unique_ptr<net::Timer> m_goodbye;
    std::unique_ptr<SessionLimits> m_limits;
    std::vector<Unsigned> m_unsigned;  // wait for another keyholder
    std::unique_ptr<net::Timer> m_sign_again;
    int m_agents = 0;
    RefusalBudget m_refusals;
    bool m_no_more_sessions = false;
};

}  // namespace sekisho::gateway
