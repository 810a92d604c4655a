// What an Engine is started with. Algorithm preferences are policy: the default lists are a golden file in the tests.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/random.h"
#include "ssh/types.h"
#include "wire/limits.h"

namespace sekisho::ssh {

struct Algorithms {
    std::vector<std::string> kex;
    std::vector<std::string> host_keys;  // client: accepted; server: narrowed to the keys it has
    std::vector<std::string> ciphers;
    std::vector<std::string> macs;
    std::vector<std::string> compression;
    std::vector<std::string> user_signatures;  // server-sig-algs
};

/// The default policy of ssh-engine.md's table, as far as this build has it.
const Algorithms& default_algorithms();

/// The same without what auditors warn of: exchanges that a quantum computer would undo, NIST's curves, MACs of the plain text.
/// With whom users may sign in is as before.
const Algorithms& strict_algorithms();

/// What the client role adds behind the policy for a target marked as legacy: algorithms that are broken in part, or nearly.
const Algorithms& legacy_additions();

struct HostKey {
    Bytes blob;                           // public key or certificate blob
    std::vector<std::string> algorithms;  // e.g. {"rsa-sha2-512","rsa-sha2-256"}
};

struct RekeyLimits {
    std::uint64_t bytes = wire::limits::kRekeyBytes;
    std::uint64_t packets = wire::limits::kRekeyPackets;
    std::chrono::seconds time = wire::limits::kRekeyAfter;
};

struct Config {
    Role role = Role::Server;
    std::string software = "SSH-2.0-Sekisho_0.1";  // our identification line, without CR LF
    const Algorithms* algorithms = &default_algorithms();
    std::vector<HostKey> host_keys;  // server
    /// Client: these host key algorithms instead of the policy's, when there are any; `legacy` adds to them as well.
    std::vector<std::string> host_key_algorithms;
    std::string user;                // client: the login
    bool ask_methods = true;         // client: send "none" first; false: the owner begins with a key whatever is offered
    /// Client, with ask_methods = false: it may begin before the service is granted. RFC 4253 §10 wants a client to wait only where the
    /// exchange has no signature of the server, and each of ours has one.
    bool begin_early = false;
    /// Client: the target is marked as legacy, legacy_additions() are offered after everything else. A server never does.
    bool legacy = false;
    RekeyLimits rekey;
    /// Client: ask the owner about a server's Diffie-Hellman group that is not one of RFC 3526 (GroupOffered). Otherwise its size
    /// and form decide: the server's signature covers it, and a server that wants to give its own secrets away needs no group.
    bool judge_groups = false;
    /// Server: leave key agreements that take milliseconds (large Diffie-Hellman groups) to the owner (AgreementWanted).
    bool agree_elsewhere = false;
    /// Server: a security key's signature that was made without a touch is handed to the owner, who looks at AuthRequested::proof.
    /// Otherwise it counts as a bad signature.
    bool accept_untouched = false;
    /// Server: tell the client all host keys after sign-in and prove them when asked (hostkeys-00@openssh.com); the proofs are asked of
    /// the owner as HostSignatureWanted.
    bool announce_host_keys = false;
    /// Client: what a server tells of its host keys comes as HostKeysAnnounced rather than as a GlobalRequested.
    bool learn_host_keys = false;
    crypto::Random* random = &crypto::system_random();
};

}  // namespace sekisho::ssh
