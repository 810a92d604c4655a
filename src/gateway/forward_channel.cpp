// Order: what is asked for, by type → a jump, or the decision → the target or a socket.
#include "gateway/forward_channel.h"

#include <fmt/format.h>

#include "gateway/dialed_forward.h"
#include "gateway/front_hop.h"
#include "gateway/jump_channel.h"
#include "gateway/target_forward.h"
#include "gateway/text.h"
#include "model/forward.h"
#include "model/route.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace sekisho::gateway {

namespace {

constexpr std::string_view kTcp = "direct-tcpip";
constexpr std::string_view kSocket = "direct-streamlocal@openssh.com";
constexpr std::string_view kTunnel = "tun@openssh.com";

struct Asked {
    policy::Request request;
    std::string where;  // for people
    Bytes payload;      // for the target
    Result<void> by_key;  // what the key's options say
};

/// RFC 4254 §7.2: host to connect, port to connect, originator address, originator port.
Result<Asked> tcp_asked(const FrontHop& front, BytesView payload) {
    wire::Reader reader(payload);
    const std::string host(reader.text(255));
    const std::uint32_t port = reader.u32();
    reader.string(255);
    reader.u32();
    if (auto finished = reader.finish(kTcp); !finished) return std::unexpected(finished.error());
    if (port == 0 || port > 65535) return fail("the port is not a number from 1 to 65535");
    Asked asked;
    asked.request.capability = model::Capability::LocalForward;
    asked.request.forward_host = host;
    asked.request.forward_port = static_cast<std::uint16_t>(port);
    asked.where = shown(net::Endpoint{host, asked.request.forward_port}.text(), 300);
    asked.payload = base::to_bytes(payload);
    asked.by_key = front.grant().permits_open(host, asked.request.forward_port);
    return asked;
}

/// OpenSSH PROTOCOL §2.4: socket path, and two fields in reserve.
Result<Asked> socket_asked(const FrontHop& front, BytesView payload) {
    wire::Reader reader(payload);
    const std::string path(reader.text(4096));
    reader.string(4096);
    reader.u32();
    if (auto finished = reader.finish(kSocket); !finished) return std::unexpected(finished.error());
    Asked asked;
    asked.request.capability = model::Capability::SocketForward;
    asked.request.forward_path = path;
    asked.where = shown(path, 300);
    asked.payload = base::to_bytes(payload);
    asked.by_key = front.grant().permits_sockets();
    return asked;
}

/// OpenSSH PROTOCOL §2.3: tunnel mode, remote unit number.
Result<Asked> tunnel_asked(const FrontHop& front, BytesView payload) {
    constexpr std::uint32_t kPointToPoint = 1, kEthernet = 2, kAnyUnit = 0x7fffffff;
    wire::Reader reader(payload);
    const std::uint32_t mode = reader.u32();
    std::uint32_t unit = reader.u32();
    if (auto finished = reader.finish(kTunnel); !finished) return std::unexpected(finished.error());
    if (mode != kPointToPoint && mode != kEthernet) return fail("a tunnel is of layer 3 or 2");
    const identity::Grant& grant = front.grant();
    Asked asked;
    if (!grant.port_forwarding) asked.by_key = fail("the key " + grant.fingerprint + " may not forward");
    if (grant.tunnel) {
        if (unit != kAnyUnit && unit != *grant.tunnel)
            asked.by_key = fail("the option tunnel of the key names another device");
        unit = *grant.tunnel;
    }
    asked.request.capability = model::Capability::Vpn;
    asked.where = fmt::format("layer {} tunnel", mode == kPointToPoint ? 3 : 2);
    if (unit != kAnyUnit) asked.where += fmt::format(", device {}", unit);
    asked.payload = wire::Writer().u32(mode).u32(unit).take();
    return asked;
}

Result<Asked> what_is_asked(const FrontHop& front, const ssh::ChannelOpenRequested& request) {
    if (request.type == kTcp) return tcp_asked(front, request.payload);
    if (request.type == kSocket) return socket_asked(front, request.payload);
    return tunnel_asked(front, request.payload);
}

}  // namespace

