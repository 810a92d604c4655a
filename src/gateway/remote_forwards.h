// RemoteForwards: the global requests of one client, and the forwards among them: tcpip-forward and streamlocal-forward@openssh.com,
// which the target carries out (it listens), with their cancellations, and the channels that it opens for them. Without a target the
// gateway listens (GatewayPorts). What may be forwarded at all can be asked beforehand (forward-check@sekisho). Answers leave in the
// order of the questions, whenever the target gives them. Owned by FrontHop; loop thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/gateway_ports.h"
#include "gateway/inward_channel.h"
#include "gateway/target_hop.h"
#include "policy/decide.h"

namespace sekisho::gateway {

class FrontHop;

class RemoteForwards final : public TargetUser {
public:
    explicit RemoteForwards(FrontHop& front) : m_front(front) {}

    void requested(const ssh::GlobalRequested& request);
    /// The gateway listens for this client no more.
    void stop(const std::string& why);
    /// A channel that `target` opens: for a forward of ours that rules still permit, or the error says why not.
    Result<InwardChannel::Plan> plan(const TargetHop& target, const ssh::ChannelOpenRequested& request);

private:
    /// Where the target listens, or is asked to.
    struct Place {
        bool socket = false;
        std::string host;  // as the client named it
        std::uint32_t port = 0;
        std::string path;

        std::string text() const;
        friend bool operator==(const Place&, const Place&) = default;
    };
    struct Listening {
        Place place;
        model::OnFailure on_failure;
    };
    /// What the target is asked, or will be once it is there.
    struct Asked {
        std::uint64_t id;
        std::optional<std::uint64_t> answer;  // number of the client's question, if it waits
        bool cancel;
        Place place;
        model::OnFailure on_failure;
        std::string type;
        Bytes payload;
        bool sent = false;
    };
    struct Answer {
        std::optional<bool> success;
        Bytes payload;
    };

    static std::optional<Place> parse_place(std::string_view type, BytesView payload);
    policy::Request request_for(const Place& place) const;
    Result<policy::Decision> permitted(const Place& place);
    void check(const ssh::GlobalRequested& request, std::optional<std::uint64_t> answer);
    Result<policy::Decision> checked(model::Capability capability, const std::string& place, std::uint16_t port);
    void forward(const ssh::GlobalRequested& request, std::optional<std::uint64_t> answer);
    void cancel(const ssh::GlobalRequested& request, std::optional<std::uint64_t> answer);
    /// Is it the gateway that listens?
    bool here(const Place& place) const;
    GatewayPorts& ports();
    void listen_here(const Place& place, const policy::Decision& decision, std::optional<std::uint64_t> answer);
    void refuse(std::optional<std::uint64_t> answer, const std::string& subject, const std::string& text);
    void ask(Asked asked);
    void send(Asked& asked);
    void answered(std::uint64_t id, bool success, BytesView payload);
    bool begun(const Asked& asked, BytesView payload);
    void settle(std::optional<std::uint64_t> answer, bool success, BytesView payload = {});
    const Listening* listening(const Place& place) const;

    void target_ready() override;
    void target_lost(const std::string& text) override;

    FrontHop& m_front;
    std::unique_ptr<GatewayPorts> m_ports;  // from the first one on
    TargetHop* m_target = nullptr;  // joined
    bool m_ready = false;
    std::vector<Listening> m_listening;
    std::vector<Asked> m_asked;
    std::uint64_t m_last_id = 0;
    std::vector<Answer> m_answers;  // owed to the client, in the order of its questions
    std::uint64_t m_answers_given = 0;  // number of m_answers' front
};

}  // namespace sekisho::gateway
