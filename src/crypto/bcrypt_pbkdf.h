// bcrypt_pbkdf: how OpenSSH turns a passphrase into the key of a private key file. PBKDF2's shape, with a bcrypt over SHA-512
// digests as its function, and the output's bytes spread over the blocks. Slow on purpose: about a millisecond a round and
// 32 bytes of key, so callers bound the rounds and do not call it on a loop. Thread-safe.
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

namespace sekisho::crypto {

/// `size` bytes of key, 1..1024. Neither passphrase nor salt may be empty, rounds not 0.
Secret bcrypt_pbkdf(BytesView passphrase, BytesView salt, unsigned rounds, std::size_t size);

}  // namespace sekisho::crypto
