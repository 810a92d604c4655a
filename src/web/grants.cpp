#include "web/grants.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace sekisho::web {
namespace {

std::optional<std::uint32_t> decimal(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // The last one is what system calls take for "none".
    if (error != std::errc() || end != text.data() + text.size() || value == UINT32_MAX) return std::nullopt;
    return value;
}

}  // namespace

Grants Grants::everything() {
    using enum Permission;
    Grants grants;
    grants.add("admin", {Look, ReadRecordings, EndSessions, Change});
    return grants;
}

void Grants::add(std::string_view role, std::initializer_list<Permission> permissions) {
    m_role = m_bits == 0 ? std::string(role) : m_role + " and " + std::string(role);
    for (const Permission permission : permissions) m_bits |= bit(permission);
}

std::optional<Peer> peer_of(int socket) {
    ucred facts{};
    socklen_t size = sizeof facts;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &facts, &size) != 0) return std::nullopt;
    Peer peer{facts.uid, {facts.gid}};
    std::vector<gid_t> groups(64);
    socklen_t bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    int asked = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    if (asked != 0 && errno == ERANGE) {  // it said how much room is needed
        groups.resize(bytes / sizeof(gid_t));
        asked = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    }
    if (asked == 0) {
        groups.resize(bytes / sizeof(gid_t));
        peer.groups.insert(peer.groups.end(), groups.begin(), groups.end());
    }
    return peer;
}

Roles::Roles() { m_admins.accounts = {0, ::geteuid()}; }

bool Roles::Names::has(const Peer& peer) const {
    return std::ranges::find(accounts, peer.uid) != accounts.end() ||
           std::ranges::find_first_of(groups, peer.groups) != groups.end();
}

Result<Roles::Names> Roles::look_up(std::string_view key, const std::vector<std::string>& names) {
    Names found;
    for (const std::string& name : names) {
        const bool group = name.starts_with('@');
        const std::string plain = name.substr(group ? 1 : 0);
        if (const auto id = decimal(plain)) {
            group ? found.groups.push_back(*id) : found.accounts.push_back(*id);
        } else if (group) {
            const ::group* entry = ::getgrnam(plain.c_str());  // one thread so far
            if (!entry) return fail(std::string(key) + ": this machine has no group " + plain);
            found.groups.push_back(entry->gr_gid);
        } else {
            const ::passwd* entry = ::getpwnam(plain.c_str());
            if (!entry) return fail(std::string(key) + ": this machine has no account " + plain);
            found.accounts.push_back(entry->pw_uid);
        }
    }
    return found;
}

Result<Roles> Roles::resolve(const model::AdminConfig& config) {
    Roles roles;
    const auto add = [&roles](std::string_view key, const std::vector<std::string>& names, Names& to) -> Result<void> {
        const auto found = look_up(key, names);
        if (!found) return std::unexpected(found.error());
        to.accounts.insert(to.accounts.end(), found->accounts.begin(), found->accounts.end());
        to.groups.insert(to.groups.end(), found->groups.begin(), found->groups.end());
        roles.m_others = roles.m_others || !names.empty();
        return {};
    };
    if (auto done = add("admin.admins", config.admins, roles.m_admins); !done) return std::unexpected(done.error());
    if (auto done = add("admin.auditors", config.auditors, roles.m_auditors); !done) return std::unexpected(done.error());
    if (auto done = add("admin.operators", config.operators, roles.m_operators); !done) return std::unexpected(done.error());
    return roles;
}

Grants Roles::of(const Peer& peer) const {
    using enum Permission;
    if (m_admins.has(peer)) return Grants::everything();
    Grants grants;
    if (m_auditors.has(peer)) grants.add("auditor", {Look, ReadRecordings});
    if (m_operators.has(peer)) grants.add("operator", {Look, EndSessions});
    return grants;
}

}  // namespace sekisho::web
