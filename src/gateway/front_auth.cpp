#include "gateway/front_auth.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/network.h"
#include "gateway/text.h"
#include "identity/key_owner.h"
#include "model/pattern.h"

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMostFingerprints = 16;

constexpr const char* kInteractive = "keyboard-interactive";
constexpr std::size_t kMostExplained = 6;

std::string described(BytesView blob) {
    const auto key = identity::parse_shown_key(blob);
    return key ? identity::described(*key) : "a key of an unknown kind";
}

/// Access and trust of this moment, for the length of one answer.
struct Looked {
    Looked(Services& services, const net::Endpoint& peer)
        : snapshot(services.access.load()), trust(services.user_trust.load()),
          facts{snapshot->access, snapshot->keys, *trust, base::Address::parse(peer.address),
              std::chrono::system_clock::now()} {}

    std::shared_ptr<const AccessSnapshot> snapshot;
    std::shared_ptr<const identity::CertificateTrust> trust;
    identity::KeyFacts facts;
};

}  // namespace

FrontAuth::FrontAuth(Services& services, Hop& hop, net::Endpoint peer, Stranger stranger, const model::SshConfig& config,
    std::optional<Known> known, StepsFor steps_for, SignedIn signed_in)
    : m_services(services), m_hop(hop), m_peer(std::move(peer)), m_stranger(std::move(stranger)),
      m_must_be_done(hop.loop().now() + config.login_grace), m_attempts_left(config.auth_attempts), m_known(std::move(known)),
      m_steps_for(std::move(steps_for)), m_signed_in(std::move(signed_in)) {}

void FrontAuth::requested(const ssh::AuthRequested& request) {
    m_asked = true;
    m_user = shown(request.user, 64);
    if (m_known) return m_grant ? step_requested(request) : known_requested(request);
    // Before any work: no look-up, no policy.
    if (request.user == "root") return root_refused(request);
    if (m_grant) return step_requested(request);
    switch (request.method) {
        case ssh::AuthRequested::Method::None: return reject(request.ticket);
        case ssh::AuthRequested::Method::PublicKeyQuery: return key_offered(request);
        case ssh::AuthRequested::Method::PublicKey: return key_signed(request);
        case ssh::AuthRequested::Method::HostBased: return host_signed(request);
        case ssh::AuthRequested::Method::BadSignature:
            if (request.method_name == "hostbased") return refuse_host(request, "the signature is wrong");
            return refuse(request, "a signature was wrong", true);
        case ssh::AuthRequested::Method::KeyboardInteractive:
        case ssh::AuthRequested::Method::Other: return refuse(request, "only keys open this gateway", true);
    }
}

void FrontAuth::root_refused(const ssh::AuthRequested& request) {
    constexpr const char* kText = "There is no user root at this gateway. Sign in under your own name, or as LOGIN@TARGET.";
    if (m_root_refused) return m_hop.disconnect(ssh::DisconnectReason::IllegalUserName, kText);
    m_root_refused = true;
    m_reason = "the user name root is never let in";
    m_hop.submit(ssh::SendBanner{std::string(kText) + "\r\n"});
    reject(request.ticket);
}

// --- keys ---

void FrontAuth::key_offered(const ssh::AuthRequested& request) {
    const Looked looked(m_services, m_peer);
    const auto key = identity::parse_shown_key(request.key_blob);
    if (!key) return refuse(request, "the key cannot be used: " + key.error().text, false);
    if (const auto found = identity::owners_of(*key, looked.facts); !found)
        return refuse(request, found.error().text, false);
    m_hop.submit(ssh::AcceptKeyQuery{request.ticket});
}

/// Which of the owners the client means.
Result<FrontAuth::Owner> FrontAuth::owner(
    const model::Access& access, std::vector<identity::KeyOwner> owners, const ssh::AuthRequested& request) {
    std::vector<std::string> names;
    for (const auto& one : owners) names.push_back(one.user);
    auto destination = policy::parse_destination(access, request.user, names);
    if (!destination) return std::unexpected(destination.error());
    if (destination->user.empty() && owners.size() > 1) {
        return fail("the key belongs to several users: say which one, as USER@LOGIN@TARGET");
    }
    const auto owner = std::ranges::find_if(
        owners, [&](const auto& one) { return destination->user.empty() || one.user == destination->user; });
    if (owner == owners.end()) return fail("the key is not registered");
    return Owner{std::move(*owner), std::move(*destination)};
}

