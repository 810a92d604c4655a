#include "gateway/forward_channel.h"

#include <optional>

#include <fmt/format.h>

#include "gateway/front_hop.h"
#include "gateway/relay.h"
#include "gateway/socket_forward.h"
#include "gateway/text.h"
#include "model/forward.h"
#include "wire/limits.h"
#include "wire/reader.h"

namespace sekisho::gateway {

namespace {

struct Destination {
    std::string host;
    std::uint16_t port = 0;
};

/// RFC 4254 §7.2: host to connect, port to connect, originator address, originator port.
Result<Destination> parse_destination(BytesView payload) {
    wire::Reader reader(payload);
    Destination destination;
    destination.host = std::string(reader.text(255));
    const std::uint32_t port = reader.u32();
    reader.string(255);
    reader.u32();
    if (auto finished = reader.finish("direct-tcpip"); !finished) return std::unexpected(finished.error());
    if (port == 0 || port > 65535) return fail("the port is not a number from 1 to 65535");
    destination.port = static_cast<std::uint16_t>(port);
    return destination;
}

/// A forward that the target opens: two channels, one relay.
class TargetForward final : public FrontChannel, public ChannelSink, public RelayOwner, public TargetUser {
public:
    TargetForward(FrontHop& front, TargetHop& target, ssh::ChannelId channel, Bytes payload, std::string destination,
        model::RecordLevel level, model::OnFailure on_failure)
        : m_front(front), m_target(&target), m_channel(channel), m_payload(std::move(payload)),
          m_destination(std::move(destination)), m_level(level), m_on_failure(on_failure) {}

    ~TargetForward() override {
        if (m_target == nullptr) return;
        m_target->leave(*this);
        if (m_opening) m_target->hop().unroute(m_target_channel);
    }

    void join() { m_target->join(*this); }

    void front_gone() override {
        m_front_gone = true;
        if (m_relay) m_relay->hop_gone(m_front.hop());
    }
    bool end(const std::string&) override { return false; }  // a foreign protocol speaks here
    void credit_released() override {
        if (m_relay) m_relay->release_credit();
    }

private:
    void target_ready() override {
        const auto channel = m_target->hop().new_channel();
        if (!channel) return reject(ssh::OpenFailure::ResourceShortage, channel.error().text);
        m_target_channel = *channel;
        m_opening = true;
        m_target->hop().route(m_target_channel, *this);
        m_target->hop().submit(ssh::OpenChannel{m_target_channel, "direct-tcpip", std::move(m_payload)});
    }

    void channel_event(Hop&, ssh::Event& event) override {
        if (std::holds_alternative<ssh::ChannelOpened>(event)) {
            m_opening = false;
            auto& record = m_front.record();
            recording::ChannelFacts facts;
            facts.type = "direct-tcpip";
            facts.target = m_target->name();
            facts.destination = m_destination;
            facts.level = m_level;
            const auto number = record.channel_opened(std::move(facts), m_on_failure);
            m_relay.emplace(*this, record, number, m_front.hop(), m_channel, true);
            m_relay->begin();
            m_relay->connect(m_target->hop(), m_target_channel);
            m_front.hop().submit(ssh::AcceptChannel{m_channel, {}});
        } else if (const auto* failed = std::get_if<ssh::ChannelOpenFailed>(&event)) {
            m_opening = false;
            // The target's own reason (RFC 4254 §5.1): connect failed, prohibited …
            reject(static_cast<ssh::OpenFailure>(failed->reason), shown(failed->text, 300));
        }
    }

    void target_lost(const std::string& text) override {
        m_opening = false;
        m_target = nullptr;
        if (!m_relay) return reject(ssh::OpenFailure::ConnectFailed, shown(text, 300));
        m_relay->second_gone();
    }

    void reject(ssh::OpenFailure reason, const std::string& text) {
        if (!m_front_gone) m_front.hop().submit(ssh::RejectChannel{m_channel, reason, text});
        m_front.channel_over(*this);
    }

    void relay_ended() override { m_front.channel_over(*this); }

    FrontHop& m_front;
    TargetHop* m_target;
    ssh::ChannelId m_channel;
    Bytes m_payload;
    std::string m_destination;
    model::RecordLevel m_level;
    model::OnFailure m_on_failure;
    ssh::ChannelId m_target_channel;
    std::optional<Relay> m_relay;
    bool m_opening = false;
    bool m_front_gone = false;
};

}  // namespace

void open_forward(
    FrontHop& front, const ssh::ChannelOpenRequested& request, std::vector<std::unique_ptr<FrontChannel>>& channels) {
    const auto reject = [&](ssh::OpenFailure reason, const std::string& text) {
        front.hop().submit(ssh::RejectChannel{request.channel, reason, text});
    };
    auto& record = front.record();
    const auto destination = parse_destination(request.payload);
    if (!destination) return reject(ssh::OpenFailure::ConnectFailed, destination.error().text);
    const std::string where = shown(net::Endpoint{destination->host, destination->port}.text(), 300);

    policy::Request asked;
    asked.target = front.destination().target;
    asked.login = front.destination().login;
    asked.capability = model::Capability::LocalForward;
    asked.forward_host = destination->host;
    asked.forward_port = destination->port;
    const auto decision = front.decide(std::move(asked));
    std::string refusal = decision.allowed ? "" : decision.reason;
    if (const auto permitted = front.grant().permits_open(destination->host, destination->port);
        decision.allowed && !permitted) {
        refusal = permitted.error().text;
    }
    if (!refusal.empty()) {
        record.audit("access.refused", where, "refused", refusal);
        return reject(ssh::OpenFailure::AdministrativelyProhibited, refusal);
    }
    const auto on_failure = front.on_failure(decision);
    if (const auto begun = record.may_begin(on_failure); !begun)
        return reject(ssh::OpenFailure::ResourceShortage, begun.error().text);
    record.audit("channel.open", where, "ok", fmt::format("local-forward by rule \"{}\"", decision.rule));

    if (front.destination().target.empty()) {
        // The name as policy read it: lower case, no trailing dot.
        const auto host = model::ForwardHost::parse(destination->host);
        const std::string name = host ? host->name : destination->host;
        channels.push_back(
            std::make_unique<SocketForward>(front, request.channel, name, destination->port, decision.record, on_failure));
        return;
    }
    TargetHop* target = front.target_hop(front.destination().target, front.destination().login);
    if (target == nullptr) return reject(ssh::OpenFailure::ConnectFailed, "the target does not exist any more");
    auto forward = std::make_unique<TargetForward>(
        front, *target, request.channel, base::to_bytes(request.payload), where, decision.record, on_failure);
    TargetForward& added = *forward;
    channels.push_back(std::move(forward));
    added.join();
}

}  // namespace sekisho::gateway
