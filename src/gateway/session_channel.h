// SessionChannel: one "session" channel of the client, from open to close. Requests before the start (pty, env, agent) are
// answered by policy and held; at the start (shell, exec, subsystem) the capability is decided, the target hop joined, and
// what was held is replayed there in order. A refusal is a text, an exit status and a close, and reaches no target. Owned by
// FrontHop; loop thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/front_channel.h"
#include "gateway/menu.h"
#include "gateway/relay.h"
#include "gateway/target_hop.h"
#include "policy/decide.h"

namespace sekisho::gateway {

class SessionChannel final : public FrontChannel, public ChannelSink, public RelayOwner, public TargetUser {
public:
    SessionChannel(FrontHop& front, ssh::ChannelId channel);
    ~SessionChannel() override;

    void front_gone() override;
    bool end(const std::string& text) override;
    void credit_released() override;

private:
    struct Request {
        std::string type;
        bool want_reply = false;
        Bytes payload;
    };

    void channel_event(Hop& hop, ssh::Event& event) override;
    void relay_answered() override;
    void relay_refused(const sftp::Refused& refused) override;
    void relay_unreadable(const std::string& text) override;
    void relay_ended() override;
    void target_ready() override;
    void target_lost(const std::string& text) override;

    void requested(Request request);
    void pty_requested(Request request);
    void env_requested(Request request);
    void agent_requested(Request request);
    void x11_requested(Request request);
    bool x11_permitted();
    bool agent_permitted();
    void refused_part(const std::string& what, const std::string& reason);
    std::string place() const;  // for people
    void hold(Request request);
    void start(Request request);
    bool find_destination(Request& start);
    void run(Request start);
    struct Places {
        std::vector<Menu::Item> open;
        bool more = false;
    };
    Places places(std::size_t most);
    void help(const Request& start);
    bool open_menu(Request& start);
    void show_menu();
    void say(std::string_view text);
    void said(std::size_t count);
    void resize_menu(const Request& request);
    void typed(ssh::Data& data);
    void leave_menu(const std::string& text, int status);
    void relay_to_target(Request start, const policy::Decision& decision);
    void target_channel_event(ssh::Event& event);
    void refuse(const Request& start, const std::string& text, int status);
    /// The gateway's last words, in what the client shows, and the end.
    void finish(const std::string& text, int status);
    void refuse_by_policy(const Request& start, const std::string& what, const std::string& reason);
    void reply(const Request& request, bool success);
    policy::Decision decide(model::Capability capability, std::optional<std::string> command = {});
    void want_inward(bool wanted);
    void leave_target();

    FrontHop& m_front;
    ssh::ChannelId m_channel;
    policy::Destination m_destination;
    std::vector<Request> m_held;
    std::size_t m_held_bytes = 0;
    std::size_t m_env_count = 0;
    std::size_t m_env_bytes = 0;
    std::optional<Relay> m_relay;
    TargetHop* m_target = nullptr;
    ssh::ChannelId m_target_channel;
    std::optional<Menu> m_menu;
    Request m_menu_start;  // what begins where the user goes
    std::size_t m_own_queued = 0;  // of the gateway's own words, bytes that the client has no window for yet
    bool m_menu_stale = false;  // it changed while the client was not reading
    bool m_pty = false;
    bool m_shell = false;
    bool m_agent_asked = false;  // the client offers its agent
    bool m_agent_granted = false;  // and commands on the target may use it
    std::optional<Bytes> m_x11;  // x11-req as the client sent it; its cookie goes to the target and nowhere else
    bool m_x11_granted = false;
    bool m_joined = false;  // the target hop knows what this session wants
    bool m_started = false;
    bool m_eof = false;
    bool m_opening = false;
    bool m_front_gone = false;
};

}  // namespace sekisho::gateway
