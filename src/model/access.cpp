#include "model/access.h"

#include <algorithm>
#include <array>
#include <utility>

#include "model/rule_index.h"
#include "model/text_map.h"

namespace sekisho::model {
namespace {

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

constexpr Names<Capability, kCapabilityCount> kCapabilities{
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

using Positions = TextMap<std::uint32_t>;

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

std::vector<std::string> index_words(const std::optional<Indexing>& indexing) {
    std::vector<std::string> words;
    if (!indexing) return words;
    if (indexing->commands) words.emplace_back("commands");
    if (indexing->files) words.emplace_back("files");
    if (words.empty()) words.emplace_back("none");
    return words;
}

bool is_index_word(std::string_view word) { return word == "commands" || word == "files" || word == "none"; }

void add_index_word(std::optional<Indexing>& indexing, std::string_view word) {
    if (!indexing) indexing.emplace();
    if (word == "commands") indexing->commands = true;
    if (word == "files") indexing->files = true;
}

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
    std::shared_ptr<const RuleIndex> rules;
};

void Access::index() {
    auto index = std::make_shared<Index>();
    index->users.reserve(users.size());
    for (std::size_t i = 0; i < users.size(); ++i) index->users.emplace(users[i].name, static_cast<std::uint32_t>(i));
    index->targets.reserve(targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) index->targets.emplace(targets[i].name, static_cast<std::uint32_t>(i));
    index->rules = std::make_shared<const RuleIndex>(rules);
    m_index = std::move(index);
}

const User* Access::user(std::string_view name) const { return find(users, m_index ? &m_index->users : nullptr, name); }
const Target* Access::target(std::string_view name) const {
    return find(targets, m_index ? &m_index->targets : nullptr, name);
}

std::shared_ptr<const RuleIndex> Access::rule_index() const {
    if (m_index && m_index->rules->size() == rules.size()) return m_index->rules;
    return std::make_shared<const RuleIndex>(rules);
}

std::vector<std::uint32_t> Access::rules_for(const User& user) const { return rule_index()->of_user(user).positions(); }

}  // namespace sekisho::model
