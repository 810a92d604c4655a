// The ciphers that protect an OpenSSH private key file (PROTOCOL.key): the section as a whole, once, with key and iv straight
// from the passphrase. Called by keys; any thread.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace sekisho::crypto {

struct KeyFileCipher {
    std::string_view name;
    std::size_t key;
    std::size_t iv;
    std::size_t block;  // the section's length is a multiple of it
    std::size_t tag;  // behind the section; 0: none
};

/// aes128/192/256-ctr, aes128/192/256-cbc, aes128/256-gcm@openssh.com, chacha20-poly1305@openssh.com; nullptr for others.
const KeyFileCipher* key_file_cipher(std::string_view name);

/// `key_and_iv` has cipher.key + cipher.iv bytes, `section` is of whole blocks. Fails only on a wrong tag.
Result<Secret> open_key_file(const KeyFileCipher& cipher, const Secret& key_and_iv, BytesView section, BytesView tag);
/// Ciphers without tag only: that is what we write.
Bytes seal_key_file(const KeyFileCipher& cipher, const Secret& key_and_iv, const Secret& section);

}  // namespace sekisho::crypto
