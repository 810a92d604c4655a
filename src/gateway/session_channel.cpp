// Order: requests before the start → the start (destination or menu, capability, evidence) → the target → the relay; refusals.
#include "gateway/session_channel.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gateway/exec_kind.h"
#include "gateway/front_hop.h"
#include "gateway/text.h"
#include "wire/limits.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMostLogins = 50;  // logins that the help text names
constexpr std::size_t kMostInMenu = 1000;
constexpr std::size_t kMostLookedAt = 2000;  // targets that policy is asked about for either
constexpr std::size_t kMostX11Request = 1024;

std::string string_of(BytesView payload) {
    wire::Reader reader(payload);
    return std::string(reader.text());
}

/// RFC 4254 §6.5: exec and subsystem have one string and nothing behind it. What policy reads must be all that the target gets.
bool is_well_formed(const std::string& type, BytesView payload) {
    wire::Reader reader(payload);
    if (type != "shell") reader.text();
    return reader.finish(type).has_value();
}

Bytes string_payload(std::string_view text) { return wire::Writer().string(text).take(); }

/// A name that a shell or the loader of the target takes for an order would run other code before what was asked for, and policy would
/// not hear of it; SSH_ is the server's own story about the connection. What else a target takes from its users is its own matter.
bool is_harmless_variable(std::string_view name, std::string_view value) {
    constexpr std::array<std::string_view, 6> kOrders{"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "IFS"};
    constexpr std::array<std::string_view, 4> kFamilies{"LD_", "DYLD_", "BASH_FUNC_", "SSH_"};
    const bool well_formed = !name.empty() && name.find_first_of(std::string_view("=\0", 2)) == std::string_view::npos &&
                             value.find('\0') == std::string_view::npos;
    return well_formed && std::ranges::find(kOrders, name) == kOrders.end() &&
           std::ranges::none_of(kFamilies, [&](std::string_view family) { return name.starts_with(family); });
}

model::Capability capability_of(const std::string& type, const std::string& argument) {
    if (type == "shell") return model::Capability::Shell;
    if (type == "subsystem" && argument == "sftp") return model::Capability::Sftp;
    return type == "exec" ? exec_capability(argument) : model::Capability::Exec;
}

}  // namespace

SessionChannel::SessionChannel(FrontHop& front, ssh::ChannelId channel)
    : m_front(front), m_channel(channel), m_destination(front.destination()) {
    front.hop().route(channel, *this);
    front.hop().submit(ssh::AcceptChannel{channel, {}});
}

SessionChannel::~SessionChannel() {
    leave_target();
    if (m_agent_asked) m_front.agent_offer(false);
}

void SessionChannel::leave_target() {
    if (m_target == nullptr) return;
    m_target->leave(*this);
    if (m_joined) want_inward(false);
    if (m_opening) m_target->hop().unroute(m_target_channel);
    m_opening = m_joined = false;
    m_target = nullptr;
}

/// What commands on the target may open towards the client, while this session is there.
void SessionChannel::want_inward(bool wanted) {
    if (m_agent_granted) m_target->inward_wanted(InwardKind::Agent, wanted);
    if (m_x11_granted) m_target->inward_wanted(InwardKind::X11, wanted);
}

void SessionChannel::channel_event(Hop& hop, ssh::Event& event) {
    if (m_opening && &hop != &m_front.hop()) return target_channel_event(event);
    if (const auto* asked = std::get_if<ssh::ChannelRequested>(&event)) {
        requested({asked->type, asked->want_reply, base::to_bytes(asked->payload)});
    } else if (auto* data = std::get_if<ssh::Data>(&event)) {
        if (m_menu) return typed(*data);
        hop.submit(ssh::Credit{m_channel, data->bytes.size()});  // before anything runs, or after a refusal: nobody reads it
    } else if (const auto* more = std::get_if<ssh::Sent>(&event)) {
        said(more->count);
    } else if (std::holds_alternative<ssh::EofReceived>(event)) {
        m_eof = true;
        if (m_menu) leave_menu({}, 0);
    } else if (std::holds_alternative<ssh::CloseReceived>(event)) {
        hop.submit(ssh::CloseChannel{m_channel});
    } else if (std::holds_alternative<ssh::ChannelEnded>(event)) {
        m_front.channel_over(*this);
    }
}

// --- requests before the start ---

