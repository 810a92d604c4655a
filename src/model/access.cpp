#include "model/access.h"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>
#include <utility>

namespace sekisho::model {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<Capability, 11> kCapabilities{
    {{Capability::Shell, "shell"}, {Capability::Exec, "exec"}, {Capability::Sftp, "sftp"}, {Capability::Scp, "scp"},
        {Capability::LocalForward, "local-forward"}, {Capability::RemoteForward, "remote-forward"},
        {Capability::UdpForward, "udp-forward"}, {Capability::SocketForward, "socket-forward"}, {Capability::Agent, "agent"},
        {Capability::X11, "x11"}, {Capability::Vpn, "vpn"}}};
constexpr Names<RecordLevel, 3> kRecordLevels{
    {{RecordLevel::Full, "full"}, {RecordLevel::Commands, "commands"}, {RecordLevel::Metadata, "metadata"}}};
constexpr Names<OnFailure, 3> kOnFailures{
    {{OnFailure::Refuse, "refuse"}, {OnFailure::End, "end"}, {OnFailure::Alarm, "alarm"}}};
constexpr Names<TargetAuth, 5> kTargetAuths{{{TargetAuth::Certificate, "certificate"}, {TargetAuth::Agent, "agent"},
    {TargetAuth::Key, "key"}, {TargetAuth::Password, "password"}, {TargetAuth::Passthrough, "passthrough"}}};

template <class Enum, std::size_t N>
std::string_view name_in(const Names<Enum, N>& names, Enum value) {
    for (const auto& [known, text] : names) {
        if (known == value) return text;
    }
    return "?";
}

template <class Enum, std::size_t N>
std::optional<Enum> value_in(const Names<Enum, N>& names, std::string_view text) {
    for (const auto& [value, known] : names) {
        if (known == text) return value;
    }
    return std::nullopt;
}

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
using Positions = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;
using RuleLists = std::unordered_map<std::string, std::vector<std::uint32_t>, TextHash, std::equal_to<>>;

/// An index that was not rebuilt after a change may point to the wrong place, never to a wrong answer: the name is compared.
template <class Item>
const Item* find(const std::vector<Item>& items, const Positions* positions, std::string_view name) {
    if (positions) {
        const auto found = positions->find(name);
        if (found == positions->end()) return nullptr;
        if (found->second < items.size() && items[found->second].name == name) return &items[found->second];
    }
    const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Capability> parse_capability(std::string_view text) { return value_in(kCapabilities, text); }
std::string_view name(Capability capability) { return name_in(kCapabilities, capability); }
std::string_view name(RecordLevel level) { return name_in(kRecordLevels, level); }
std::string_view name(OnFailure on_failure) { return name_in(kOnFailures, on_failure); }
std::string_view name(TargetAuth auth) { return name_in(kTargetAuths, auth); }
std::optional<RecordLevel> parse_record_level(std::string_view text) { return value_in(kRecordLevels, text); }
std::optional<OnFailure> parse_on_failure(std::string_view text) { return value_in(kOnFailures, text); }
std::optional<TargetAuth> parse_target_auth(std::string_view text) { return value_in(kTargetAuths, text); }

bool names_user(const std::vector<std::string>& words, const User& user) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        if (word == "*" || word == user.name) return true;
        return word.starts_with('@') &&
               std::find(user.groups.begin(), user.groups.end(), std::string_view(word).substr(1)) != user.groups.end();
    });
}

struct Access::Index {
    Positions users;
    Positions targets;
    RuleLists rules;  // by the word in Rule::users: name, "@group" or "*"
    std::size_t rule_count = 0;
};

void Access::index() {
    auto index = std::make_shared<Index>();
    index->users.reserve(users.size());
    for (std::size_t i = 0; i < users.size(); ++i) index->users.emplace(users[i].name, static_cast<std::uint32_t>(i));
    index->targets.reserve(targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) index->targets.emplace(targets[i].name, static_cast<std::uint32_t>(i));
    for (std::size_t i = 0; i < rules.size(); ++i) {
        for (const std::string& word : rules[i].users) index->rules[word].push_back(static_cast<std::uint32_t>(i));
    }
    index->rule_count = rules.size();
    m_index = std::move(index);
}

const User* Access::user(std::string_view name) const { return find(users, m_index ? &m_index->users : nullptr, name); }
const Target* Access::target(std::string_view name) const {
    return find(targets, m_index ? &m_index->targets : nullptr, name);
}

std::vector<std::uint32_t> Access::rules_for(const User& user) const {
    std::vector<std::uint32_t> positions;
    if (!m_index || m_index->rule_count != rules.size()) {
        for (std::size_t i = 0; i < rules.size(); ++i) positions.push_back(static_cast<std::uint32_t>(i));
        return positions;
    }
    const auto add = [&](std::string_view word) {
        const auto found = m_index->rules.find(word);
        if (found != m_index->rules.end()) positions.insert(positions.end(), found->second.begin(), found->second.end());
    };
    add("*");
    add(user.name);
    for (const std::string& group : user.groups) add("@" + group);
    std::sort(positions.begin(), positions.end());
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    return positions;
}

}  // namespace sekisho::model
