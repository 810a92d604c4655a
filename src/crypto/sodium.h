// Inside of crypto only: libsodium, for X25519 and Ed25519. It works on plain arrays of the caller, where OpenSSL makes
// three objects per operation and looks each algorithm up by name; docs/adr/0005-cryptographic-libraries.md has figures.
#pragma once

#include <sodium.h>

#include "base/assert.h"

namespace sekisho::crypto::sodium {

/// Called before anything else of libsodium: it then knows the processor and takes the fastest form of each function.
/// Once per process, from whichever thread comes first.
inline void ready() {
    static const int result = sodium_init();
    SEKISHO_ASSERT(result >= 0);
}

}  // namespace sekisho::crypto::sodium