bool is_forward(std::string_view type) { return type == kTcp || type == kSocket || type == kTunnel; }

void open_forward(
    FrontHop& front, const ssh::ChannelOpenRequested& request, std::vector<std::unique_ptr<FrontChannel>>& channels) {
    const auto reject = [&](ssh::OpenFailure reason, const std::string& text) {
        front.hop().submit(ssh::RejectChannel{request.channel, reason, text});
    };
    auto& record = front.record();
    auto asked = what_is_asked(front, request);
    if (!asked) {
        record.audit("access.refused", request.type, "refused", asked.error().text);
        return reject(ssh::OpenFailure::ConnectFailed, asked.error().text);
    }

    asked->request.target = front.destination().target;
    asked->request.login = front.destination().login;
    const bool at_gateway = front.destination().target.empty();
    if (at_gateway && request.type == kTcp && asked->by_key) {
        auto jump = jump_to(front, asked->request.forward_host, asked->request.forward_port);
        if (jump) {
            if (const auto begun = record.may_begin(model::OnFailure::Alarm); !begun)
                return reject(ssh::OpenFailure::ResourceShortage, begun.error().text);
            record.audit("channel.open", asked->where, "ok", fmt::format("jump to target {}", jump->target));
            channels.push_back(std::make_unique<JumpChannel>(front, request.channel, std::move(*jump)));
            return;
        }
    }
    const auto decision = front.decide(asked->request);
    std::string refusal = decision.allowed ? "" : decision.reason;
    if (decision.allowed && !asked->by_key) refusal = asked->by_key.error().text;
    if (at_gateway && request.type != kTcp) {
        refusal = "this works with a target only; write LOGIN@TARGET in front of the gateway's name";
    }
    if (!refusal.empty()) {
        record.audit("access.refused", asked->where, "refused", refusal);
        return reject(ssh::OpenFailure::AdministrativelyProhibited, refusal);
    }
    const auto on_failure = front.on_failure(decision);
    if (const auto begun = front.may_begin(decision); !begun)
        return reject(ssh::OpenFailure::ResourceShortage, begun.error().text);
    // The name as policy read it: lower case, no trailing dot.
    const auto host = model::ForwardHost::parse(asked->request.forward_host);
    const std::string name = host ? host->name : asked->request.forward_host;
    const auto snapshot = front.services().access.load();
    const model::Route* route = at_gateway ? model::route_to(snapshot->access, name) : nullptr;
    record.audit("channel.open", asked->where, "ok",
        fmt::format("{} by rule \"{}\"{}", model::name(asked->request.capability), decision.rule,
            route == nullptr ? "" : fmt::format(", by route \"{}\"", route->name)));

    if (at_gateway) {
        DialedForward::Plan plan{{name, asked->request.forward_port}, {}, decision.record,
            decision.record_contents, on_failure};
        if (route != nullptr) plan.via = route->via;
        channels.push_back(std::make_unique<DialedForward>(front, request.channel, std::move(plan)));
        return;
    }
    TargetHop* target = front.target_hop(front.destination().target, front.destination().login);
    if (target == nullptr) return reject(ssh::OpenFailure::ConnectFailed, "the target does not exist any more");
    TargetForward::Plan plan{std::move(asked->payload), {}, on_failure};
    plan.facts.type = request.type;
    plan.facts.destination = asked->where;
    plan.facts.level = decision.record;
    plan.facts.contents = decision.record_contents;
    auto forward = std::make_unique<TargetForward>(front, *target, request.channel, std::move(plan));
    TargetForward& added = *forward;
    channels.push_back(std::move(forward));
    added.join();
}

}  // namespace sekisho::gateway
