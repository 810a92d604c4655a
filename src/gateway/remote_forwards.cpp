// Order: a request → the decision → the target, when it is there → its answer → the client; then the channels that it opens.
#include "gateway/remote_forwards.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/front_hop.h"
#include "gateway/text.h"
#include "wire/limits.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

constexpr std::string_view kTcpForward = "tcpip-forward";
constexpr std::string_view kTcpCancel = "cancel-tcpip-forward";
constexpr std::string_view kSocketForward = "streamlocal-forward@openssh.com";
constexpr std::string_view kSocketCancel = "cancel-streamlocal-forward@openssh.com";
constexpr std::string_view kCheck = "forward-check@sekisho";
constexpr std::string_view kTcpChannel = "forwarded-tcpip";
constexpr std::string_view kSocketChannel = "forwarded-streamlocal@openssh.com";

constexpr std::string_view kNoTarget =
    "a socket needs a target, which listens; write LOGIN@TARGET in front of the gateway's name";

}  // namespace

// --- places ---

std::string RemoteForwards::Place::text() const {
    if (socket) return shown(path, 300);
    return shown(net::Endpoint{host.empty() ? "*" : host, static_cast<std::uint16_t>(port)}.text(), 300);
}

/// RFC 4254 §7.1: address to bind, port number to bind. OpenSSH PROTOCOL §2.4: socket path.
std::optional<RemoteForwards::Place> RemoteForwards::parse_place(std::string_view type, BytesView payload) {
    wire::Reader reader(payload);
    Place place;
    place.socket = type == kSocketForward || type == kSocketCancel;
    if (place.socket) {
        place.path = std::string(reader.text(4096));
    } else {
        place.host = std::string(reader.text(255));
        place.port = reader.u32();
    }
    if (!reader.finish(type) || place.port > 65535) return std::nullopt;
    return place;
}

policy::Request RemoteForwards::request_for(const Place& place) const {
    policy::Request request;
    request.target = m_front.destination().target;
    request.login = m_front.destination().login;
    request.capability = place.socket ? model::Capability::SocketForward : model::Capability::RemoteForward;
    request.forward_host = place.host;
    request.forward_port = static_cast<std::uint16_t>(place.port);
    request.forward_path = place.path;
    return request;
}

Result<policy::Decision> RemoteForwards::permitted(const Place& place) {
    if (here(place)) return ports().permitted(place.host, static_cast<std::uint16_t>(place.port));
    if (m_front.destination().target.empty()) return fail(std::string(kNoTarget));
    const auto& grant = m_front.grant();
    const auto by_key = place.socket ? grant.permits_sockets()
                                     : grant.permits_listen(place.host, static_cast<std::uint16_t>(place.port));
    auto decision = m_front.decide(request_for(place));
    if (!decision.allowed) return fail(decision.reason);
    if (!by_key) return std::unexpected(by_key.error());
    return decision;
}

// --- requests ---

void RemoteForwards::requested(const ssh::GlobalRequested& request) {
    std::optional<std::uint64_t> answer;
    if (request.want_reply) {
        answer = m_answers_given + m_answers.size();
        m_answers.emplace_back();
    }
    if (request.type == kTcpForward || request.type == kSocketForward) return forward(request, answer);
    if (request.type == kTcpCancel || request.type == kSocketCancel) return cancel(request, answer);
    if (request.type == kCheck) return check(request, answer);
    settle(answer, false);  // keepalives, and whatever we do not know
}

/// docs/PROTOCOL.md: string capability, string host or path, uint32 port → boolean permitted, string why (UTF-8). Nothing is opened.
void RemoteForwards::check(const ssh::GlobalRequested& request, std::optional<std::uint64_t> answer) {
    wire::Reader reader(request.payload);
    const auto capability = model::parse_capability(reader.text(64));
    const std::string place(reader.text(4096));
    const std::uint32_t port = reader.u32();
    if (!reader.finish(kCheck) || !capability || port > 65535) return settle(answer, false);
    const auto decision = checked(*capability, place, static_cast<std::uint16_t>(port));
    const std::string why = decision ? decision->reason : decision.error().text;
    if (!decision) {
        const std::string subject = place.starts_with('/') ? place : net::Endpoint{place, static_cast<std::uint16_t>(port)}.text();
        m_front.record().audit("access.refused", shown(subject, 300), "refused", "asked beforehand: " + why);
    }
    settle(answer, true, wire::Writer().boolean(decision.has_value()).string(shown(why, 1000)).take());
}

Result<policy::Decision> RemoteForwards::checked(model::Capability capability, const std::string& place, std::uint16_t port) {
    using enum model::Capability;
    if (capability == RemoteForward) return permitted({.socket = false, .host = place, .port = port, .path = {}});
    if (capability != LocalForward && capability != SocketForward)
        return fail("only local-forward, remote-forward and socket-forward are asked about beforehand");
    if (capability == SocketForward && m_front.destination().target.empty()) return fail(std::string(kNoTarget));
    if (capability == LocalForward && port == 0) return fail("the port is not a number from 1 to 65535");
    policy::Request request = request_for({.socket = capability == SocketForward, .host = place, .port = port, .path = place});
    request.capability = capability;
    auto decision = m_front.decide(std::move(request));
    if (!decision.allowed) return fail(decision.reason);
    const auto& grant = m_front.grant();
    const auto by_key = capability == SocketForward ? grant.permits_sockets() : grant.permits_open(place, port);
    if (!by_key) return std::unexpected(by_key.error());
    return decision;
}