void FrontAuth::key_signed(const ssh::AuthRequested& request) {
    const Looked looked(m_services, m_peer);
    const auto key = identity::parse_shown_key(request.key_blob);
    if (!key) return refuse(request, "the key cannot be used: " + key.error().text, true);
    auto owners = identity::owners_of(*key, looked.facts);
    if (!owners) return refuse(request, owners.error().text, true);
    auto found = owner(looked.snapshot->access, std::move(*owners), request);
    if (!found) return refuse(request, found.error().text, true);
    auto grant = identity::grant_to(found->key, *key, looked.facts, request.proof);
    if (!grant) return refuse(request, grant.error().text, true);
    for (const auto& one : m_tried) m_services.quiet_keys.add(one);
    granted(request, std::move(*grant), std::move(found->destination));
}

/// Who could open this channel has signed in: nothing is left to prove, whatever the client would like to show.
void FrontAuth::known_requested(const ssh::AuthRequested& request) {
    using Method = ssh::AuthRequested::Method;
    if (request.method == Method::PublicKeyQuery) return m_hop.submit(ssh::AcceptKeyQuery{request.ticket});
    if (request.method != Method::None && request.method != Method::PublicKey)
        return refuse(request, "the connection around this one has signed in already; nothing else is wanted", true);
    if (!model::is_login(request.user)) return refuse(request, "that cannot be the name of a login", true);
    granted(request, m_known->grant, policy::Destination{m_known->grant->user, request.user, m_known->target});
}

void FrontAuth::granted(
    const ssh::AuthRequested& request, std::shared_ptr<const identity::Grant> grant, policy::Destination destination) {
    m_grant = std::move(grant);
    m_destination = std::move(destination);
    m_steps = m_steps_for(m_grant, m_destination);
    m_ticket = request.ticket;
    m_waiting = m_steps.empty();
    if (m_steps.empty()) return passed();
    m_reason = "left before answering what follows the key";
    m_hop.submit(ssh::RejectAuth{request.ticket, {kInteractive}, request.method != ssh::AuthRequested::Method::None});
}

// --- hosts ---

/// The host's word is for one account; which user that is to be has to be said, because nothing else says it.
void FrontAuth::host_signed(const ssh::AuthRequested& request) {
    const Looked looked(m_services, m_peer);
    auto destination = policy::parse_destination(looked.snapshot->access, request.user, {});
    if (!destination) return refuse_host(request, destination.error().text);
    if (destination->user.empty()) return refuse_host(request, "no user is named: USER@LOGIN@TARGET is wanted");
    const identity::HostClaim claim{
        request.client_host, request.client_user, request.key_blob, destination->user, looked.facts.source};
    auto grant = identity::grant_by_host(
        looked.snapshot->access, looked.snapshot->client_hosts, *looked.trust, claim, looked.facts.now);
    if (!grant) return refuse_host(request, grant.error().text);
    granted(request, std::move(*grant), std::move(*destination));
}

/// The same words whatever the reason is, which is for the audit: whoever asks has shown nothing that names a host, or a user, of ours.
void FrontAuth::refuse_host(const ssh::AuthRequested& request, const std::string& reason) {
    std::string tried = fmt::format("{} of host {} by {}: {}", shown(request.client_user, 64),
        shown(request.client_host, 128), described(request.key_blob), shown(reason, 300));
    if (m_hosts_tried.empty()) {
        m_hop.submit(ssh::SendBanner{
            "This gateway did not take your host's word for who you are, as USER@LOGIN@TARGET. Its administrator "
            "finds the reason in the audit.\r\n"});
    }
    if (m_hosts_tried.size() < kMostFingerprints) m_hosts_tried.push_back(std::move(tried));
    refuse_attempt(request.ticket, "the host's word does not count here");
}

// --- what follows the key ---

/// Another key, or "none" again, proves nothing more and takes nothing away.
void FrontAuth::step_requested(const ssh::AuthRequested& request) {
    m_ticket = request.ticket;
    m_waiting = true;
    if (request.method != ssh::AuthRequested::Method::KeyboardInteractive)
        return refused("answers are wanted after the key", {});
    m_step < m_steps.size() ? m_steps[m_step]->begin(*this) : passed();
}

void FrontAuth::answered(ssh::PromptsAnswered answered) {
    m_ticket = answered.ticket;
    m_waiting = true;
    if (m_step < m_steps.size()) m_steps[m_step]->answered(std::move(answered.answers));
}

void FrontAuth::ask(Questions questions) {
    m_waiting = false;
    m_hop.submit(ssh::SendPrompts{
        m_ticket, std::move(questions.name), std::move(questions.instruction), std::move(questions.prompts)});
}

