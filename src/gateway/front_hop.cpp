// Order: start → sign in → session begins → channels → the end.
#include "gateway/front_hop.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "gateway/forward_channel.h"
#include "gateway/loop_home.h"
#include "gateway/passthrough_step.h"
#include "gateway/session_channel.h"
#include "gateway/text.h"
#include "model/own_login.h"
#include "model/route.h"
#include "net/timer.h"
#include "ssh/host_key_proof.h"

namespace sekisho::gateway {

namespace {

constexpr std::chrono::milliseconds kGoodbye{300};
constexpr std::chrono::milliseconds kSignAgain{200};
constexpr unsigned kAskToSign = 300;  // a minute of that
constexpr auto kInSessions = {
    model::Capability::Shell, model::Capability::Exec, model::Capability::Sftp, model::Capability::Scp};

ssh::Config engine_config(const Services& services, const model::Config& config) {
    ssh::Config engine;
    engine.role = ssh::Role::Server;
    engine.algorithms = &offered_algorithms(config);
    // AsyncSSH and others order the arguments of SFTP's SYMLINK by whether this line has "OpenSSH" in it, and the target behind us is
    // OpenSSH in nearly every case. Work-arounds for single versions of OpenSSH match the line's beginning and stay out of it.
    engine.software += " OpenSSH-compatible";
    engine.host_keys = services.host_keys;
    engine.announce_host_keys = true;
    engine.agree_elsewhere = true;
    engine.accept_untouched = true;  // identity/grant knows which key may go without a touch
    engine.rekey.bytes = config.ssh.rekey_bytes;
    engine.rekey.time = config.ssh.rekey_time;
    return engine;
}

std::string new_session_id() {
    std::array<std::byte, 8> random{};
    crypto::system_random().fill(random);
    return base::hex(random);
}

}  // namespace

FrontHop::FrontHop(LoopHome& home, std::unique_ptr<net::Stream> stream, net::Endpoint peer, Stranger stranger, std::optional<Inside> inside)
    : m_home(home), m_services(home.services()), m_config(m_services.config.load()), m_peer(std::move(peer)) {
    const HopTimes times{m_config->ssh.login_grace, m_config->ssh.keepalive, m_config->ssh.keepalive_count};
    auto engine = engine_config(m_services, *m_config);
    if (inside) {
        engine.host_keys.clear();
        engine.announce_host_keys = false;  // they are the gateway's, and the client would keep them for the target's
        for (const PresentedKey& one : inside->host_keys) {
            engine.host_keys.push_back(one.key);
            m_signers.push_back(one.signer);
        }
    }
    m_hop = std::make_unique<Hop>(home.loop(), home.ticker(), std::move(stream), std::move(engine), times, *this);
    std::optional<FrontAuth::Known> known;
    if (inside) known = FrontAuth::Known{std::move(inside->grant), std::move(inside->target)};
    m_auth = std::make_unique<FrontAuth>(m_services, *m_hop, m_peer, std::move(stranger), m_config->ssh, std::move(known),
        [this](const auto& grant, const auto& destination) { return steps_for(grant, destination); },
        [this](ssh::Ticket ticket, std::shared_ptr<const identity::Grant> grant, policy::Destination destination) {
            signed_in(ticket, std::move(grant), std::move(destination));
        });
}

/// A target that is still being reached may be waiting for another one of these.
FrontHop::~FrontHop() {
    for (const auto& target : m_targets) target->stop_dialing();
}

net::Loop& FrontHop::loop() { return m_home.loop(); }
HopTicker& FrontHop::ticker() { return m_home.ticker(); }
keyholder::Signer& FrontHop::signer() { return m_home.keys(); }

void FrontHop::start() { m_hop->start(); }

void FrontHop::hop_event(Hop& hop, ssh::Event& event) {
    if (const auto* identified = std::get_if<ssh::PeerIdentified>(&event)) {
        m_client = shown(identified->line, 255);
    } else if (const auto* wanted = std::get_if<ssh::HostSignatureWanted>(&event)) {
        sign({*wanted, 0});
    } else if (const auto* slow = std::get_if<ssh::AgreementWanted>(&event)) {
        agree(*slow);
    } else if (const auto* auth = std::get_if<ssh::AuthRequested>(&event)) {
        if (m_auth) m_auth->requested(*auth);
    } else if (auto* answered = std::get_if<ssh::PromptsAnswered>(&event)) {
        if (m_auth) m_auth->answered(std::move(*answered));
    } else if (const auto* channel = std::get_if<ssh::ChannelOpenRequested>(&event)) {
        channel_requested(*channel);
    } else if (const auto* global = std::get_if<ssh::GlobalRequested>(&event)) {
        global_requested(*global);
    }
    (void)hop;
}

void FrontHop::agree(const ssh::AgreementWanted& wanted) {
    m_services.pool.run(
        loop(),
        [work = wanted.work] {
            work();
            return true;
        },
        [weak = weak_from_this(), ticket = wanted.ticket](bool) {
            if (const auto self = weak.lock()) self->m_hop->submit(ssh::AgreementDone{ticket});
        });
}

void FrontHop::sign(Unsigned one) {
    const ssh::HostSignatureWanted& wanted = one.wanted;
    auto finish = [weak = weak_from_this(), one](Result<Bytes> signature) {
        const auto self = weak.lock();
        if (!self || self->m_hop->over()) return;
        if (!signature) return self->cannot_sign(one, signature.error());
        self->m_hop->submit(ssh::ProvideSignature{one.wanted.ticket, std::move(*signature)});
    };
    if (const auto session_id = ssh::session_id_of_host_key_proof(wanted.data)) {
        return signer().prove_host_key(wanted.host_key, wanted.algorithm, *session_id, std::move(finish));
    }
    const std::size_t key = m_signers.empty() ? wanted.host_key : m_signers[wanted.host_key];
    signer().sign_exchange(key, wanted.algorithm, wanted.data, std::move(finish));
}

/// A live session that happens to exchange keys while the keyholder is started again waits for it. A new one is refused; strangers
/// cause that, too: the audit takes so many a second.
void FrontHop::cannot_sign(Unsigned one, const Error& error) {
    if (m_record && error.text == KeyLink::kCannotSign && ++one.asked < kAskToSign) {
        m_unsigned.push_back(std::move(one));
        if (!m_sign_again) m_sign_again = std::make_unique<net::Timer>(loop());
        m_sign_again->after(kSignAgain, [this] {
            for (auto& again : std::exchange(m_unsigned, {})) sign(std::move(again));
        });
        return;
    }
    log::warn_limited("host_key.cannot_sign", {{"source", m_peer.address}, {"reason", error.full()}});
    if (m_record) {
        m_record->audit("signature.failed", "host key", "failed", error.full());
    } else if (m_services.refusals.permit(std::chrono::steady_clock::now())) {
        model::AuditRecord record;
        record.kind = "signature.failed";
        record.source = m_peer.address;
        record.subject = "host key";
        record.outcome = "failed";
        record.reason = error.full() + m_services.refusals.left_out();
        m_services.store.audit(std::move(record));
    }
    if (m_auth) m_auth->excuse();
    m_hop->disconnect(ssh::DisconnectReason::KeyExchangeFailed, "There is no way in: " + error.text + ".");
}

// --- sign in, session begins ---

void FrontHop::key_accepted(std::shared_ptr<const identity::Grant> grant, policy::Destination destination) {
    m_grant = std::move(grant);
    m_destination = std::move(destination);
    if (!m_destination.target.empty() && m_destination.login.empty()) {
        const auto snapshot = m_services.access.load();
        m_destination.login = default_login(snapshot->access, m_destination.target);
    }
}

/// A target's own questions can be put to every client while it signs in, and to hardly any later.
std::vector<std::unique_ptr<SignInStep>> FrontHop::steps_for(
    const std::shared_ptr<const identity::Grant>& grant, const policy::Destination& destination) {
    key_accepted(grant, destination);
    std::vector<std::unique_ptr<SignInStep>> steps;
    const auto snapshot = m_services.access.load();
    const model::Target* target = snapshot->access.target(m_destination.target);
    // Whom no rule lets in hears that from the session, and the target hears nothing.
    if (target != nullptr && target->auth == model::TargetAuth::Passthrough && permits_session(*target, m_destination.login)) {
        steps.push_back(
            std::make_unique<PassthroughStep>(*this, [this](std::function<void()> begun) { begin_record(std::move(begun)); }));
    }
    return steps;
}

std::string FrontHop::default_login(const model::Access& access, const std::string& target) const {
    const model::Target* found = access.target(target);
    const model::User* user = access.user(m_grant->user);
    return found != nullptr && user != nullptr ? model::default_login(*found, *user) : std::string();
}

std::vector<std::string> FrontHop::logins_for(const model::Access& access, const model::Target& target) const {
    const model::User* user = access.user(m_grant->user);
    return user != nullptr ? model::logins_for(target, *user) : std::vector<std::string>();
}

bool FrontHop::permits_session(const model::Access& access, const model::Target& target) {
    return std::ranges::any_of(
        logins_for(access, target), [&](const std::string& login) { return permits_session(target, login); });
}

bool FrontHop::permits_session(const model::Target& target, const std::string& login) {
    for (const auto capability : kInSessions) {
        policy::Request request;
        request.user = m_grant->user;
        request.target = target.name;
        request.login = login;
        request.capability = capability;
        request.source = m_peer.address;
        request.touched = m_grant->touched;
        request.time = std::chrono::system_clock::now();
        if (policy::decide(m_services.access.load()->access, request).allowed) return true;
    }
    return false;
}

bool FrontHop::may_begin_anything() {
    for (const auto capability : kInSessions) {
        policy::Request request;
        request.target = m_destination.target;
        request.login = m_destination.login;
        request.capability = capability;
        const auto decision = decide(std::move(request));
        if (decision.allowed && m_record->may_begin(on_failure(decision))) return true;
    }
    return false;
}

void FrontHop::signed_in(ssh::Ticket ticket, std::shared_ptr<const identity::Grant> grant, policy::Destination destination) {
    if (!m_record) {
        key_accepted(std::move(grant), std::move(destination));
        return begin_record([this, ticket] { accept(ticket); });
    }
    // Not inside the calls of what is over now.
    loop().post([weak = weak_from_this(), ticket] {
        if (auto self = weak.lock(); self && !self->m_hop->over()) self->accept(ticket);
    });
}

void FrontHop::accept(ssh::Ticket ticket) {
    m_auth.reset();
    m_hop->submit(ssh::AcceptAuth{ticket});
}

/// `begun` is called while this hop lives, when the start of the session is durable, or known not to be.
void FrontHop::begin_record(std::function<void()> begun) {
    SessionRecord::Listener listener;
    listener.drained = [weak = weak_from_this()] {
        if (auto self = weak.lock()) self->credit_released();
    };
    listener.must_end = [weak = weak_from_this()](const std::string& text) {
        if (auto self = weak.lock()) self->end(text);
    };
    SessionRecord::begin(m_services, loop(), session_facts(), most_level(), std::move(listener),
        [weak = weak_from_this(), begun = std::move(begun)](std::shared_ptr<SessionRecord> record) {
            if (auto self = weak.lock()) return self->record_begun(std::move(record), begun);
            record->finish("the client left before the session began");
        });
}

void FrontHop::record_begun(std::shared_ptr<SessionRecord> record, const std::function<void()>& begun) {
    if (m_hop->over()) return record->finish("the client left before the session began");
    m_record = std::move(record);
    m_record->live()->end = [&loop = loop(), weak = weak_from_this()](const std::string& text) {
        loop.post([weak, text] {
            if (auto self = weak.lock()) self->end(text);
        });
    };
    m_record->live()->watch = [&loop = loop(), weak = m_record->weak_from_this()](std::shared_ptr<model::SessionWatcher> watcher) {
        loop.post([weak, watcher = std::move(watcher)] {
            if (auto record = weak.lock()) return record->watch(watcher);
            watcher->ended("the session has ended");
        });
    };
    if (!m_grant->client_host.empty()) m_record->audit("auth.hostbased", m_grant->user, "ok", m_grant->client_host);
    if (!m_grant->certificate.empty()) m_record->audit("auth.certificate", m_grant->user, "ok", m_grant->certificate);
    begun();
}

model::Session FrontHop::session_facts() const {
    model::Session session;
    session.id = new_session_id();
    session.user = m_grant->user;
    session.source = m_peer.address;
    session.source_port = m_peer.port;
    session.key_fingerprint = m_grant->fingerprint;
    session.client = m_client;
    if (!m_destination.target.empty()) session.target = m_destination.login + "@" + m_destination.target;
    session.started = std::chrono::system_clock::now();
    return session;
}

/// The header of the recording states the most that any of this user's rules can ask for; each channel then has its own level.
model::RecordLevel FrontHop::most_level() const {
    const auto snapshot = m_services.access.load();
    const model::User* user = snapshot->access.user(m_grant->user);
    auto most = model::RecordLevel::Metadata;
    if (user == nullptr) return most;
    for (const auto index : snapshot->access.rules_for(*user)) most = std::min(most, snapshot->access.rules[index].record);
    return most;
}

// --- channels ---

void FrontHop::channel_requested(const ssh::ChannelOpenRequested& request) {
    const auto reject = [&](ssh::OpenFailure reason, std::string text) {
        m_hop->submit(ssh::RejectChannel{request.channel, reason, std::move(text)});
    };
    if (!m_end_text.empty()) return reject(ssh::OpenFailure::AdministrativelyProhibited, m_end_text);
    if (!m_record) return reject(ssh::OpenFailure::AdministrativelyProhibited, "no session has begun");
    if (!has_room())
        return reject(ssh::OpenFailure::ResourceShortage, "too many channels on this connection");
    const auto refuse = [&](ssh::OpenFailure reason, std::string text) {
        m_record->audit("access.refused", "channel " + shown(request.type, 64), "refused", text);
        reject(reason, std::move(text));
    };
    if (request.type == "session") {
        if (m_no_more_sessions)
            return refuse(ssh::OpenFailure::AdministrativelyProhibited, "no more sessions, as the client wished");
        m_channels.push_back(std::make_unique<SessionChannel>(*this, request.channel));
        return;
    }
    if (is_forward(request.type)) return open_forward(*this, request, m_channels);
    refuse(ssh::OpenFailure::UnknownChannelType, "the gateway does not know channels of type " + shown(request.type, 64));
}

void FrontHop::global_requested(const ssh::GlobalRequested& request) {
    if (request.type == "no-more-sessions@openssh.com") m_no_more_sessions = true;
    m_remote_forwards.requested(request);
}

policy::Decision FrontHop::decide(policy::Request request) {
    request.user = m_grant->user;
    request.source = m_peer.address;
    request.touched = m_grant->touched;
    request.time = std::chrono::system_clock::now();
    return policy::decide(m_services.access.load()->access, request);
}

model::OnFailure FrontHop::on_failure(const policy::Decision& decision) const {
    return decision.on_failure.value_or(m_config->recording.on_failure);
}

Result<void> FrontHop::may_begin(const policy::Decision& decision) {
    if (auto begun = m_record->may_begin(on_failure(decision)); !begun) return begun;
    const model::Limits& limits = decision.limits;
    if (limits == model::Limits{}) return {};
    const model::Session& facts = m_record->facts();
    if (limits.max_sessions != 0 && !m_services.live.count_under(facts.id, decision.rule, limits.max_sessions)) {
        const bool one = limits.max_sessions == 1;
        const std::string text = fmt::format("rule \"{}\" lets {} have {} session{} at once, and there {} already",
            decision.rule, facts.user, limits.max_sessions, one ? "" : "s", one ? "is one" : "are as many");
        m_record->audit("access.refused", facts.target.empty() ? "gateway" : facts.target, "refused", text);
        return fail(text);
    }
    if (!m_limits) {
        const auto live = m_record->live();
        m_limits = std::make_unique<SessionLimits>(
            loop(), [live] { return live->bytes_in.load() + live->bytes_out.load(); }, [this](const std::string& text) { end(text); });
    }
    m_limits->begin_under(decision.rule, limits, std::chrono::system_clock::now() - facts.started);
    return {};
}

TargetHop* FrontHop::target_hop(const std::string& target, const std::string& login) {
    const auto snapshot = m_services.access.load();
    const model::Target* found = snapshot->access.target(target);
    return found == nullptr ? nullptr : target_hop(*found, login, model::way_to(snapshot->access, *found), {});
}

TargetHop* FrontHop::target_hop(const model::Target& target, const std::string& login, const std::vector<std::string>& route,
    std::vector<std::string> behind) {
    for (const auto& one : m_targets) {
        if (!one->over() && one->target().name == target.name && one->login() == login && one->target().route == route) return one.get();
    }
    model::Target copy = target;
    copy.route = route;
    m_targets.push_back(std::make_unique<TargetHop>(*this, std::move(copy), login, std::move(behind)));
    TargetHop* hop = m_targets.back().get();
    // In a turn of its own: whoever asks for it wants to join before it can fail.
    loop().post([weak = weak_from_this(), hop] {
        const auto self = weak.lock();
        if (!self || !self->m_record || self->m_hop->over()) return;
        const bool there = std::ranges::any_of(self->m_targets, [&](const auto& one) { return one.get() == hop; });
        if (there && !hop->over()) hop->start();
    });
    return hop;
}

void FrontHop::channel_over(FrontChannel& channel) {
    loop().post([weak = weak_from_this(), which = &channel] {
        if (auto self = weak.lock()) std::erase_if(self->m_channels, [&](const auto& one) { return one.get() == which; });
    });
}

void FrontHop::target_over(TargetHop& target) {
    loop().post([weak = weak_from_this(), which = &target] {
        if (auto self = weak.lock()) std::erase_if(self->m_targets, [&](const auto& one) { return one.get() == which; });
    });
}

void FrontHop::credit_released() {
    for (const auto& channel : m_channels) channel->credit_released();
    for (const auto& target : m_targets) target->credit_released();
}

// --- the end ---

/// A client drops what it has not shown yet when it is disconnected: words inside the sessions get a moment before that.
void FrontHop::end(const std::string& text) {
    if (m_hop->over() || !m_end_text.empty()) return;
    m_end_text = text;
    if (m_auth) m_auth->excuse();
    m_remote_forwards.stop(text);
    bool told = false;
    for (const auto& channel : m_channels) told = channel->end(text) || told;
    if (!told) return m_hop->disconnect(ssh::DisconnectReason::ByApplication, text);
    m_goodbye = std::make_unique<net::Timer>(loop());
    m_goodbye->after(kGoodbye, [this] { m_hop->disconnect(ssh::DisconnectReason::ByApplication, m_end_text); });
}

void FrontHop::hop_over(Hop&, const std::string& reason) {
    m_goodbye.reset();
    m_sign_again.reset();
    if (m_auth) m_auth->closed();
    m_remote_forwards.stop(reason);
    for (const auto& channel : m_channels) channel->front_gone();
    for (const auto& target : m_targets) target->front_gone();
    if (m_record) m_record->finish(m_end_text.empty() ? reason : m_end_text);
    m_home.leave(shared_from_this());
}

}  // namespace sekisho::gateway