void RemoteForwards::forward(const ssh::GlobalRequested& request, std::optional<std::uint64_t> answer) {
    const auto place = parse_place(request.type, request.payload);
    if (!place) return refuse(answer, request.type, "a remote forward that cannot be understood");
    const auto decision = permitted(*place);
    if (!decision) return refuse(answer, place->text(), decision.error().text);
    if (m_listening.size() + m_asked.size() >= wire::limits::kRemoteForwards)
        return refuse(answer, place->text(), "too many remote forwards on this connection");
    const auto on_failure = m_front.on_failure(*decision);
    if (const auto begun = m_front.may_begin(*decision); !begun)
        return refuse(answer, place->text(), begun.error().text);
    if (here(*place)) return listen_here(*place, *decision, answer);
    m_front.record().audit("forward.listen", place->text(), "ok",
        fmt::format("{} by rule \"{}\"", model::name(request_for(*place).capability), decision->rule));
    ask({++m_last_id, answer, false, *place, on_failure, request.type, base::to_bytes(request.payload)});
}

/// Only of what this client asked for itself; what it asked for a moment ago may still be on its way.
void RemoteForwards::cancel(const ssh::GlobalRequested& request, std::optional<std::uint64_t> answer) {
    const auto place = parse_place(request.type, request.payload);
    if (!place) return refuse(answer, request.type, "a cancellation that cannot be understood");
    if (here(*place) && m_ports && m_ports->cancel(place->host, static_cast<std::uint16_t>(place->port))) return settle(answer, true);
    const bool asked = std::ranges::any_of(m_asked, [&](const Asked& one) { return !one.cancel && one.place == *place; });
    if (listening(*place) == nullptr && !asked)
        return refuse(answer, place->text(), "there is no such forward on this connection");
    ask({++m_last_id, answer, true, *place, model::OnFailure::Alarm, request.type, base::to_bytes(request.payload)});
}

/// The answer has no room for words: the client's user reads them with -v, the auditor always.
void RemoteForwards::refuse(std::optional<std::uint64_t> answer, const std::string& subject, const std::string& text) {
    m_front.record().audit("access.refused", subject, "refused", text);
    m_front.hop().submit(ssh::SendDebug{shown(fmt::format("{}: {}", subject, text), 1000)});
    settle(answer, false);
}

// --- the gateway ---

bool RemoteForwards::here(const Place& place) const { return !place.socket && m_front.destination().target.empty(); }

GatewayPorts& RemoteForwards::ports() {
    if (!m_ports) m_ports = std::make_unique<GatewayPorts>(m_front);
    return *m_ports;
}

void RemoteForwards::listen_here(const Place& place, const policy::Decision& decision, std::optional<std::uint64_t> answer) {
    const std::string why = fmt::format("{} by rule \"{}\"", model::name(model::Capability::RemoteForward), decision.rule);
    const auto port = ports().listen(place.host, static_cast<std::uint16_t>(place.port), why);
    if (!port) {
        m_front.record().audit("forward.listen", place.text(), "failed", port.error().full());
        m_front.hop().submit(ssh::SendDebug{shown(port.error().text, 1000)});
        return settle(answer, false);
    }
    // RFC 4254 §7.1: a port stands in the answer only where it was left to us.
    settle(answer, true, place.port == 0 ? BytesView(wire::Writer().u32(*port).take()) : BytesView());
}

void RemoteForwards::stop(const std::string& why) {
    if (m_ports) m_ports->stop(why);
}

// --- the target ---

void RemoteForwards::ask(Asked asked) {
    if (m_asked.size() >= wire::limits::kPendingReplies)
        return refuse(asked.answer, asked.place.text(), "too many requests wait for the target");
    const std::string place = asked.place.text();
    const auto answer = asked.answer;
    m_asked.push_back(std::move(asked));
    if (m_ready) return send(m_asked.back());
    if (m_target != nullptr) return;
    m_target = m_front.target_hop(m_front.destination().target, m_front.destination().login);
    if (m_target != nullptr) return m_target->join(*this);
    m_asked.pop_back();
    refuse(answer, place, "the target does not exist any more");
}

void RemoteForwards::target_ready() {
    m_ready = true;
    for (Asked& asked : m_asked) send(asked);
}

void RemoteForwards::send(Asked& asked) {
    if (std::exchange(asked.sent, true)) return;
    m_target->hop().ask(asked.type, std::move(asked.payload),
        [this, id = asked.id](bool success, BytesView payload) { answered(id, success, payload); });
}