void SessionChannel::requested(Request request) {
    if (m_menu && request.type == "window-change") return resize_menu(request);
    if (m_started) return reply(request, false);  // refused already; the client has not seen the CLOSE yet
    if (request.type == "shell" || request.type == "exec" || request.type == "subsystem") return start(std::move(request));
    if (request.type == "pty-req") return pty_requested(std::move(request));
    if (request.type == "env") return env_requested(std::move(request));
    if (request.type == "auth-agent-req@openssh.com") return agent_requested(std::move(request));
    if (request.type == "x11-req") return x11_requested(std::move(request));
    if (request.want_reply) return reply(request, false);
    hold(std::move(request));
}

void SessionChannel::pty_requested(Request request) {
    if (!m_front.grant().pty) {
        refused_part("terminal", "the key " + m_front.grant().fingerprint + " may not have a terminal");
        return reply(request, false);
    }
    // The gateway's own words must fit a terminal from here on, whatever becomes of the session.
    m_pty = true;
    hold(request);
    reply(request, true);
}

void SessionChannel::env_requested(Request request) {
    ++m_env_count;
    m_env_bytes += request.payload.size();
    if (m_env_count > wire::limits::kEnvironmentCount || m_env_bytes > wire::limits::kEnvironmentBytes)
        return reply(request, false);
    wire::Reader reader(request.payload);
    const auto name = std::string(reader.text());
    const std::string_view value = reader.text();
    if (!reader.finish("env") || !is_harmless_variable(name, value)) {
        refused_part("env " + shown(name, 64), "this variable would change what runs on the target");
        return reply(request, false);
    }
    hold(request);
    reply(request, true);
}

void SessionChannel::agent_requested(Request request) {
    if (!m_front.grant().agent_forwarding) {
        refused_part("agent", "the key " + m_front.grant().fingerprint + " may not forward an agent");
        return reply(request, false);
    }
    if (!m_agent_asked) m_front.agent_offer(true);
    m_agent_asked = true;
    reply(request, true);
}

/// Answered at once, as the agent is: clients wait for it before they start anything. Where the target is named later, so is the
/// decision.
void SessionChannel::x11_requested(Request request) {
    if (m_x11 || request.payload.size() > kMostX11Request) return reply(request, false);
    if (!m_destination.target.empty() && !x11_permitted()) return reply(request, false);
    m_x11 = std::move(request.payload);
    reply(request, true);
}

bool SessionChannel::x11_permitted() {
    const auto decision = decide(model::Capability::X11);
    const bool by_key = m_front.grant().x11_forwarding;
    if (decision.allowed && by_key) return true;
    const std::string reason =
        by_key ? decision.reason : "the key " + m_front.grant().fingerprint + " may not forward a display";
    refused_part("x11", reason);
    m_front.hop().submit(ssh::SendDebug{shown(reason, 1000)});
    return false;
}

bool SessionChannel::agent_permitted() {
    const auto decision = decide(model::Capability::Agent);
    if (!decision.allowed) refused_part("agent", decision.reason);
    return decision.allowed;
}

/// The session goes on without it.
void SessionChannel::refused_part(const std::string& what, const std::string& reason) {
    m_front.record().audit("access.refused", fmt::format("{} {}", place(), what), "refused", reason);
}

std::string SessionChannel::place() const {
    if (m_destination.target.empty()) return "gateway";
    return fmt::format("{}@{}", m_destination.login, m_destination.target);
}

void SessionChannel::hold(Request request) {
    m_held_bytes += request.type.size() + request.payload.size() + sizeof(Request);
    if (m_held_bytes > wire::limits::kQueuedRequestBytes) {
        return m_front.hop().disconnect(
            ssh::DisconnectReason::ProtocolError, "Too many channel requests before the session started.");
    }
    m_held.push_back(std::move(request));
}

void SessionChannel::reply(const Request& request, bool success) {
    if (request.want_reply) m_front.hop().submit(ssh::ReplyRequest{m_channel, success});
}

// --- the start ---

policy::Decision SessionChannel::decide(model::Capability capability, std::optional<std::string> command) {
    policy::Request request;
    request.command = std::move(command);
    request.target = m_destination.target;
    request.login = m_destination.login;
    request.capability = capability;
    request.scp_writes = capability == model::Capability::Scp && request.command && scp_writes(*request.command);
    return m_front.decide(std::move(request));
}

void SessionChannel::start(Request start) {
    m_started = true;
    if (!is_well_formed(start.type, start.payload)) {
        return refuse_by_policy(start, place() + " " + start.type, "the request cannot be understood");
    }
    if (m_front.grant().command) start = Request{"exec", start.want_reply, string_payload(*m_front.grant().command)};
    if (find_destination(start)) run(std::move(start));
}

