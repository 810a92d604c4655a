// Order: what is read of the rules, by field → what is asked, in the same order.
#include "model/rule_index.h"

#include <algorithm>
#include <utility>

#include "model/own_login.h"

namespace sekisho::model {

RuleIndex::RuleIndex(const std::vector<Rule>& rules)
    : m_size(rules.size()), m_at_gateway(m_size), m_every_login(m_size), m_every_command(m_size), m_scp_reads(m_size),
      m_scp_writes(m_size), m_every_source(m_size),
      m_accepts_own_machine(m_size), m_always(m_size), m_without_touch(m_size) {
    m_capabilities.fill(none());
    TextMap<RuleList> forwards, networks, accepted, hours;
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
        const Rule& rule = rules[i];
        add_users(rule, i);
        add_targets(rule, i);
        for (const std::string& word : rule.logins) is_own_login(word) ? m_own_logins[word].add(i) : m_logins.add(word, i);
        if (rule.logins.empty()) m_every_login.add(i);
        for (const Capability capability : rule.allow) m_capabilities[static_cast<std::size_t>(capability)].add(i);
        for (const std::string& pattern : rule.commands) m_commands.add(pattern, i);
        if (rule.commands.empty()) m_every_command.add(i);
        if (rule.sftp.paths.empty()) m_scp_reads.add(i);
        if (!rule.sftp.any()) m_scp_writes.add(i);
        for (const std::string& entry : rule.forward) forwards[entry].add(i);
        for (const std::string& network : rule.when.from) networks[network].add(i);
        if (rule.when.from.empty()) m_every_source.add(i);
        for (const std::string& network : rule.accept_from) accepted[network].add(i);
        if (rule.accept_from.empty()) m_accepts_own_machine.add(i);
        if (!rule.when.touch) m_without_touch.add(i);
        rule.when.hours.empty() ? m_always.add(i) : hours[rule.when.hours].add(i);
    }
    for (TextMap<RuleList>* lists : {&m_users, &m_own_logins, &forwards, &networks, &accepted, &hours}) {
        for (auto& [word, list] : *lists) list.pack(m_size);
    }
    m_target_names.pack(m_size);
    for (auto& [label, patterns] : m_labels) patterns.pack(m_size);
    m_logins.pack(m_size);
    m_commands.pack(m_size);
    add_forwards(forwards);
    add_networks(networks, m_sources);
    add_networks(accepted, m_accepted);
    add_hours(hours);
}

void RuleIndex::add_users(const Rule& rule, std::uint32_t position) {
    for (const std::string& word : rule.users) m_users[word].add(position);
}

void RuleIndex::add_targets(const Rule& rule, std::uint32_t position) {
    for (const std::string& word : rule.targets) {
        const std::size_t equals = word.find('=');
        PatternIndex& patterns = equals == std::string::npos ? m_target_names : m_labels[word.substr(0, equals)];
        patterns.add(equals == std::string::npos ? word : word.substr(equals + 1), position);
    }
    if (rule.targets.empty()) m_at_gateway.add(position);
}

void RuleIndex::add_forwards(const TextMap<RuleList>& entries) {
    for (const auto& [text, rules] : entries) {
        const auto entry = ForwardEntry::parse(text);
        if (!entry) continue;
        if (entry->is_folder()) {
            m_socket_folders.emplace(entry->path.substr(0, entry->path.size() - 1), rules);
        } else if (!entry->path.empty()) {
            m_sockets.emplace(entry->path, rules);
        } else {
            Place& place = entry->network ? m_networks[*entry->network] : m_names[entry->name];
            place.ports.push_back(entry->ports);
            place.rules.push_back(rules);
        }
    }
}

void RuleIndex::add_networks(const TextMap<RuleList>& texts, NetworkMap<std::vector<RuleList>>& networks) {
    for (const auto& [text, rules] : texts) {
        if (const auto network = base::Network::parse(text)) networks[*network].push_back(rules);
    }
}

void RuleIndex::add_hours(const TextMap<RuleList>& hours) {
    for (const auto& [text, rules] : hours) {
        auto window = Hours::parse(text);
        if (!window) continue;
        auto clock = std::ranges::find(m_clocks, window->zone, &Clock::zone);
        if (clock == m_clocks.end()) clock = m_clocks.insert(clock, Clock{window->zone, {}, {}});
        clock->windows.push_back(std::move(*window));
        clock->rules.push_back(rules);
    }
}

