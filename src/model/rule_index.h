// RuleIndex: for each thing that a rule can ask of a request, the rules that are content with it. Everything that is written in rules
// (patterns, networks, forwards, hours) is read once, here; a word that cannot be read contents no request. Made by Access::index()
// from its rules, never changed after; asked by policy, which puts the answers together. Pure.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/network.h"
#include "model/access.h"
#include "model/forward.h"
#include "model/hours.h"
#include "model/network_map.h"
#include "model/pattern_index.h"
#include "model/rule_set.h"
#include "model/text_map.h"

namespace sekisho::model {

class RuleIndex {
public:
    explicit RuleIndex(const std::vector<Rule>& rules);
    RuleIndex(const RuleIndex&) = delete;
    RuleIndex& operator=(const RuleIndex&) = delete;

    std::size_t size() const { return m_size; }

    RuleSet of_user(const User& user) const;  // by name, by group, or *
    RuleSet at_gateway() const { return m_at_gateway; }
    RuleSet at_target(const Target& target) const;  // by name or label
    /// A login is one that the target lists, where it lists any; a rule may narrow it. Without either nothing is meant.
    RuleSet with_login(const Target& target, const User& user, const std::string& login) const;
    const RuleSet& with_capability(Capability capability) const {
        return m_capabilities[static_cast<std::size_t>(capability)];
    }
    /// Of what `exec` runs: the request as the client sent it.
    RuleSet with_command(std::string_view command) const;
    /// Of those that permit scp in its own protocol, which nobody narrows: rules that narrow sftp let it read at most, and nothing at
    /// all where they name paths.
    RuleSet with_scp(bool writes) const { return writes ? m_scp_writes : m_scp_reads; }
    // Names match names, networks match addresses. A rule without entries permits none.
    RuleSet forwarding_to(const ForwardHost& host, std::uint16_t port) const;
    RuleSet listening_at(const ForwardHost& host, std::uint16_t port) const;
    RuleSet listening_at_gateway(const ForwardHost& host, std::uint16_t port) const;
    /// Who connects where the gateway listens.
    RuleSet accepting(const std::optional<base::Address>& address) const;
    RuleSet forwarding_to(const SocketPath& socket) const;
    RuleSet from(const std::optional<base::Address>& source) const;
    RuleSet open_at(WallTime time) const;
    /// Those that a sign-in without a touched security key contents.
    const RuleSet& without_touch() const { return m_without_touch; }

private:
    /// What rules permit at one host or network.
    struct Place {
        std::vector<PortRange> ports;
        std::vector<RuleList> rules;  // for each of `ports`
    };
    /// Windows on the clocks of one zone.
    struct Clock {
        std::shared_ptr<const base::TimeZone> zone;
        std::vector<Hours> windows;
        std::vector<RuleList> rules;  // for each of `windows`
    };

    void add_users(const Rule& rule, std::uint32_t position);
    void add_targets(const Rule& rule, std::uint32_t position);
    void add_forwards(const TextMap<RuleList>& entries);
    static void add_networks(const TextMap<RuleList>& texts, NetworkMap<std::vector<RuleList>>& networks);
    void add_hours(const TextMap<RuleList>& hours);
    RuleSet none() const { return RuleSet(m_size); }
    template <class Holds>
    RuleSet at_places(const ForwardHost& host, Holds holds) const;

    std::size_t m_size = 0;
    TextMap<RuleList> m_users;  // by the word in Rule::users
    RuleSet m_at_gateway;
    PatternIndex m_target_names;
    TextMap<PatternIndex> m_labels;  // by the label's name
    PatternIndex m_logins;
    TextMap<RuleList> m_own_logins;  // by the word in Rule::logins
    RuleSet m_every_login;
    std::array<RuleSet, kCapabilityCount> m_capabilities;
    PatternIndex m_commands{matches_command};
    RuleSet m_every_command;
    RuleSet m_scp_reads, m_scp_writes;
    TextMap<Place> m_names;
    NetworkMap<Place> m_networks;
    TextMap<RuleList> m_sockets;
    TextMap<RuleList> m_socket_folders;  // with the slash at the end
    NetworkMap<std::vector<RuleList>> m_sources;
    RuleSet m_every_source;
    NetworkMap<std::vector<RuleList>> m_accepted;
    RuleSet m_accepts_own_machine;
    std::vector<Clock> m_clocks;
    RuleSet m_always;
    RuleSet m_without_touch;
};

}  // namespace sekisho::model