void SessionChannel::run(Request start) {
    const std::string argument = start.type == "shell" ? std::string() : string_of(start.payload);
    const auto capability = capability_of(start.type, argument);
    m_shell = capability == model::Capability::Shell;
    const auto decision = decide(capability, start.type == "subsystem" ? "subsystem " + argument : argument);
    if (!decision.allowed) {
        return refuse_by_policy(start, fmt::format("{} {}", place(), model::name(capability)), decision.reason);
    }
    // A terminal is another reader of the same bytes, which erases and rewrites some: what the watch read is not what would arrive.
    if (decision.sftp.any() && m_pty) {
        return refuse_by_policy(start, place() + " sftp",
            fmt::format("rule \"{}\" narrows sftp, which therefore gets no terminal: ask for none (ssh -T)", decision.rule));
    }
    if (auto begun = m_front.may_begin(decision); !begun)
        return refuse(start, begun.error().text, 255);
    m_agent_granted = m_agent_asked && agent_permitted();
    m_x11_granted = m_x11 && x11_permitted();
    relay_to_target(std::move(start), decision);
}

/// Named in the user name, or in front of the command. Otherwise the gateway itself is meant, which runs nothing.
bool SessionChannel::find_destination(Request& start) {
    if (m_destination.target.empty()) {
        const auto form = start.type == "exec" ? parse_command_form(string_of(start.payload)) : std::nullopt;
        const auto snapshot = m_front.services().access.load();
        const model::Target* target = form ? snapshot->access.target(form->target) : nullptr;
        if (target == nullptr) {
            if (!open_menu(start)) help(start);
            return false;
        }
        m_destination.target = form->target;
        m_destination.login = form->login;
        start = form->command.empty() ? Request{"shell", start.want_reply, {}}
                                      : Request{"exec", start.want_reply, string_payload(form->command)};
    }
    if (m_destination.login.empty()) {
        const auto snapshot = m_front.services().access.load();
        m_destination.login = m_front.default_login(snapshot->access, m_destination.target);
    }
    return true;
}

void SessionChannel::help(const Request& start) {
    std::string text = fmt::format(
        "You are {} at the gateway. It runs nothing itself; name a target:\n"
        "  ssh LOGIN@TARGET@gateway [command]    or    ssh gateway LOGIN@TARGET [command]\n",
        m_front.grant().user);
    const Places listed = places(kMostLogins);
    text += listed.open.empty() ? "No rule opens a target to you for a session now.\n" : "Open to you now:\n";
    for (const auto& place : listed.open) text += fmt::format("  {}@{}\n", place.login, place.target);
    if (listed.more) text += "  ... and more\n";
    refuse(start, text, 1);
}

/// Logins on targets on which this user may have some session now.
SessionChannel::Places SessionChannel::places(std::size_t most) {
    Places found;
    const auto snapshot = m_front.services().access.load();
    std::size_t looked_at = 0;
    for (const auto& target : snapshot->access.targets) {
        if (found.more) break;
        found.more = ++looked_at > kMostLookedAt;
        for (const auto& login : m_front.logins_for(snapshot->access, target)) {
            if (found.more || !m_front.permits_session(target, login)) continue;
            found.more = found.open.size() >= most;
            if (found.more) break;
            std::string note;
            for (const auto& [name, value] : target.labels) note += fmt::format("{}{}={}", note.empty() ? "" : " ", name, value);
            found.open.push_back({login, target.name, std::move(note)});
        }
    }
    return found;
}

// --- the menu ---

/// For a person who typed `ssh gateway` and nothing else. What is chosen is decided like everything.
bool SessionChannel::open_menu(Request& start) {
    if (start.type != "shell" || !m_pty || m_eof) return false;
    Places open = places(kMostInMenu);
    if (open.open.empty()) return false;
    auto language = Menu::Language::English;
    std::size_t weight = 0;
    const Request* terminal = nullptr;
    for (const Request& held : m_held) {
        if (held.type == "pty-req") terminal = &held;
        if (held.type != "env") continue;
        wire::Reader reader(held.payload);
        const std::string name(reader.text());
        // POSIX, "Internationalization Variables": the first of these that is set counts.
        const std::size_t is = name == "LC_ALL" ? 3 : name == "LC_MESSAGES" ? 2 : name == "LANG" ? 1 : 0;
        if (is <= weight) continue;
        weight = is;
        language = Menu::language_of(reader.text());
    }
    m_menu.emplace(m_front.grant().user, std::move(open.open), open.more, language);
    reply(start, true);
    start.want_reply = false;
    m_menu_start = std::move(start);
    if (terminal != nullptr) {
        wire::Reader reader(terminal->payload);
        reader.text();
        const std::uint32_t columns = reader.u32(), rows = reader.u32();
        if (reader.ok()) m_menu->resize(columns, rows);
    }
    show_menu();
    return true;
}

