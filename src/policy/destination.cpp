// parse_destination() and target_at() of policy/decide.h: what the client asks for, by its SSH user name or as a host.
#include <algorithm>

#include <fmt/format.h>

#include "base/network.h"
#include "model/pattern.h"
#include "policy/decide.h"

namespace sekisho::policy {
namespace {

constexpr std::size_t kLongestName = 256;
constexpr std::string_view kSeparators = "@%#";

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> words;
    while (true) {
        const std::size_t end = text.find_first_of(kSeparators);
        words.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return words;
        text.remove_prefix(end + 1);
    }
}

Result<Destination> single_word(
    const model::Access& access, std::string_view word, const std::vector<std::string>& key_owners) {
    const bool owner = std::find(key_owners.begin(), key_owners.end(), word) != key_owners.end();
    // A word that is nobody's who has this key, but some other user's, states that user: the key is refused, not the word.
    const bool stated_user = owner || (!access.target(word) && access.user(word));
    if (stated_user) return Destination{std::string(word), {}, {}};
    if (!model::is_target_name(word)) return fail("the user name is neither a user nor the name of a target");
    return Destination{{}, {}, std::string(word)};
}

}  // namespace

Result<Destination> parse_destination(
    const model::Access& access, std::string_view ssh_user, const std::vector<std::string>& key_owners) {
    if (ssh_user.empty()) return Destination{};
    if (ssh_user.size() > kLongestName) return fail("the user name is too long");
    const std::vector<std::string_view> words = split(ssh_user);
    constexpr std::string_view kForms = "write TARGET, LOGIN@TARGET or USER@LOGIN@TARGET in front of the gateway's name";
    if (words.size() > 3 || std::any_of(words.begin(), words.end(), [](std::string_view word) { return word.empty(); })) {
        return fail(std::string(kForms));
    }
    if (words.size() == 1) return single_word(access, words[0], key_owners);

    const std::string_view target = words.back();
    const std::string_view login = words[words.size() - 2];
    if (!model::is_target_name(target)) return fail("what stands last is not the name of a target", std::string(kForms));
    if (!model::is_login(login)) return fail("what stands before the target is not a login", std::string(kForms));
    if (words.size() == 3 && !model::is_user_name(words[0]))
        return fail("what stands first is not the name of a user", std::string(kForms));
    return Destination{words.size() == 3 ? std::string(words[0]) : std::string(), std::string(login), std::string(target)};
}

const model::Target* target_at(const model::Access& access, std::string_view host, std::uint16_t port) {
    constexpr std::uint16_t kSsh = 22;
    if (const model::Target* named = access.target(host)) {
        const auto own = base::parse_host_port(named->address);
        return port == kSsh || (own && own->port == port) ? named : nullptr;
    }
    const bool colons = host.find(':') != std::string_view::npos;
    const std::string address = colons ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
    const auto is_there = [&](const model::Target& one) { return one.address == address; };
    const auto found = std::ranges::find_if(access.targets, is_there);
    if (found == access.targets.end() || std::any_of(found + 1, access.targets.end(), is_there)) return nullptr;
    return &*found;
}

}  // namespace sekisho::policy