void RemoteForwards::answered(std::uint64_t id, bool success, BytesView payload) {
    const auto found = std::ranges::find(m_asked, id, &Asked::id);
    if (found == m_asked.end()) return;
    const Asked asked = std::move(*found);
    m_asked.erase(found);
    if (asked.cancel) {
        if (success) std::erase_if(m_listening, [&](const Listening& one) { return one.place == asked.place; });
        return settle(asked.answer, success);
    }
    if (!success) {
        m_front.record().audit("forward.listen", asked.place.text(), "failed", "the target refused it");
        return settle(asked.answer, false);
    }
    if (!begun(asked, payload)) return settle(asked.answer, false);
    // RFC 4254 §7.1: a port stands in the answer only where the target chose it.
    settle(asked.answer, true, asked.place.port == 0 && !asked.place.socket ? payload : BytesView());
}

bool RemoteForwards::begun(const Asked& asked, BytesView payload) {
    Listening listening{asked.place, asked.on_failure};
    if (!asked.place.socket && asked.place.port == 0) {
        wire::Reader reader(payload);
        listening.place.port = reader.u32();
        if (!reader.finish("port") || listening.place.port == 0 || listening.place.port > 65535) {
            m_front.record().audit("forward.listen", asked.place.text(), "failed", "the target did not say on which port");
            return false;
        }
        m_front.record().audit("forward.listen", listening.place.text(), "ok", "the port that the target chose");
    }
    if (this->listening(listening.place) == nullptr) m_listening.push_back(std::move(listening));
    return true;
}

void RemoteForwards::target_lost(const std::string& text) {
    m_target = nullptr;
    m_ready = false;
    m_listening.clear();
    for (const Asked& asked : std::exchange(m_asked, {})) {
        m_front.record().audit("forward.listen", asked.place.text(), "failed", text);
        m_front.hop().submit(ssh::SendDebug{shown(text, 1000)});
        settle(asked.answer, false);
    }
}

void RemoteForwards::settle(std::optional<std::uint64_t> answer, bool success, BytesView payload) {
    if (!answer) return;
    Answer& settled = m_answers[*answer - m_answers_given];
    settled.success = success;
    settled.payload = base::to_bytes(payload);
    std::size_t known = 0;
    for (; known < m_answers.size() && m_answers[known].success; ++known) {
        m_front.hop().submit(ssh::ReplyGlobal{*m_answers[known].success, std::move(m_answers[known].payload)});
    }
    m_answers.erase(m_answers.begin(), m_answers.begin() + static_cast<std::ptrdiff_t>(known));
    m_answers_given += known;
}

// --- channels ---

const RemoteForwards::Listening* RemoteForwards::listening(const Place& place) const {
    const auto found = std::ranges::find(m_listening, place, &Listening::place);
    return found == m_listening.end() ? nullptr : &*found;
}

/// RFC 4254 §7.2: address and port that were connected, originator's address and port. OpenSSH PROTOCOL §2.4: path, reserved.
Result<InwardChannel::Plan> RemoteForwards::plan(const TargetHop& target, const ssh::ChannelOpenRequested& request) {
    const bool socket = request.type == kSocketChannel;
    if (!socket && request.type != kTcpChannel) return fail("not known here");
    wire::Reader reader(request.payload);
    Place place;
    place.socket = socket;
    std::string from;
    if (socket) {
        place.path = std::string(reader.text(4096));
        reader.string(4096);
    } else {
        place.host = std::string(reader.text(255));
        place.port = reader.u32();
        const std::string address(reader.text(255));
        from = fmt::format(", from {}", shown(net::Endpoint{address, static_cast<std::uint16_t>(reader.u32())}.text()));
    }
    if (auto finished = reader.finish(request.type); !finished) return std::unexpected(finished.error());
    const Listening* found = listening(place);
    // Servers differ in how they name the address ("localhost", "", what they bound): the port was asked for all the same.
    const auto same_port = [&](const Listening& one) { return !one.place.socket && one.place.port == place.port; };
    if (found == nullptr && !socket) {
        const auto by_port = std::ranges::find_if(m_listening, same_port);
        if (by_port != m_listening.end()) found = &*by_port;
    }
    if (found == nullptr || &target != m_target) {
        m_front.record().audit(
            "access.refused", place.text(), "refused", "the target opened a forward that nobody asked for");
        return fail("nobody asked for this forward");
    }
    const auto decision = permitted(found->place);
    if (!decision) {
        m_front.record().audit("access.refused", found->place.text(), "refused", decision.error().text);
        return std::unexpected(decision.error());
    }
    const auto on_failure = m_front.on_failure(*decision);
    if (auto begun = m_front.may_begin(*decision); !begun) return std::unexpected(begun.error());
    m_front.record().audit("channel.open", found->place.text(), "ok",
        fmt::format("{} by rule \"{}\"{}", model::name(request_for(found->place).capability), decision->rule, from));
    InwardChannel::Plan plan{InwardKind::Forward, request.type, base::to_bytes(request.payload), {}, on_failure};
    plan.facts.type = request.type;
    plan.facts.target = target.name();
    plan.facts.destination = found->place.text();
    plan.facts.level = decision->record;
    plan.facts.contents = decision->record_contents;
    return plan;
}

}  // namespace sekisho::gateway
