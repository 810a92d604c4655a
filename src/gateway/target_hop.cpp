// Order: what is stored → dial → group, host key → more host keys → sign-in → ready; channels that the target opens; the end.
#include "gateway/target_hop.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/network.h"
#include "crypto/diffie_hellman.h"
#include "gateway/front_hop.h"
#include "gateway/host_key_check.h"
#include "gateway/live_sessions.h"
#include "gateway/text.h"
#include "model/own_login.h"
#include "wire/limits.h"

namespace sekisho::gateway {

namespace {
constexpr std::uint16_t kSshPort = 22;
constexpr std::size_t kMostBanner = 8192;
constexpr std::size_t kMostLearned = 32;  // host keys of one target
}  // namespace

TargetHop::TargetHop(FrontHop& front, model::Target target, std::string login, std::vector<std::string> behind)
    : m_front(front), m_target(std::move(target)), m_login(std::move(login)), m_behind(std::move(behind)) {}

TargetHop::~TargetHop() { *m_alive = false; }

void TargetHop::join(TargetUser& user) {
    m_users.push_back(&user);
    if (m_ready) user.target_ready();
}

void TargetHop::leave(TargetUser& user) { std::erase(m_users, &user); }

// --- what is stored, dial ---

void TargetHop::start() {
    auto possible = find_principals();
    if (possible) possible = TargetSignIn::possible(sign_in_facts());
    if (!possible) return fail(possible.error().text, "sign-in is not possible", "target.refused");
    m_target.trust_first_use || has_stored_auth() ? load_stored() : dial();
}

Result<void> TargetHop::find_principals() {
    if (m_target.auth != model::TargetAuth::Certificate) return {};
    const auto snapshot = m_front.services().access.load();
    const model::User* user = snapshot->access.user(m_front.record().facts().user);
    if (user == nullptr) return sekisho::fail(kUserRemoved);
    auto principals = model::principals_for(m_target, *user, m_login);
    if (!principals) return std::unexpected(principals.error());
    m_principals = std::move(*principals);
    return {};
}

TargetSignIn::Facts TargetHop::sign_in_facts() const {
    const auto& session = m_front.record().facts();
    TargetSignIn::Facts facts;
    facts.auth = m_target.auth;
    facts.login = m_login;
    facts.principals = m_principals;
    facts.target = m_target.name;
    facts.key_id = fmt::format(
        "user={} session={} audit={}", session.user, session.id, session.audit_key.empty() ? "-" : session.audit_key);
    facts.life = std::min(m_front.config().target.certificate_life, keyholder::kCertificateMostAhead);
    facts.agent_offered = m_front.agent_offered();
    if (m_target.auth == model::TargetAuth::Passthrough) facts.asker = m_asker;
    facts.secret = m_secret;
    return facts;
}

void TargetHop::load_stored() {
    struct Loaded {
        std::vector<std::string> learned;
        std::optional<model::TargetSecret> secret;
    };
    auto loaded = std::make_shared<Loaded>();
    m_front.services().store.submit(
        m_front.loop(),
        [loaded, target = m_target, login = m_login, stored_auth = has_stored_auth()](store::Store& store) -> Result<void> {
            if (target.trust_first_use) {
                auto learned = store.learned_host_keys(target.name);
                if (!learned) return std::unexpected(learned.error());
                loaded->learned = std::move(*learned);
            }
            if (!stored_auth) return {};
            auto secret = store.target_secret(target.name, login, target.auth);
            if (!secret) return std::unexpected(secret.error());
            loaded->secret = std::move(*secret);
            return {};
        },
        [this, alive = m_alive, loaded](const Result<void>& done) {
            if (!*alive || m_over) return;
            if (!done) {
                return fail("The gateway cannot read what it knows of the target at the moment.", done.error().full(),
                    "target.refused");
            }
            m_learned = std::move(loaded->learned);
            m_secret = std::move(loaded->secret);
            if (has_stored_auth() && !m_secret) {
                const std::string_view kind = model::name(m_target.auth);
                return fail(fmt::format("No {0} is stored for {1}. An administrator stores it: sekisho target secret set "
                                        "{2} --login {3} {4}",
                                kind, name(), m_target.name, m_login,
                                m_target.auth == model::TargetAuth::Key ? "--key FILE" : "--password-stdin"),
                    fmt::format("no {} is stored for the login", kind), "target.refused");
            }
            dial();
        });
}

void TargetHop::dial() {
    const auto address = base::parse_host_port(m_target.address);
    const std::string host = address ? address->host : m_target.address;
    const std::uint16_t port = address ? address->port : kSshPort;
    auto behind = m_behind;
    behind.push_back(m_target.name);
    m_dial = std::make_unique<RouteDial>(m_front, m_target.route, std::move(behind), host, port,
        [this](Result<std::unique_ptr<net::Stream>> stream) { dialed(std::move(stream)); });
}

void TargetHop::dialed(Result<std::unique_ptr<net::Stream>> stream) {
    if (!stream) {
        const std::string& why = stream.error().text;
        const std::string text = fmt::format("{} cannot be reached: {}{}", m_target.name, why, why.ends_with('.') ? "" : ".");
        return fail(text, stream.error().full(), "target.failed");
    }
    const auto& config = m_front.config();
    ssh::Config engine;
    engine.role = ssh::Role::Client;
    engine.algorithms = &offered_algorithms(config);
    engine.user = m_login;
    engine.legacy = m_target.legacy;
    engine.judge_groups = true;
    engine.learn_host_keys = m_target.trust_first_use && m_target.host_keys.empty() && m_target.host_ca.empty();
    const bool passthrough = m_target.auth == model::TargetAuth::Passthrough;
    engine.ask_methods = passthrough || m_target.auth == model::TargetAuth::Password;  // all others are keys
    // A key of our own making needs to know nothing of the server; old ones need not be tested for what they make of it.
    engine.begin_early = m_target.auth == model::TargetAuth::Certificate && !m_target.legacy;
    engine.rekey.bytes = config.ssh.rekey_bytes;
    engine.rekey.time = config.ssh.rekey_time;
    if (!m_target.host_keys.empty() || !m_target.host_ca.empty() || !m_learned.empty()) {
        engine.host_key_algorithms = preferred_host_key_algorithms(m_target, m_learned, engine.algorithms->host_keys);
    }
    // A person who types takes longer than a machine that signs.
    const auto login_timeout = passthrough ? config.ssh.login_grace : config.target.login_timeout;
    const HopTimes times{login_timeout, config.ssh.keepalive, config.ssh.keepalive_count};
    m_hop = std::make_unique<Hop>(m_front.loop(), m_front.ticker(), std::move(*stream), std::move(engine), times, *this);
    TargetSignIn::Tell tell;
    tell.failed = [this](const std::string& text, const std::string& reason) { fail(text, reason, "target.refused"); };
    tell.certified = [this](const std::string& contents) {
        m_front.record().audit("certificate.signed", name(), "ok", contents);
    };
    m_sign_in = std::make_unique<TargetSignIn>(*m_hop, m_front.hop(), m_front.signer(), sign_in_facts(), std::move(tell));
    m_sign_in->prepare();
    m_hop->start();
}

// --- host key, sign-in ---

void TargetHop::hop_event(Hop& hop, ssh::Event& event) {
    const bool asks_user = m_target.auth == model::TargetAuth::Passthrough && !m_ready;
    if (asks_user && (m_asker == nullptr || m_over)) return;  // the user left; this hop is about to follow
    if (const auto* offered = std::get_if<ssh::HostKeyOffered>(&event)) return host_key_offered(*offered);
    if (auto* group = std::get_if<ssh::GroupOffered>(&event)) return group_offered(std::move(*group));
    if (const auto* announced = std::get_if<ssh::HostKeysAnnounced>(&event)) return host_keys_announced(*announced);
    if (const auto* proven = std::get_if<ssh::HostKeysProven>(&event)) return host_keys_proven(*proven);
    if (const auto* methods = std::get_if<ssh::AuthMethodsOffered>(&event)) return m_sign_in->methods_offered(*methods);
    if (const auto* wanted = std::get_if<ssh::UserSignatureWanted>(&event)) return m_sign_in->signature_wanted(*wanted);
    if (TargetQuestions* questions = m_sign_in ? m_sign_in->questions() : nullptr; questions != nullptr) {
        if (const auto* asked = std::get_if<ssh::PromptsReceived>(&event)) return questions->prompts_received(*asked);
        if (const auto* wanted = std::get_if<ssh::PasswordChangeWanted>(&event)) return questions->password_change_wanted(*wanted);
        if (const auto* banner = std::get_if<ssh::BannerReceived>(&event); banner != nullptr) {
            return m_asker->target_says(for_terminal(shown_lines(banner->text, kMostBanner)));
        }
    }
    if (const auto* asked = std::get_if<ssh::PromptsReceived>(&event)) return m_sign_in->prompts_received(*asked);
    if (std::holds_alternative<ssh::PasswordChangeWanted>(event)) return m_sign_in->password_change_wanted();
    if (std::holds_alternative<ssh::AuthSucceeded>(event)) return ready();
    if (const auto* channel = std::get_if<ssh::ChannelOpenRequested>(&event)) return channel_requested(*channel);
    if (const auto* global = std::get_if<ssh::GlobalRequested>(&event)) {
        if (global->want_reply) hop.submit(ssh::ReplyGlobal{false, {}});
    }
}

void TargetHop::host_key_offered(const ssh::HostKeyOffered& offered) {
    const auto revocation = m_front.services().revoked_host_keys.load();
    const auto judgement = judge_host_key(m_target, m_learned, offered.blob, std::chrono::system_clock::now(), *revocation);
    switch (judgement.verdict) {
        case HostKeyJudgement::Verdict::Trusted: return m_hop->submit(ssh::AcceptHostKey{offered.ticket});
        case HostKeyJudgement::Verdict::Learn: return learn(offered.ticket, judgement.line);
        case HostKeyJudgement::Verdict::Refused: return fail(judgement.text, judgement.reason, "target.refused");
    }
}

model::AuditRecord TargetHop::learned_record(const std::string& reason) const {
    model::AuditRecord record;
    record.time = std::chrono::system_clock::now();
    record.kind = "hostkey.learned";
    record.session = m_front.record().facts().id;
    record.user = m_front.record().facts().user;
    record.source = m_front.record().facts().source;
    record.subject = m_target.name;
    record.outcome = "ok";
    record.reason = reason;
    return record;
}

/// The key is remembered before it is used: of two gateways that see a target for the first time, the second compares.
void TargetHop::learn(ssh::Ticket ticket, const std::string& line) {
    m_front.services().store.submit(
        m_front.loop(),
        [record = learned_record(line), name = m_target.name, line](store::Store& store) -> Result<void> {
            const auto known = store.learned_host_keys(name);
            if (!known) return std::unexpected(known.error());
            if (std::ranges::find(*known, line) != known->end()) return {};
            if (!known->empty()) return base::fail("another host key was learned for this target a moment ago");
            if (auto learned = store.learn_host_key(name, line); !learned) return learned;
            return store.audit(record);
        },
        [this, alive = m_alive, ticket, line](const Result<void>& learned) {
            if (!*alive || m_over) return;
            if (!learned)
                return fail(
                    "The host key could not be remembered, and is not trusted.", learned.error().full(), "target.refused");
            m_learned.push_back(line);
            m_hop->submit(ssh::AcceptHostKey{ticket});
        });
}

/// The engine saw that the group could be one; that it is takes longer than a loop may wait.
void TargetHop::group_offered(ssh::GroupOffered group) {
    m_front.services().pool.run(
        m_front.loop(), [prime = std::move(group.prime)] { return crypto::is_safe_prime(prime); },
        [this, alive = m_alive, ticket = group.ticket](bool safe) {
            if (!*alive || m_over) return;
            if (safe) return m_hop->submit(ssh::AcceptGroup{ticket});
            fail(fmt::format(
                     "The key exchange with {} is not safe: its Diffie-Hellman group is not made of a safe prime. Its "
                     "administrator looks at the server's file of moduli, or turns group exchange off.",
                     m_target.name),
                "the target's Diffie-Hellman group has no safe prime", "target.refused");
        });
}

// --- more host keys of a target that was trusted at first use ---

/// OpenSSH PROTOCOL §2.5: a server that rotates its keys tells the next one before it uses it. Only who has shown a known key is
/// listened to, and only keys that it proves to own are remembered.
void TargetHop::host_keys_announced(const ssh::HostKeysAnnounced& announced) {
    const auto revocation = m_front.services().revoked_host_keys.load();
    std::vector<Bytes> fresh;
    for (const Bytes& blob : announced.blobs) {
        const auto key = keys::PublicKey::from_blob(blob);
        const bool known = key && std::ranges::any_of(m_learned, [&](const std::string& line) {
            const auto one = keys::PublicKey::from_line(line);
            return one && *one == *key;
        });
        if (key && !known && revocation->check(*key)) fresh.push_back(blob);
    }
    if (!fresh.empty() && m_learned.size() + fresh.size() <= kMostLearned)
        m_hop->submit(ssh::ProveHostKeys{std::move(fresh)});
}

void TargetHop::host_keys_proven(const ssh::HostKeysProven& proven) {
    if (!proven.problem.empty()) {
        log::warn_limited("hostkey.not_proven", {{"target", name()}, {"reason", shown(proven.problem, 300)}});
    }
    for (const Bytes& blob : proven.blobs) {
        const auto key = keys::PublicKey::from_blob(blob);
        if (!key) continue;
        const std::string line = key->line();
        m_learned.push_back(line);
        m_front.services().store.submit(
            [record = learned_record("announced and proven by a known key: " + line), name = m_target.name, line](
                store::Store& store) -> Result<void> {
                const auto known = store.learned_host_keys(name);
                if (!known) return std::unexpected(known.error());
                const bool there = std::ranges::find(*known, line) != known->end();
                // Nothing known any more: the target was moved or removed meanwhile.
                if (there || known->empty() || known->size() >= kMostLearned) return {};
                if (auto learned = store.learn_host_key(name, line); !learned) return learned;
                return store.audit(record);
            },
            [](const Result<void>& learned) {
                if (!learned) log::warn_limited("hostkey.not_learned", {{"reason", learned.error().full()}});
            });
    }
}

void TargetHop::ready() {
    m_ready = true;
    // Not inside the sign-in's own callbacks: the engine reports success as an event of its own.
    m_sign_in.reset();
    m_front.record().audit("target.connected", name(), "ok", "signed in by " + std::string(model::name(m_target.auth)));
    const auto users = m_users;
    for (TargetUser* user : users) {
        if (std::ranges::find(m_users, user) != m_users.end()) user->target_ready();
    }
}

void TargetHop::answer(std::vector<Secret> answers) {
    if (m_sign_in && m_sign_in->questions() != nullptr) m_sign_in->questions()->answered(std::move(answers));
}

void TargetHop::ask_again() {
    if (m_sign_in && m_sign_in->questions() != nullptr) m_sign_in->questions()->begin_again();
}

// --- channels that the target opens ---

Result<InwardChannel::Plan> TargetHop::plan(const ssh::ChannelOpenRequested& request) {
    const bool agent = request.type == "auth-agent@openssh.com";
    if (!agent && request.type != "x11") return m_front.remote_forwards().plan(*this, request);
    const auto kind = agent ? InwardKind::Agent : InwardKind::X11;
    if (m_wanted[static_cast<std::size_t>(kind)] == 0) {
        return base::fail(agent ? "no session here may use an agent" : "no session here may use a display");
    }
    InwardChannel::Plan plan{kind, request.type, base::to_bytes(request.payload), {}, model::OnFailure::Alarm};
    plan.facts.type = request.type;
    plan.facts.target = name();
    // Signatures, no contents; and what a display is told begins with the cookie that opens it.
    plan.facts.level = model::RecordLevel::Metadata;
    return plan;
}

void TargetHop::channel_requested(const ssh::ChannelOpenRequested& request) {
    static constexpr std::array<std::size_t, kInwardKinds> kMost{
        wire::limits::kAgentChannels, wire::limits::kX11Channels, wire::limits::kForwardedChannels};
    const auto reject = [&](ssh::OpenFailure reason, std::string text) {
        m_hop->submit(ssh::RejectChannel{request.channel, reason, std::move(text)});
    };
    auto planned = plan(request);
    if (!planned) return reject(ssh::OpenFailure::AdministrativelyProhibited, planned.error().text);
    if (inward_count(planned->kind) >= kMost[static_cast<std::size_t>(planned->kind)])
        return reject(ssh::OpenFailure::ResourceShortage, "too many channels of this kind");
    m_inward.push_back(nullptr);
    m_inward.back() = std::make_unique<InwardChannel>(
        *this, m_front.record(), *m_hop, request.channel, m_front.hop(), std::move(*planned));
}

std::size_t TargetHop::inward_count(InwardKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(m_inward, [&](const auto& one) { return one && one->kind() == kind; }));
}

