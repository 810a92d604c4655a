// Grant: what one signed key lets one user do, from the options of its authorized_keys line. Made once, when a signature was
// verified, and never changed after: an offered key, or another key of the same user, has no part in it. Held by the front
// hop; asked where channels are decided, beside policy (both must agree).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/network.h"
#include "base/result.h"
#include "keys/authorized_key.h"
#include "model/access.h"
#include "model/forward.h"

namespace sekisho::identity {

struct Grant {
    std::string user;
    std::string fingerprint;
    std::string certificate;  // not empty: signed in by this one (its id, serial and authority; for the audit)
    std::string client_host;  // not empty: signed in by the word of this host, "account@host" (for the audit)
    bool touched = false;  // by a security key, whose owner was there
    bool pty = true;
    bool agent_forwarding = true;
    bool port_forwarding = true;
    bool x11_forwarding = true;
    std::optional<std::string> command;  // replaces whatever the client asks to run
    std::optional<std::vector<model::ForwardEntry>> permit_open;  // empty list: nothing; none: whatever the rules say
    struct Listen {
        std::string host;  // a pattern
        std::uint16_t port = 0;  // 0: any
    };
    std::optional<std::vector<Listen>> permit_listen;  // as permit_open
    std::optional<std::uint32_t> tunnel;  // the only device that the target may give a tunnel of this key

    /// May this key open `host:port`, as far as its options go? The error says which option refuses.
    Result<void> permits_open(const std::string& host, std::uint16_t port) const;
    /// May it have the target listen there?
    Result<void> permits_listen(const std::string& host, std::uint16_t port) const;
    /// May it forward sockets, either way? Where the key lists ports, as in sshd(8), it means these and nothing else.
    Result<void> permits_sockets() const;
};

/// Judges the user (locked, expired) and the key's options (from=, expiry-time=, verify-required, no-touch-required: what a
/// security key's signature must say, `proof`). An option that cannot be honoured makes the key useless rather than more powerful.
/// The error is for the user who proved to own the key.
Result<std::shared_ptr<const Grant>> make_grant(const model::User& user, const keys::AuthorizedKey& key,
    const std::optional<base::Address>& source, WallTime now, const keys::SignatureDetails& proof = {});
/// Fails when the user is locked or has expired.
Result<void> check_user(const model::User& user, WallTime now);
/// Fails unless a security key's signature says what is needed; other kinds have nothing to say and pass.
Result<void> check_proof(const keys::PublicKey& key, const keys::SignatureDetails& proof, keys::SignatureNeeds needs);

/// from="…" of sshd(8): patterns and networks; a `!` in front refuses. Names never match: no reverse look-up is made.
bool source_permitted(std::string_view pattern_list, const std::optional<base::Address>& source);
/// expiry-time="YYYYMMDD[HHMM[SS]][Z]"; local time without Z.
std::optional<WallTime> parse_expiry_time(std::string_view text);

}  // namespace sekisho::identity