void FrontAuth::passed() {
    if (m_step < m_steps.size() && ++m_step < m_steps.size()) return m_steps[m_step]->begin(*this);
    if (!m_waiting) return;  // the client went to ask for something else, and has to come back
    m_done = true;
    m_signed_in(m_ticket, m_grant, m_destination);
}

void FrontAuth::refused(const std::string& reason, const std::string& text) {
    m_reason = reason;
    m_refused = true;
    m_waiting = false;
    if (!text.empty()) return m_hop.disconnect(ssh::DisconnectReason::NoMoreAuthMethods, text);
    if (m_attempts_left == 0 || --m_attempts_left == 0) {
        return m_hop.disconnect(
            ssh::DisconnectReason::NoMoreAuthMethods, "Too many refused attempts to sign in. The last: " + reason + ".");
    }
    m_hop.submit(ssh::RejectAuth{m_ticket, {kInteractive}, false});
}

// --- refusals ---

void FrontAuth::refuse(const ssh::AuthRequested& request, const std::string& reason, bool counts) {
    m_reason = reason;
    m_refused = true;
    if (!request.key_blob.empty()) explain(described(request.key_blob), reason);
    counts ? refuse_attempt(request.ticket, reason) : reject(request.ticket);
}

void FrontAuth::refuse_attempt(ssh::Ticket ticket, const std::string& reason) {
    m_reason = reason;
    m_refused = true;
    if (m_attempts_left == 0 || --m_attempts_left == 0) {
        return m_hop.disconnect(
            ssh::DisconnectReason::NoMoreAuthMethods, "Too many refused attempts to sign in. The last: " + reason + ".");
    }
    reject(ticket);
}

/// A client that runs out of keys only hangs up: each refused key is told when it is refused, in one line, and what to do about it
/// with the first. A client with very many keys is told about some, and of keys that never mattered only when another one failed, too.
void FrontAuth::explain(const std::string& key, const std::string& reason) {
    if (std::ranges::find(m_tried, key) != m_tried.end()) return;
    if (m_tried.size() < kMostFingerprints) m_tried.push_back(key);
    if (m_told + m_untold.size() >= kMostExplained) return;
    m_untold.push_back({key, shown(reason, 300)});
    if (m_services.quiet_keys.has(key)) return;
    std::string text;
    for (const auto& [untold, why] : std::exchange(m_untold, {})) {
        const char* verb = m_told == 0 ? "This gateway did not accept" : "Nor did it accept";
        text += fmt::format("{} {}: {}.\r\n", verb, untold, why);
        if (m_told++ == 0)
            text += "If no other key of yours is accepted, give your public key to the gateway's administrator.\r\n";
    }
    if (m_told == kMostExplained) text += "Further keys are refused without a word.\r\n";
    m_hop.submit(ssh::SendBanner{std::move(text)});
}

/// A client tries what is offered only. Which methods these are says nothing of the user that it named.
void FrontAuth::reject(ssh::Ticket ticket) {
    std::vector<std::string> methods{"publickey"};
    if (!m_services.access.load()->client_hosts.empty()) methods.emplace_back("hostbased");
    m_hop.submit(ssh::RejectAuth{ticket, std::move(methods), false});
}

void FrontAuth::closed() {
    m_steps.clear();
    if (m_done) return;
    if (!m_excused) m_stranger.failed(why_penalised(), m_hop.loop().now());
    if (!m_asked) return;
    std::string reason = m_reason.empty() ? "left without offering a key" : m_reason;
    for (const auto& host : m_hosts_tried) reason += "; " + host;
    for (const auto& print : m_tried) reason += (&print == &m_tried.front() ? "; tried " : ", ") + print;
    audit(reason);
}

/// The time allowed is looked at once a second, so that it is over when its end has come.
SourcePenalties::Why FrontAuth::why_penalised() const {
    using Why = SourcePenalties::Why;
    if (m_root_refused) return Why::Root;
    if (m_hop.loop().now() > m_must_be_done) return Why::GraceExceeded;
    return m_refused ? Why::AuthFail : Why::NoAuth;
}

void FrontAuth::audit(const std::string& reason) {
    if (!m_services.refusals.permit(std::chrono::steady_clock::now())) return;
    model::AuditRecord record;
    record.kind = "auth.refused";
    record.source = m_peer.address;
    record.subject = m_user;
    if (m_grant) record.user = m_grant->user;
    record.outcome = "refused";
    record.reason = reason + m_services.refusals.left_out();
    m_services.store.audit(std::move(record));
}

}  // namespace sekisho::gateway
