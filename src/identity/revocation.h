// What no longer counts although it was trusted once: revocation lists and plain lists of keys that an administrator names. Read when
// the gateway starts and when it is told to reload; immutable then, so any thread may ask. Used for the keys and certificates of
// users (front hop) and of targets (target hop). Standard: sshd_config(5) RevokedKeys.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keys/certificate.h"
#include "keys/krl.h"

namespace sekisho::identity {

struct Revocation {
    std::vector<keys::Krl> revoked;  // each is asked
    std::vector<keys::PublicKey> revoked_keys;
    /// A list is configured but could not be read: what it revokes is not known, so nothing counts.
    bool revocation_unknown = false;

    /// The error is a sentence for the one who showed the key.
    Result<void> check(const keys::PublicKey& key) const;
    Result<void> check(const keys::Certificate& certificate) const;
};

/// Reads each file, a KRL (ssh-keygen -k) or lines of public keys, and adds what it revokes. A file that cannot be read makes
/// `revocation_unknown`, and its error is returned.
using ReadFile = std::function<Result<std::string>(const std::string& path, std::size_t most)>;
Result<void> read_revocation(const std::vector<std::string>& paths, const ReadFile& read_file, Revocation& into);

}  // namespace sekisho::identity
