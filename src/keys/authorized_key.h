// authorized_keys(5), a line or a whole file: options, key, comment. Options are kept as written; who may do what with them
// is for identity and policy.
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

struct AuthorizedKeys {
    struct Entry {
        std::size_t line;  // from 1
        AuthorizedKey key;
    };
    struct Problem {
        std::size_t line;
        Error error;
    };
    std::vector<Entry> entries;
    std::vector<Problem> problems;

    /// "line 3: reason" of the first problem; an error when there is one. For callers that take a file whole or not at all.
    Result<void> check() const;
};

/// A whole file of at most 1 MiB and 10,000 lines; beyond that nothing is read. Empty lines and comments are skipped; a line
/// that is wrong is a problem of its own and spoils no other, as sshd has it.
Result<AuthorizedKeys> parse_authorized_keys(std::string_view text);

}  // namespace sekisho::keys
