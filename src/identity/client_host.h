// Hostbased sign-in (RFC 4252 §9): a machine that the access file names vouches, with its host key, for which of its accounts is
// asking. The engine has verified by then that the key signed this request in this session; whether the key is that machine's, and
// what its word is worth, is decided here. Pure; called by gateway/front_auth.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "identity/grant.h"
#include "identity/revocation.h"
#include "model/access.h"

namespace sekisho::identity {

/// The client hosts of one access snapshot, with their keys parsed. Built once, then read by all loops.
class ClientHosts {
public:
    struct Host {
        model::ClientHost given;
        std::vector<base::Network> addresses;
        std::vector<keys::PublicKey> keys;
    };
    ClientHosts() = default;
    explicit ClientHosts(const model::Access& access);

    /// `name` as the client states it: any case, with or without a dot at its end. nullptr: nobody's.
    const Host* find(std::string_view name) const;
    bool empty() const { return m_hosts.empty(); }
    const std::vector<std::string>& problems() const { return m_problems; }

private:
    std::unordered_map<std::string, Host> m_hosts;
    std::vector<std::string> m_problems;
};

struct HostClaim {
    std::string host;  // as the client states it
    std::string account;  // on that host
    BytesView key_blob;  // what signed
    std::string user;  // of the gateway, as the destination states it
    std::optional<base::Address> source;
};

/// The error is for the audit; a client is told none of it, lest it tells hosts and users apart.
Result<std::shared_ptr<const Grant>> grant_by_host(const model::Access& access, const ClientHosts& hosts,
    const Revocation& revocation, const HostClaim& claim, WallTime now);

}  // namespace sekisho::identity
