// Inside of crypto only: Blowfish (Schneier, 1993) with the key schedule of bcrypt (Provos and Mazières, 1999). For
// bcrypt_pbkdf and nothing else. Its tables depend on the passphrase, so it is not constant time; nor is any bcrypt.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace sekisho::crypto {

struct BlowfishState {
    std::array<std::uint32_t, 18> p;
    std::array<std::array<std::uint32_t, 256>, 4> s;

    ~BlowfishState();
};

/// The state before any key: the fraction of pi, 32 bits a word. Computed once per process.
const BlowfishState& blowfish_start();

/// Mixes `key` in, and `salt` where there is one (bcrypt's ExpandKey). Both are read round and round; `key` is not empty.
void blowfish_expand(BlowfishState& state, BytesView salt, BytesView key);

/// Encrypts pairs of words in place.
void blowfish_encrypt(const BlowfishState& state, std::span<std::uint32_t> words);

}  // namespace sekisho::crypto