void TargetHop::inward_wanted(InwardKind kind, bool wanted) {
    int& sessions = m_wanted[static_cast<std::size_t>(kind)];
    sessions += wanted ? 1 : -1;
    if (sessions > 0) return;
    for (auto& channel : m_inward) {
        if (channel && channel->kind() == kind) channel->end();
    }
}

void TargetHop::inward_ended(InwardChannel& channel) {
    // Called from inside the channel: freed in a later turn.
    m_front.loop().post([this, alive = m_alive, which = &channel] {
        if (*alive) std::erase_if(m_inward, [&](const auto& one) { return one.get() == which; });
    });
}

void TargetHop::credit_released() {
    for (auto& channel : m_inward) {
        if (channel) channel->release_credit();
    }
}

// --- the end ---

void TargetHop::front_gone() {
    m_over = true;
    stop_dialing();
    for (auto& channel : m_inward) {
        if (channel) channel->hop_gone(m_front.hop());
    }
    if (m_sign_in) m_sign_in->front_gone();
    if (m_hop) m_hop->disconnect(ssh::DisconnectReason::ByApplication, "the session is over");
}

void TargetHop::hop_over(Hop&, const std::string& reason) {
    if (!m_over) {
        const std::string text =
            m_ready
                ? fmt::format("The connection to {} was lost: {}.", m_target.name, shown(reason, 300))
                : fmt::format("{} ended the connection before the sign-in was done: {}.", m_target.name, shown(reason, 300));
        fail(text, reason, m_ready ? "target.lost" : "target.failed");
    }
    for (auto& channel : m_inward) {
        if (channel) channel->hop_gone(*m_hop);
    }
    m_front.target_over(*this);
}

void TargetHop::fail(const std::string& text, const std::string& reason, std::string kind) {
    if (m_over) return;
    m_over = true;
    m_front.record().audit(kind, name(), kind == "target.refused" ? "refused" : "failed", reason);
    log::info(kind, {{"session", m_front.record().facts().id}, {"target", name()}, {"reason", reason}});
    for (TargetUser* user : std::exchange(m_users, {})) user->target_lost(text);
    if (m_hop && !m_hop->over()) {
        m_hop->disconnect(ssh::DisconnectReason::ByApplication, "the gateway ended the connection");
    } else if (!m_hop) {
        m_front.target_over(*this);
    }
}

}  // namespace sekisho::gateway
