// Grants: what somebody on the admin socket may do. Roles are sets of them (admin, auditor, operator), and who has which is decided by
// the kernel's word about the peer: its account and its groups. Names are looked up once, when the configuration is loaded: the sandbox
// of the running gateway does not let it read the lists of accounts.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/config.h"

namespace sekisho::web {

enum class Permission {
    Look,  // sessions, access, audit, the CA's public keys
    ReadRecordings,  // what is in them
    EndSessions,
    Change,  // access and the CA
};

class Grants {
public:
    Grants() = default;
    static Grants everything();

    bool has(Permission permission) const { return (m_bits & bit(permission)) != 0; }
    bool none() const { return m_bits == 0; }
    /// "admin", "auditor", "auditor and operator" …; "nobody" without any.
    const std::string& role() const { return m_role; }

private:
    friend class Roles;
    static unsigned bit(Permission permission) { return 1U << static_cast<unsigned>(permission); }
    void add(std::string_view role, std::initializer_list<Permission> permissions);

    unsigned m_bits = 0;
    std::string m_role = "nobody";
};

struct Peer {
    uid_t uid = 0;
    std::vector<gid_t> groups;  // the main one, too
};
/// Of a connected Unix socket; nothing where the kernel does not say.
std::optional<Peer> peer_of(int socket);

class Roles {
public:
    /// Root and this process's account, who are admin.
    Roles();
    /// Those and whom the configuration names. A name that nobody has is an error that says where it stands.
    static Result<Roles> resolve(const model::AdminConfig& config);

    Grants of(const Peer& peer) const;
    /// Whether anybody else has a role: then the socket is open to all accounts, and each is asked who it is.
    bool others() const { return m_others; }

private:
    struct Names {
        std::vector<uid_t> accounts;
        std::vector<gid_t> groups;
        bool has(const Peer& peer) const;
    };
    static Result<Names> look_up(std::string_view key, const std::vector<std::string>& names);

    Names m_admins, m_auditors, m_operators;
    bool m_others = false;
};

}  // namespace sekisho::web
