// Inside of keys only: the text of an OpenSSH private key file (OpenSSH PROTOCOL.key), cipher "none", one key. Everything that
// holds private numbers on the way is wiped.
#pragma once

#include "base/secret.h"
#include "crypto/signature.h"
#include "keys/public_key.h"

namespace sekisho::keys {

struct OpensshPrivate {
    PublicKey public_key;
    crypto::SigningKey signer;
};

Result<OpensshPrivate> parse_openssh_private(std::string_view text);
Secret format_openssh_private(const PublicKey& key, const crypto::SigningKey& signer, std::string_view comment);

/// The public key that belongs to `signer`.
PublicKey public_part(KeyKind kind, const crypto::SigningKey& signer);

}  // namespace sekisho::keys
