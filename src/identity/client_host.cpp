#include "identity/client_host.h"

#include <algorithm>

#include <fmt/format.h>

namespace sekisho::identity {

namespace {

std::string plain_name(std::string_view name) {
    // OpenSSH states the fully qualified name with the dot of DNS's root.
    if (name.ends_with('.')) name.remove_suffix(1);
    std::string out(name);
    std::ranges::transform(
        out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

Result<void> check_account(const model::ClientHost& host, const HostClaim& claim) {
    if (host.accounts.empty()) {
        if (claim.account == claim.user) return {};
        return fail("its account " + claim.account + " is another user than " + claim.user);
    }
    const auto found = host.accounts.find(claim.account);
    if (found == host.accounts.end()) return fail("its account " + claim.account + " is no user's");
    if (found->second != claim.user) return fail("its account " + claim.account + " is another user than " + claim.user);
    return {};
}

/// Without the name of the host.
Result<void> check_host(const ClientHosts::Host& host, const keys::PublicKey& key, const HostClaim& claim) {
    if (std::ranges::find(host.keys, key) == host.keys.end()) return fail("the key is not one of its registered keys");
    const bool there = claim.source && std::ranges::any_of(host.addresses, [&](const base::Network& network) {
        return network.contains(claim.source->unmapped());
    });
    if (!host.given.addresses.empty() && !there) {
        return fail("it may not come from " + (claim.source ? claim.source->text() : "here"));
    }
    return check_account(host.given, claim);
}

}  // namespace

ClientHosts::ClientHosts(const model::Access& access) {
    for (const model::ClientHost& given : access.client_hosts) {
        Host host{given, {}, {}};
        for (const std::string& line : given.keys) {
            auto key = keys::PublicKey::from_line(line);
            if (key) host.keys.push_back(std::move(*key));
            if (!key) m_problems.push_back("client host " + given.name + ": " + key.error().text);
        }
        for (const std::string& text : given.addresses) {
            if (const auto network = base::Network::parse(text)) host.addresses.push_back(*network);
        }
        m_hosts.emplace(plain_name(given.name), std::move(host));
    }
}

const ClientHosts::Host* ClientHosts::find(std::string_view name) const {
    const auto found = m_hosts.find(plain_name(name));
    return found == m_hosts.end() ? nullptr : &found->second;
}

Result<std::shared_ptr<const Grant>> grant_by_host(const model::Access& access, const ClientHosts& hosts,
    const Revocation& revocation, const HostClaim& claim, WallTime now) {
    const ClientHosts::Host* host = hosts.find(claim.host);
    if (host == nullptr) return fail("no client host is called " + claim.host);
    const std::string whose = "client host " + host->given.name + ": ";
    auto key = keys::PublicKey::from_blob(claim.key_blob);
    if (!key) return fail(whose + key.error().text);
    if (auto fits = check_host(*host, *key, claim); !fits) return fail(whose + fits.error().text);
    if (auto good = revocation.check(*key); !good) return fail(whose + good.error().text);
    const model::User* user = access.user(claim.user);
    if (user == nullptr) return fail(whose + "no user is called " + claim.user);
    if (!model::names_user(host->given.users, *user)) return fail(whose + "user " + user->name + " may not come from it");
    if (auto good = check_user(*user, now); !good) return std::unexpected(good.error());
    auto grant = std::make_shared<Grant>();
    grant->user = user->name;
    grant->fingerprint = key->fingerprint();
    grant->client_host = claim.account + "@" + host->given.name;
    return grant;
}

}  // namespace sekisho::identity