// --- what is asked ---

RuleSet RuleIndex::of_user(const User& user) const {
    RuleSet found = none();
    const auto add = [&](std::string_view word) {
        if (const auto rules = m_users.find(word); rules != m_users.end()) rules->second.add_to(found);
    };
    add("*");
    add(user.name);
    std::string word;
    for (const std::string& group : user.groups) add(word.assign("@").append(group));
    return found;
}

RuleSet RuleIndex::at_target(const Target& target) const {
    RuleSet found = none();
    m_target_names.find(target.name, found);
    for (const auto& [label, value] : target.labels) {
        if (const auto patterns = m_labels.find(label); patterns != m_labels.end()) patterns->second.find(value, found);
    }
    return found;
}

RuleSet RuleIndex::with_login(const Target& target, const User& user, const std::string& login) const {
    RuleSet found = none();
    const bool listed = std::ranges::any_of(target.logins, [&](const std::string& word) { return own_login(word, user) == login; });
    if (!listed && !target.logins.empty()) return found;
    m_logins.find(login, found);
    for (const auto& [word, rules] : m_own_logins) {
        if (own_login(word, user) == login) rules.add_to(found);
    }
    if (listed) found |= m_every_login;
    return found;
}

RuleSet RuleIndex::with_command(std::string_view command) const {
    RuleSet found = m_every_command;
    m_commands.find(command, found);
    return found;
}

template <class Holds>
RuleSet RuleIndex::at_places(const ForwardHost& host, Holds holds) const {
    RuleSet found = none();
    const auto add = [&](const Place& place) {
        for (std::size_t i = 0; i < place.ports.size(); ++i) {
            if (holds(place.ports[i])) place.rules[i].add_to(found);
        }
    };
    if (host.address) {
        m_networks.each(*host.address, add);
    } else if (const auto place = m_names.find(host.name); place != m_names.end()) {
        add(place->second);
    }
    return found;
}

RuleSet RuleIndex::forwarding_to(const ForwardHost& host, std::uint16_t port) const {
    return at_places(host, [port](const PortRange& ports) { return ports.holds(port); });
}

RuleSet RuleIndex::listening_at(const ForwardHost& host, std::uint16_t port) const {
    return at_places(host, [port](const PortRange& ports) { return ports.holds_listening(port); });
}

RuleSet RuleIndex::listening_at_gateway(const ForwardHost& host, std::uint16_t port) const {
    return at_places(host, [port](const PortRange& ports) { return ports.holds_listening_here(port); });
}

RuleSet RuleIndex::forwarding_to(const SocketPath& socket) const {
    RuleSet found = none();
    const auto add = [&](const TextMap<RuleList>& lists, std::string_view path) {
        if (const auto rules = lists.find(path); rules != lists.end()) rules->second.add_to(found);
    };
    const std::string_view path = socket.text;
    add(m_sockets, path);
    for (std::size_t slash = 0; slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
        add(m_socket_folders, path.substr(0, slash + 1));
    }
    return found;
}

RuleSet RuleIndex::from(const std::optional<base::Address>& source) const {
    RuleSet found = m_every_source;
    if (!source) return found;
    m_sources.each(*source, [&](const std::vector<RuleList>& lists) {
        for (const RuleList& rules : lists) rules.add_to(found);
    });
    return found;
}

RuleSet RuleIndex::accepting(const std::optional<base::Address>& address) const {
    if (!address) return none();
    RuleSet found = kind_of_own_address(*address) == "loopback" ? m_accepts_own_machine : none();
    m_accepted.each(*address, [&](const std::vector<RuleList>& lists) {
        for (const RuleList& rules : lists) rules.add_to(found);
    });
    return found;
}

RuleSet RuleIndex::open_at(WallTime time) const {
    RuleSet found = m_always;
    for (const Clock& clock : m_clocks) {
        const WeekMinute now = WeekMinute::at(*clock.zone, time);
        for (std::size_t i = 0; i < clock.windows.size(); ++i) {
            if (clock.windows[i].contains(now)) clock.rules[i].add_to(found);
        }
    }
    return found;
}

}  // namespace sekisho::model
