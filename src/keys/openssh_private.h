// Inside of keys only: the text of an OpenSSH private key file (OpenSSH PROTOCOL.key), one key, plain or protected by a
// passphrase. Everything that holds private numbers on the way is wiped.
#pragma once

#include "base/secret.h"
#include "crypto/signature.h"
#include "keys/private_key.h"
#include "keys/public_key.h"

namespace sekisho::keys {

struct OpensshPrivate {
    PublicKey public_key;
    crypto::SigningKey signer;
};

Result<OpensshPrivate> parse_openssh_private(std::string_view text, std::string_view passphrase, const UnlockCost& most);
/// With a passphrase: aes256-ctr and as many rounds of bcrypt as ssh-keygen takes; without: not encrypted.
Secret format_openssh_private(
    const PublicKey& key, const crypto::SigningKey& signer, std::string_view comment, std::string_view passphrase);
/// Whether the file says that it is encrypted. False for what is no such file.
bool openssh_private_is_protected(std::string_view text);

/// The public key that belongs to `signer`.
PublicKey public_part(KeyKind kind, const crypto::SigningKey& signer);

}  // namespace sekisho::keys
