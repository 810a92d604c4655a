// Key agreement for the SSH exchange, in the one shape that Diffie-Hellman and KEMs share: the client starts with an
// init value, the server responds and has the shared secret, the client finishes. One implementation per file.
// Owned by ssh/kex; values are the raw contents of the SSH strings (Q_C, Q_S, or C_INIT, S_REPLY of the hybrids).
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace sekisho::crypto {

/// What the client keeps between init and reply.
class KeyAgreementClient {
public:
    virtual ~KeyAgreementClient() = default;
    virtual BytesView init() const = 0;
    /// Shared secret (magnitude for mpint methods, the string's contents otherwise). Fails on a wrong length, a point off
    /// the curve, or an all-zero X25519 result (RFC 7748 §6.1, RFC 8731 §3).
    virtual Result<Secret> finish(BytesView reply) = 0;
};

struct KeyAgreementReply {
    Bytes reply;
    Secret shared;
};

class KeyAgreement {
public:
    virtual ~KeyAgreement() = default;
    virtual std::unique_ptr<KeyAgreementClient> start(Random& random) const = 0;
    virtual Result<KeyAgreementReply> respond(BytesView init, Random& random) const = 0;
    virtual HashKind hash() const = 0;
    /// A step takes milliseconds: better not on a thread that others wait for.
    virtual bool slow() const { return false; }
    /// K enters the exchange hash as a string (post-quantum hybrids) rather than as an mpint.
    virtual bool secret_is_string() const = 0;
};

/// By SSH name: mlkem768x25519-sha256, sntrup761x25519-sha512 (also with @openssh.com), curve25519-sha256 (also with @libssh.org),
/// ecdh-sha2-nistp256/384/521, diffie-hellman-group16-sha512, -group18-sha512, -group14-sha256, -group14-sha1, -group1-sha1. nullptr:
/// unknown, or one that is more than a method (diffie-hellman-group-exchange-sha256: diffie_hellman.h).
const KeyAgreement* key_agreement(std::string_view name);

}  // namespace sekisho::crypto
