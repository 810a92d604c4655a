// One line of authorized_keys(5): options, key, comment. Options are kept as written; who may do what with them is for
// identity and policy.
#pragma once

#include <string>
#include <vector>

#include "keys/public_key.h"

namespace sekisho::keys {

struct KeyOption {
    std::string name;   // lower case
    std::string value;  // unquoted; empty for flags
};

struct AuthorizedKey {
    std::vector<KeyOption> options;
    PublicKey key;
    std::string comment;
};

/// Quoting as sshd(8) has it: double quotes, \" inside. An unknown option is an error that names it; known are
/// agent-forwarding, cert-authority, command, environment, expiry-time, from, no-agent-forwarding, no-port-forwarding, no-pty,
/// no-user-rc, no-X11-forwarding, permitlisten, permitopen, port-forwarding, principals, pty, no-touch-required,
/// verify-required, restrict, tunnel, user-rc, X11-forwarding.
Result<AuthorizedKey> parse_authorized_key(std::string_view line);

}  // namespace sekisho::keys