/// Drawn when the client has read what was drawn before: whoever types and does not read costs one screen.
void SessionChannel::show_menu() {
    m_menu_stale = m_own_queued > 0;
    if (!m_menu_stale) say(m_menu->screen());
}

void SessionChannel::say(std::string_view text) {
    m_own_queued += text.size() - m_front.hop().write(m_channel, ssh::DataStream::Main, base::view(text));
}

void SessionChannel::said(std::size_t count) {
    m_own_queued -= std::min(m_own_queued, count);
    if (m_menu && m_menu_stale) show_menu();
}

void SessionChannel::resize_menu(const Request& request) {
    wire::Reader reader(request.payload);
    const std::uint32_t columns = reader.u32(), rows = reader.u32();
    if (reader.ok()) m_menu->resize(columns, rows);
    // The terminal on the target begins with the size that it had in pty-req; of changes since then only the last counts.
    std::erase_if(m_held, [](const Request& held) { return held.type == "window-change"; });
    hold(request);
    show_menu();
}

void SessionChannel::typed(ssh::Data& data) {
    const std::size_t taken = m_menu->type(base::text_view(data.bytes));
    m_front.hop().submit(ssh::Credit{m_channel, taken});
    if (m_menu->state() == Menu::State::Open) return show_menu();
    if (m_menu->state() == Menu::State::Left) {
        m_front.hop().submit(ssh::Credit{m_channel, data.bytes.size() - taken});
        return leave_menu({}, 0);
    }
    m_destination.login = m_menu->chosen().login;
    m_destination.target = m_menu->chosen().target;
    say(m_menu->closing());
    m_menu.reset();
    run(std::move(m_menu_start));
    // What was typed ahead belongs to whoever is there now.
    if (taken == data.bytes.size()) return;
    ssh::Event rest = ssh::Data{m_channel, data.stream, data.bytes.subspan(taken)};
    if (m_relay) return m_relay->first_event(rest);
    m_front.hop().submit(ssh::Credit{m_channel, data.bytes.size() - taken});
}

void SessionChannel::leave_menu(const std::string& text, int status) {
    say(m_menu->closing());
    m_menu.reset();
    finish(text, status);
}

void SessionChannel::relay_to_target(Request start, const policy::Decision& decision) {
    m_target = m_front.target_hop(m_destination.target, m_destination.login);
    if (m_target == nullptr)
        return refuse(start, "The target " + shown(m_destination.target) + " does not exist any more.", 255);
    auto& record = m_front.record();
    recording::ChannelFacts facts;
    facts.type = "session";
    facts.target = m_target->name();
    facts.level = decision.record;
    facts.tell_commands = model::indexed(decision.index, decision.record, m_front.services().sealed).typed;
    // Where somebody sits at a terminal, what is seen there is recorded as the level says.
    if (!m_pty && !m_shell) facts.contents = decision.record_contents;
    facts.hidden_input = decision.record_hidden_input;
    const auto number = record.channel_opened(std::move(facts), m_front.on_failure(decision));
    record.audit("channel.open", m_target->name(), "ok", fmt::format("{} by rule \"{}\"", start.type, decision.rule));
    if (start.type == "exec" && model::indexed(decision.index, decision.record, m_front.services().sealed).exec)
        record.index(model::CommandRun{.channel = number, .text = string_of(start.payload), .target = m_target->name()});
    m_relay.emplace(*this, record, number, m_front.hop(), m_channel, true);
    if (decision.sftp.any()) m_relay->watch({decision.rule, decision.sftp.read_only, decision.sftp.paths});
    if (decision.record != model::RecordLevel::Metadata && record.recorded()) {
        auto files = file_audit_for(start.type, start.type == "shell" ? std::string() : string_of(start.payload));
        files.target = m_target->name();
        const bool sealed = !m_front.config().recording.seal_to.empty();
        files.indexed = model::indexed(decision.index, decision.record, sealed).files;
        if (files.observer) m_relay->audit_files(std::move(files));
    }
    m_relay->begin(m_own_queued);
    for (const auto& [name, value] : m_target->target().set_env) {
        m_relay->replay("env", wire::Writer().string(name).string(value).take());
    }
    if (m_agent_granted) m_relay->replay("auth-agent-req@openssh.com", {});
    if (m_x11_granted) {
        record.request(number, true, "x11-req", *m_x11);
        m_relay->replay("x11-req", std::move(*m_x11));
    }
    for (auto& held : std::exchange(m_held, {})) {
        record.request(number, true, held.type, held.payload);
        m_relay->replay(std::move(held.type), std::move(held.payload));
    }
    record.request(number, true, start.type, start.payload);
    m_relay->forward_request(std::move(start.type), start.want_reply, std::move(start.payload));
    if (m_eof) {
        ssh::Event eof = ssh::EofReceived{m_channel};
        m_relay->first_event(eof);
    }
    m_target->join(*this);
}

// --- the target ---

void SessionChannel::target_ready() {
    const auto channel = m_target->hop().new_channel();
    if (!channel)
        return m_relay->second_lost("The connection to " + m_target->target().name + " has too many channels.", m_pty);
    m_target_channel = *channel;
    m_opening = true;
    m_joined = true;
    want_inward(true);
    m_target->hop().route(m_target_channel, *this);
    m_target->hop().submit(ssh::OpenChannel{m_target_channel, "session", {}});
}

void SessionChannel::target_channel_event(ssh::Event& event) {
    if (std::holds_alternative<ssh::ChannelOpened>(event)) {
        m_opening = false;
        m_relay->connect(m_target->hop(), m_target_channel);
    } else if (const auto* failed = std::get_if<ssh::ChannelOpenFailed>(&event)) {
        m_opening = false;
        m_relay->second_lost(
            fmt::format("{} refused another session: {}", m_target->target().name, shown(failed->text, 300)), m_pty);
    }
}

void SessionChannel::target_lost(const std::string& text) {
    m_opening = false;
    m_target = nullptr;
    m_joined = false;
    m_relay->second_lost(text, m_pty);
}

// --- the relay ---

void SessionChannel::relay_answered() {
    auto& record = m_front.record();
    if (!m_pty || !m_shell || !record.recorded()) return;
    m_relay->notice(
        fmt::format("\r\nNOTE: This SSH session will be recorded\r\nAUDIT KEY: {}\r\n\r\n", record.facts().audit_key),
        false);
}

void SessionChannel::relay_refused(const sftp::Refused& refused) {
    auto& budget = m_front.refusals();
    if (!budget.permit(m_front.loop().now())) return;
    std::string what = fmt::format("{} sftp {}", place(), shown(refused.operation));
    for (const std::string* path : {&refused.path, &refused.other_path}) {
        if (!path->empty()) what += " " + shown(*path, 1024);
    }
    m_front.record().audit("access.refused", std::move(what), "refused", refused.reason + budget.left_out());
}

void SessionChannel::relay_unreadable(const std::string& text) {
    m_front.record().audit("access.refused", place() + " sftp", "refused", text);
    end(text);
}

void SessionChannel::relay_ended() { m_front.channel_over(*this); }

void SessionChannel::credit_released() {
    if (m_relay) m_relay->release_credit();
}

bool SessionChannel::end(const std::string& text) {
    if (m_menu) {
        leave_menu(text, 255);
        return true;
    }
    if (!m_relay || m_relay->ended()) return false;
    if (m_target != nullptr && m_relay->connected()) {
        // The command on the target loses its channel now; what it still says reaches nobody.
        m_target->hop().unroute(m_target_channel);
        m_target->hop().submit(ssh::CloseChannel{m_target_channel});
    }
    leave_target();
    m_relay->second_lost(text, m_pty);
    return true;
}

void SessionChannel::front_gone() {
    m_front_gone = true;
    if (m_relay) m_relay->hop_gone(m_front.hop());
}

// --- refusals ---

void SessionChannel::refuse_by_policy(const Request& start, const std::string& what, const std::string& reason) {
    m_front.record().audit("access.refused", what, "refused", reason);
    refuse(start, reason, 1);
}

void SessionChannel::refuse(const Request& start, const std::string& text, int status) {
    reply(start, true);  // a client that is told "no" here would show its own message instead of ours
    finish(text, status);
}

void SessionChannel::finish(const std::string& text, int status) {
    std::string said = text;
    if (!said.empty() && !said.ends_with('\n')) said += '\n';
    auto& hop = m_front.hop();
    if (m_pty) {
        const std::string terminal = for_terminal(said);
        hop.write(m_channel, ssh::DataStream::Main, base::view(terminal));
    } else {
        hop.write(m_channel, ssh::DataStream::Stderr, base::view(said));
    }
    hop.submit(ssh::SendRequest{
        m_channel, "exit-status", false, wire::Writer().u32(static_cast<std::uint32_t>(status)).take(), false});
    hop.submit(ssh::SendEof{m_channel});
    hop.submit(ssh::CloseChannel{m_channel});
}

}  // namespace sekisho::gateway
